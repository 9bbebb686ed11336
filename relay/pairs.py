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
        settled: `World.changed` of the entity when nothing was lacking; until it changes, nothing is.
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
        self.settled: Ints = self._column("settled", np.int64)
        self.focus = self._column("focus", np.bool_)
        self._of: dict[int, dict[int, int]] = {}
        self._bits: Octets = np.zeros((1, 1), np.uint8)
        """(rows of the world, clients / 8) bit c % 8 of byte c / 8: whether client c was told of what is in the row."""

    def told_of(self, client: Ints, row: Ints) -> Bools:
        """(n,) which of the clients (n,) were told of what is in which row (n,) of the world."""
        self._reach_bits(int(client.max(initial=0)))
        return np.asarray(self._bits[row, client >> 3] >> (client & 7) & 1, np.bool_)

    def _mark(self, client: int, row: "int | Ints", *, told: bool) -> None:
        self._reach_bits(client)
        bit = np.uint8(1 << (client & 7))
        if told:
            self._bits[row, client >> 3] |= bit
        else:
            self._bits[row, client >> 3] &= ~bit

    def _reach_bits(self, client: int) -> None:
        rows, octets = self._bits.shape
        if rows < len(self._world.entity) or octets <= client >> 3:
            grown = np.zeros((max(rows, len(self._world.entity)), max(octets, 2 * (client >> 3) + 1)), np.uint8)
            grown[:rows, :octets] = self._bits
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
        self.settled[pair] = self._world.changed[row]
        self.sent_at[pair] = tick
        self.first_serve[pair] = 0
        self._mark(client, row, told=True)

    def tell_many(self, client: int, entities: Ints, rows: Ints, n: int, tick: int) -> None:
        """As `tell`, of many entities, with their rows of the world, of which the client knows none.

        Raises:
            TableFullError: MAX_PAIRS are told; nothing was noted.
        """
        pair = self._allocate_many(len(entities))
        self.client[pair], self.row[pair], self.told[pair] = client, rows, n
        self.born[pair] = self._world.born[rows]
        self.acked[pair] = self.sent[pair] = self._world.version[rows]
        self.settled[pair] = self._world.changed[rows]
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
            self._mark(client, int(self.row[pair]), told=False)
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
