"""Pure core: which records go to which client in this tick: what it lacks, the most urgent first, as far as its budget carries."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.audience import Audience
from relay.distance import away_m
from relay.pairs import Pairs
from relay.table import Bools, Floats, Ints, taken
from relay.world import NO_SEQ, SLOTS, World
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
    open_ = _open(world, pairs, np.where(due, audience.applied, -1))
    pair, client, row = open_.pair, open_.client, open_.row
    # An owner lacks what its predecessor said last, until it speaks for itself.
    own = world.owner[row] == audience.peer[client]
    wanting = np.zeros(len(pair), np.bool_)
    found = []
    for slot in Slot:
        # What a room has never heard of, nobody lacks.
        if not len(pair) or not world.heard >> slot & 1:
            continue
        version = world.version[:, slot][row]
        lacks = version > pairs.acked[:, slot][pair]
        wanting |= lacks
        send = lacks & (version > pairs.sent[:, slot][pair])
        again = np.flatnonzero(lacks & ~send)
        send[again] = _again(open_.of(again), world, pairs, audience, slot, rto_ticks, tick)
        mine = np.flatnonzero(send & own)
        send[mine] = world.seq[row[mine], slot] == NO_SEQ
        chosen = np.flatnonzero(send)
        found.append(Choice(pair[chosen], np.full(len(chosen), slot, np.int64), client[chosen], row[chosen]))
    pairs.unsettled[pair[~wanting]] = False
    choice, *others = found or [open_]
    for other in others:
        choice = choice.and_then(other)
    return choice


def _open(world: World, pairs: Pairs, applied: Ints) -> Choice:
    """Pairs of which something may be lacking, and whose clients have applied what told them of it (`applied`, −1: they are not due)."""
    pair = pairs.stir()
    client, row = pairs.client[pair], pairs.row[pair]
    told = (pairs.told[pair] <= applied[client]) & (pairs.born[pair] == world.born[row])
    every = Choice(pair, np.zeros(len(pair), np.int64), client, row)
    return every if told.all() else every.of(told)


def _again(
    choice: Choice, world: World, pairs: Pairs, audience: Audience, slot: Slot, rto_ticks: Ints, tick: int
) -> Bools:
    """(n,) which records of what was sent, and not yet acknowledged, are due to be sent again."""
    again = tick - pairs.sent_at[:, slot][choice.pair] >= rto_ticks[choice.client]
    if slot is Slot.TRANSFORM:
        again |= _repeated(choice, world, pairs, audience)
    return np.asarray(again, np.bool_)


def _repeated(choice: Choice, world: World, pairs: Pairs, audience: Audience) -> Bools:
    """(n,) which transforms say that something came to rest, and are due to be said again."""
    since = audience.serves[choice.client] - pairs.first_serve[choice.pair]
    first, second = REPEATS
    return np.asarray(world.at_rest[choice.row] & ((since == first) | (since == second)), np.bool_)


def carried(
    choice: Choice,
    length: Ints,
    world: World,
    pairs: Pairs,
    audience: Audience,
    tick: int,
    allowance: Floats,
    frame_bytes: int,
    frame_cost: int,
) -> Choice:
    """By client, the most urgent first: what each one's allowance carries. Arguments as for `most_urgent`."""
    limits = allowance, frame_bytes, frame_cost
    return most_urgent(choice, urgency(choice, world, pairs, audience, tick), length, *limits)


def urgency(choice: Choice, world: World, pairs: Pairs, audience: Audience, tick: int) -> Floats:
    """(n,) weight · focus · age / (16 m + distance): age since it was last sent, distance from where the client looks."""
    distance = away_m(taken(world.position, world.root[choice.row]), taken(audience.view, choice.client))
    age = np.clip(tick - pairs.sent_at.reshape(-1)[choice.cell], 1, MAX_AGE_TICKS)
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
