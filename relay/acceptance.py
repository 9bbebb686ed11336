"""Pure core: which of the records that arrived are taken into the world, and why the others are not."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from relay import speed
from relay.arrivals import Received
from relay.audience import Audience
from relay.ingest import HEAD_BYTES, IS_AGED, Records
from relay.table import Bools, Ints, Octets
from relay.world import SLOTS, WORD_BYTES, World
from soiree.wire import quantise as q
from soiree.wire.state import STRIDE, TICK_HZ, Section, Slot

MAX_ROUNDS: Final = 8
"""Of records of one slot of an entity that arrive in one tick, so many newest ones are looked at."""
MAX_LATE_TICKS: Final = 120
"""Samples older than this are dated so."""
_LIMITS = np.array([q.LIMIT_UNITS, q.LIMIT_Y_UNITS, q.LIMIT_UNITS])
_METRES = np.array([1 / q.HORIZONTAL_PER_M, 1 / q.VERTICAL_PER_M, 1 / q.HORIZONTAL_PER_M])
_WORD_MASKS: Final = np.array([(1 << 8 * octets) - 1 for octets in range(WORD_BYTES + 1)], "<u8")
"""Word with so many first bytes set."""
_POSE_BYTES: Final = STRIDE[Section.POSE]


class Drop(IntEnum):
    """Why a record (MALFORMED and RATE: or a whole frame) was not taken."""

    TAKEN = 0
    UNKNOWN_ENTITY = 1
    NOT_OWNER = 2
    FENCE = 3
    ATTACH = 4
    MALFORMED = 5
    STALE = 6
    SPEED = 7
    TELEPORT_RATE = 8
    RATE = 9

    @property
    def reason(self) -> str:
        """As metrics name it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Senders:
    """Who sent each record and when; arrays of shape (n,), int64."""

    peer: Ints
    seq: Ints
    applied: Ints
    sample: Ints
    """Tick of the sample, never later than now nor much earlier."""

    @classmethod
    def of(cls, records: Records, received: Received, audience: Audience, tick: int) -> "Senders":
        header = received.arrivals.header
        nth = np.zeros(len(header), np.int64)
        nth[received.frame] = np.arange(len(received))
        nth = nth[records.frame]
        told = header["tick"][records.frame].astype(np.int64)
        near = tick + ((told - tick + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        sample = np.clip(near, tick - MAX_LATE_TICKS, tick) - records.age
        return cls(audience.peer[received.client[nth]], received.seq[nth], received.applied[nth], sample)


def accept(world: World, records: Records, senders: Senders, tick: int, max_speed_m_s: float) -> Ints:
    """Take what may be taken; returns the Drop of each record, shape (n,).

    Records of one slot of an entity are taken in the order in which they were sent, the last of them stays.
    """
    row = world.rows(records.entity)
    verdict = _rights(world, row, records, senders)
    for chosen in _rounds(row * SLOTS + records.slot, records, senders, verdict):
        moves = (records.slot[chosen] == Slot.TRANSFORM) & (records.kind[chosen] != Section.CHILD)
        if moves.any():
            some = chosen[moves]
            verdict[some] = _limit_speed(world, row[some], records, senders, some, tick, max_speed_m_s)
        taken = chosen[verdict[chosen] == Drop.TAKEN]
        if len(taken):
            _store(world, row[taken], records, senders, taken)
    return verdict


def _rights(world: World, row: Ints, records: Records, senders: Senders) -> Ints:
    """All that can be judged without the records before."""
    child = records.kind == Section.CHILD
    transform = records.slot == Slot.TRANSFORM
    misplaced = transform & (child != (world.parent[row] > 0))
    outdated = child & (records.extra != world.attach[row])
    refused = {
        Drop.UNKNOWN_ENTITY: row == 0,
        Drop.NOT_OWNER: world.owner[row] != senders.peer,
        Drop.FENCE: senders.applied < world.fence[row],
        Drop.MALFORMED: (records.kind == Section.FAR) | (transform & _outside(records.position)),
        Drop.ATTACH: misplaced | outdated,
        Drop.STALE: senders.seq < world.seq[row, records.slot],
    }
    verdict = np.zeros(len(records), np.int64)
    for drop, which in reversed(refused.items()):
        verdict[which] = drop
    return verdict


def _outside(position: Ints) -> Bools:
    """(n,) which positions lie beyond the world's edge."""
    outside = np.zeros(len(position), np.bool_)
    for axis, limit in enumerate(_LIMITS.tolist()):
        outside |= (position[:, axis] < -limit) | (position[:, axis] >= limit)
    return outside


def _rounds(cell: Ints, records: Records, senders: Senders, verdict: Ints) -> list[Ints]:
    """Records still to be judged, dealt so that each cell (entity and slot) has at most one in each round, older ones first.

    Of a cell with more than MAX_ROUNDS the oldest are marked stale.
    """
    left = np.flatnonzero(verdict == Drop.TAKEN)
    ordered = np.sort(cell[left])
    if not (ordered[1:] == ordered[:-1]).any():
        return [left] if len(left) else []
    left = left[np.lexsort((records.start[left], senders.seq[left], cell[left]))]
    begins = np.flatnonzero(np.diff(cell[left], prepend=-1))
    sizes = np.diff(begins, append=len(left))
    nth = np.arange(len(left)) - np.repeat(begins, sizes)
    nth -= np.repeat(np.maximum(sizes - MAX_ROUNDS, 0), sizes)
    verdict[left[nth < 0]] = Drop.STALE
    return [left[nth == number] for number in range(min(int(sizes.max()), MAX_ROUNDS))]


def _limit_speed(
    world: World, row: Ints, records: Records, senders: Senders, chosen: Ints, tick: int, max_speed_m_s: float
) -> Ints:
    """Verdicts on transforms of roots."""
    away = (records.position[chosen] - world.position[row]) * _METRES
    elapsed_s = np.maximum(0, senders.sample[chosen] - world.sample[row, Slot.TRANSFORM]) / TICK_HZ
    away_m = np.sqrt(np.einsum("ij,ij->i", away, away))
    may_go = speed.may_go(world, row, away_m, elapsed_s, records.teleport[chosen], tick, max_speed_m_s)
    speed.note_refused(world, row[~may_go], senders.seq[chosen[~may_go]])
    refused = np.where(records.teleport[chosen], Drop.TELEPORT_RATE, Drop.SPEED)
    return np.where(may_go, Drop.TAKEN, refused)


def _store(world: World, row: Ints, records: Records, senders: Senders, taken: Ints) -> None:
    """Write records into the world. One that says nothing new keeps its version, so that an owner's repetitions go no further."""
    slot = records.slot[taken]
    world.seq[row, slot] = senders.seq[taken]
    world.sample[row, slot] = np.maximum(world.sample[row, slot], senders.sample[taken])
    fresh = np.zeros(len(taken), bool)
    for number, longest in ((Slot.TRANSFORM, HEAD_BYTES), (Slot.POSE, _POSE_BYTES), (Slot.PROPS, 0)):
        these = np.flatnonzero(slot == number)
        if len(these):
            longest = longest or int(records.length[taken[these]].max())
            fresh[these] = _write(world, row[these], number, records, taken[these], longest)
    version = world.next_version()
    world.version[row[fresh], slot[fresh]] = world.changed[row[fresh]] = version
    leapt = fresh & records.teleport[taken] & (slot == Slot.TRANSFORM)
    world.teleported[row[leapt]] = version


def _write(world: World, row: Ints, slot: Slot, records: Records, taken: Ints, longest: int) -> Bools:
    """Copy records of one slot, none over `longest` bytes; returns which of them differ from what was there, ages aside."""
    width = -(-longest // WORD_BYTES) * WORD_BYTES
    kept = world.records(slot)
    length, kind = records.length[taken], records.kind[taken]
    new = records.octets(taken, width)
    fresh = _differ(new, kept[row, :width], length - IS_AGED[kind])
    fresh |= length != world.length[row, slot]
    if slot is Slot.TRANSFORM:
        apart = records.position[taken] != world.position[row]
        moved = apart[:, 0] | apart[:, 1] | apart[:, 2]
        fresh |= (kind != world.kind[row]) | moved
        world.stirred[row[moved]] = True
        world.kind[row] = kind
        world.position[row] = records.position[taken]
        world.at_rest[row] = records.at_rest[taken]
    kept[row, :width] = new
    world.length[row, slot] = length
    return fresh


def _differ(new: Octets, old: Octets, length: Ints) -> Bools:
    """(n,) which rows of two (n, width) arrays differ in their first `length` (n,) bytes; a word at a time."""
    differ = np.zeros(len(new), np.bool_)
    theirs, ours = new.view(np.uint64), np.ascontiguousarray(old).view(np.uint64)
    for word in range(theirs.shape[1]):
        counted = _WORD_MASKS[np.clip(length - word * WORD_BYTES, 0, WORD_BYTES)]
        differ |= ((theirs[:, word] ^ ours[:, word]) & counted) != 0
    return differ
