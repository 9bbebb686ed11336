"""Pure core: which records go to which client in this tick: what it lacks, the most urgent first, as far as its budget carries."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.audience import Audience
from relay.pairs import Pairs
from relay.table import Bools, Floats, Ints
from relay.world import NO_SEQ, SLOTS, World
from soiree.wire import quantise as q
from soiree.wire.state import Slot

REPEATS: Final = (1, 3)
"""Serves after the first in which an entity at rest is sent again, unless it was acknowledged."""
MAX_AGE_TICKS: Final = 255
"""Waiting longer makes a record no more urgent."""
OVERDUE_TICKS: Final = 48
"""What has waited for so long is as urgent as what is in focus: nothing stands still where the nearest take all that there is."""
NEAR_M: Final = 16.0
"""Entities this near are about equally urgent."""
FOCUS_WEIGHT: Final = 8.0
"""So much more urgent is what is in focus: where not all can be sent, the nearest few move smoothly, others as often as that leaves."""
_METRES = np.array([1 / q.HORIZONTAL_PER_M, 1 / q.VERTICAL_PER_M, 1 / q.HORIZONTAL_PER_M])


@dataclass(frozen=True, slots=True)
class Choice:
    """Records to be sent; arrays of shape (n,), int64."""

    pair: Ints
    slot: Ints
    client: Ints
    """Row of the audience."""
    row: Ints
    """Row of the world."""

    def __len__(self) -> int:
        return len(self.pair)

    def of(self, which: "Ints | Bools") -> "Choice":
        """Some of them, in the order given."""
        return Choice(self.pair[which], self.slot[which], self.client[which], self.row[which])

    def and_then(self, other: "Choice") -> "Choice":
        """These, then the others."""
        mine, others = (self.pair, self.slot, self.client, self.row), (other.pair, other.slot, other.client, other.row)
        return Choice(*(np.concatenate(both) for both in zip(mine, others, strict=True)))

    @property
    def cell(self) -> Ints:
        """Flat index of pair and slot."""
        return self.pair * SLOTS + self.slot


def lacking(world: World, pairs: Pairs, audience: Audience, due: Bools, rto_ticks: Ints, tick: int) -> Choice:
    """All records that clients which are `due` lack and that were not sent to them just now, in no order."""
    high = pairs.high
    # Told by a message that its client has applied; −1, which no message has, for clients that are not due.
    reached = np.where(due, audience.applied, -1)[pairs.client[:high]]
    open_ = (world.changed[pairs.row[:high]] > pairs.settled[:high]) & (pairs.told[:high] <= reached)
    pair = np.flatnonzero(open_)
    pair = pair[pairs.born[pair] == world.born[pairs.row[pair]]]
    client, row = pairs.client[pair], pairs.row[pair]
    # An owner lacks what its predecessor said last, until it speaks for itself.
    others = world.owner[row] != audience.peer[client]
    wanting = np.zeros(len(pair), np.bool_)
    found: list[tuple[Ints, Ints]] = []
    for slot in Slot:
        some = np.arange(len(pair)) if slot is Slot.TRANSFORM else np.flatnonzero(world.length[row, slot])
        if not len(some):
            continue
        its_pair, its_row = pair[some], row[some]
        version = world.version[its_row, slot]
        lacks = version > pairs.acked[its_pair, slot]
        wanting[some] |= lacks
        send = (version > pairs.sent[its_pair, slot]) | (
            tick - pairs.sent_at[its_pair, slot] >= rto_ticks[client[some]]
        )
        if slot is Slot.TRANSFORM:
            send |= _repeated(world, pairs, audience, pair, client, row)
        send &= lacks & (others[some] | (world.seq[its_row, slot] == NO_SEQ))
        chosen = some[send]
        found.append((chosen, np.full(len(chosen), slot, np.int64)))
    pairs.settled[pair[~wanting]] = world.changed[row[~wanting]]
    nth, slots = (np.concatenate(column) for column in zip(*found, strict=True)) if found else (pair, pair)
    return Choice(pair[nth], slots, client[nth], row[nth])


def _repeated(world: World, pairs: Pairs, audience: Audience, pair: Ints, client: Ints, row: Ints) -> Bools:
    """(n,) which transforms say that something came to rest, and are due to be said again."""
    since = audience.serves[client] - pairs.first_serve[pair]
    first, second = REPEATS
    return np.asarray(world.at_rest[row] & ((since == first) | (since == second)), np.bool_)


def urgency(choice: Choice, world: World, pairs: Pairs, audience: Audience, tick: int) -> Floats:
    """(n,) weight · focus · age / (16 m + distance): age since it was last sent, distance from where the client looks."""
    away = (world.position[world.root[choice.row]] - audience.view[choice.client]) * _METRES
    distance = np.sqrt((away * away).sum(1))
    age = np.clip(tick - pairs.sent_at[choice.pair, choice.slot], 1, MAX_AGE_TICKS)
    favoured = pairs.focus[choice.pair] | (age >= OVERDUE_TICKS)
    weight = world.weight[choice.row] * np.where(favoured, FOCUS_WEIGHT, 1.0)
    return np.asarray(weight * age / (NEAR_M + distance), np.float64)


def too_much(choice: Choice, length: Ints, allowance: Floats, frame_bytes: int, frame_cost: int) -> Bools:
    """(n,) which records are of clients whose allowance does not carry all that they lack. Arguments as for `most_urgent`."""
    mine = np.bincount(choice.client, length, len(allowance))
    cost = mine + -(-mine // frame_bytes) * frame_cost
    return np.asarray((cost > allowance)[choice.client], np.bool_)


def most_urgent(
    choice: Choice, urgency: Floats, length: Ints, allowance: Floats, frame_bytes: int, frame_cost: int
) -> Choice:
    """Sort by client, the most urgent first, and keep of each client's what its allowance carries.

    Args:
        length: (n,) bytes of each record.
        allowance: (clients,) bytes, what frames cost beyond their records included.
        frame_bytes: bytes of records that a frame holds.
        frame_cost: what a frame costs beyond them.
    """
    order = np.lexsort((-urgency, choice.client))
    choice, total = choice.of(order), np.cumsum(length[order])
    begins = np.flatnonzero(np.diff(choice.client, prepend=-1))
    before = np.repeat(total[begins] - length[order][begins], np.diff(begins, append=len(choice)))
    mine = total - before
    cost = mine + -(-mine // frame_bytes) * frame_cost
    return choice.of(cost <= allowance[choice.client])
