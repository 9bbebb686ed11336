"""Pure core: which client was told of which entity, and how far each is with its records: a row for each pair."""

from typing import Final

import numpy as np

from relay.table import Bools, Ints, Octets, Table
from relay.world import SLOTS, World

MAX_PAIRS: Final = 1 << 22


class Pairs(Table):
    """What each client was told.

    Attributes (shape (rows,), int64 unless said):
        client: row of the audience. row: row of the world, with `born` of it, so that a row given to another entity is noticed.
        told: control number that the client must have applied before it gets state of the entity.
        acked, sent: (rows, SLOTS) versions. sent_at: (rows, SLOTS) tick.
        focus: bool, whether it is among the nearest of what moves, as the client's last look found.
        unsettled: bool, whether anything may be lacking: something of the entity has changed since nothing was.
        first_serve: serve of the client in which the present version of the transform went for the first time.
    """

    def __init__(self, world: World, bound: int = MAX_PAIRS) -> None:
        super().__init__(bound)
        self._world = world
        self.client: Ints = self._column("client", np.int64)
        self.row: Ints = self._column("row", np.int64)
        self.born: Ints = self._column("born", np.int64)
        self.told: Ints = self._column("told", np.int64)
        self.acked: Ints = self._column("acked", np.int64, SLOTS)
        self.sent: Ints = self._column("sent", np.int64, SLOTS)
        self.sent_at: Ints = self._column("sent_at", np.int64, SLOTS)
        self.first_serve: Ints = self._column("first_serve", np.int64)
        self.unsettled: Bools = self._column("unsettled", np.bool_)
        self.focus = self._column("focus", np.bool_)
        self._of: dict[int, dict[int, int]] = {}
        self._bits: Octets = np.zeros((1, 1), np.uint8)
        """(clients, rows of the world / 8) bit r % 8 of byte r / 8: whether the client was told of what is in row r."""

    def told_of(self, client: Ints, row: Ints) -> Bools:
        """(n,) which of the clients (n,) were told of what is in which row (n,) of the world."""
        self._reach_bits(int(client.max(initial=0)))
        octet = self._bits.reshape(-1)[client * self._bits.shape[1] + (row >> 3)]
        return np.asarray(octet >> (row & 7).astype(np.uint8) & 1, np.bool_)

    def of_clients(self, wanted: Bools) -> Ints:
        """Pairs of the clients (rows of the audience,) that are wanted."""
        return np.flatnonzero(wanted[self.client[: self.high]])

    def stir(self) -> Ints:
        """Pairs of which something may be lacking, what changed since the last call taken into account."""
        touched, unsettled = self._world.touched[: self._world.high], self.unsettled[: self.high]
        if touched.any():
            unsettled |= touched[self.row[: self.high]]
            touched[:] = False
        return np.flatnonzero(unsettled)

    def _mark(self, client: int, rows: Ints, *, told: bool) -> None:
        self._reach_bits(client)
        bits = np.left_shift(1, rows & 7).astype(np.uint8)
        if told:
            np.bitwise_or.at(self._bits[client], rows >> 3, bits)
        else:
            np.bitwise_and.at(self._bits[client], rows >> 3, ~bits)

    def _reach_bits(self, client: int) -> None:
        clients, octets = self._bits.shape
        wanted = -(-len(self._world.entity) // 8)
        if clients <= client or octets < wanted:
            grown = np.zeros((max(clients, 2 * client + 1), max(octets, wanted)), np.uint8)
            grown[:clients, :octets] = self._bits
            self._bits = grown

    def tell(self, client: int, entity: int, n: int, tick: int) -> None:
        """Control message `n` tells the client of all that the entity's records say now.

        Raises:
            KeyError: the world does not know the entity.
            TableFullError: MAX_PAIRS are told.
        """
        row = self._world.row(entity)
        told = self._of.setdefault(client, {})
        pair = told.get(entity)
        if pair is not None and self.born[pair] == self._world.born[row]:
            # An older frame of the same tick may still arrive after the message: what it says is sent once more as state.
            self.told[pair] = n
            return
        if pair is None:
            pair = told[entity] = self._allocate()
        self.client[pair], self.row[pair], self.told[pair] = client, row, n
        self.born[pair] = self._world.born[row]
        self.acked[pair] = self.sent[pair] = self._world.version[row]
        self.unsettled[pair] = False
        self.sent_at[pair] = tick
        self.first_serve[pair] = 0
        self._mark(client, np.array([row]), told=True)

    def tell_many(self, client: int, entities: Ints, rows: Ints, n: int, tick: int) -> None:
        """As `tell`, of many entities, with their rows of the world, of which the client knows none.

        Raises:
            TableFullError: MAX_PAIRS are told; nothing was noted.
        """
        pair = self._allocate_many(len(entities))
        self.client[pair], self.row[pair], self.told[pair] = client, rows, n
        self.born[pair] = self._world.born[rows]
        self.acked[pair] = self.sent[pair] = self._world.version[rows]
        self.sent_at[pair] = tick
        self._mark(client, rows, told=True)
        self._of.setdefault(client, {}).update(zip(entities.tolist(), pair.tolist(), strict=True))

    def hold(self, client: int, entity: int, n: int) -> None:
        """State of the entity waits until the client has applied control message `n`; nothing if it was not told of it."""
        pair = self._of.get(client, {}).get(entity)
        if pair is not None:
            self.told[pair] = max(int(self.told[pair]), n)

    def untell(self, client: int, entity: int) -> None:
        """The client knows the entity no longer; nothing if it did not."""
        pair = self._of.get(client, {}).pop(entity, None)
        if pair is not None:
            self._mark(client, self.row[[pair]], told=False)
            self._release(pair)

    def untell_many(self, client: int, entities: Ints) -> None:
        """The client knows these no longer."""
        told = self._of.get(client, {})
        found = [pair for entity in entities.tolist() if (pair := told.pop(entity, None)) is not None]
        self._forget_pairs(client, found)

    def forget(self, client: int) -> None:
        """The client knows nothing."""
        self._forget_pairs(client, list(self._of.pop(client, {}).values()))

    def _forget_pairs(self, client: int, pairs: list[int]) -> None:
        which = np.array(pairs, np.int64)
        self._mark(client, self.row[which], told=False)
        self._release_many(which)

    def has(self, client: int, entity: int) -> bool:
        return entity in self._of.get(client, {})
