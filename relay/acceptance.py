"""Pure core: which of the records that arrived are taken into the world, and why the others are not."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np

from relay import ingest, speed
from relay.arrivals import Received
from relay.audience import Audience
from relay.distance import away_m
from relay.ingest import IS_AGED, Records
from relay.table import Bools, Ints, put, taken
from relay.world import SLOTS, WORD_BYTES, World
from soiree.wire import quantise as q
from soiree.wire.state import TICK_HZ, Section, Slot

MAX_ROUNDS: Final = 8
"""Of records of one slot of an entity that arrive in one tick, so many newest ones are looked at."""
MAX_LATE_TICKS: Final = 120
"""Samples older than this are dated so."""
_LIMITS: Final = (q.LIMIT_UNITS, q.LIMIT_Y_UNITS, q.LIMIT_UNITS)
_WORD_MASKS: Final = np.array([(1 << 8 * octets) - 1 for octets in range(WORD_BYTES + 1)], "<u8").view("<i8")
"""Word with so many first bytes set."""


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

    def of(self, which: Ints) -> "Senders":
        """Those of some of the records."""
        return Senders(self.peer[which], self.seq[which], self.applied[which], self.sample[which])

    @classmethod
    def find(cls, records: Records, received: Received, audience: Audience, tick: int) -> "Senders":
        told = received.arrivals.header["tick"][received.frame].astype(np.int64)
        near = tick + ((told - tick + 0x80000000 & 0xFFFFFFFF) - 0x80000000)
        sample = np.clip(near, tick - MAX_LATE_TICKS, tick)
        of_frame = np.zeros((4, len(received.arrivals.at)), np.int64)
        of_frame[:, received.frame] = audience.peer[received.client], received.seq, received.applied, sample
        peer, seq, applied, sample = (column[records.frame] for column in of_frame)
        return cls(peer, seq, applied, sample - records.age)


@dataclass(frozen=True, slots=True)
class Claims:
    """Records to be judged, with who sent them; n of each."""

    row: Ints
    """Of the world, 0 for entities that are not here."""
    records: Records
    senders: Senders

    def __len__(self) -> int:
        return len(self.row)

    @property
    def cell(self) -> Ints:
        """Flat index of row and slot."""
        return self.row * SLOTS + self.records.slot

    def of(self, which: Ints) -> "Claims":
        """Some of them, in ascending order; these themselves if it is all."""
        if len(which) == len(self):
            return self
        return Claims(self.row[which], self.records.of(which), self.senders.of(which))


def take(world: World, audience: Audience, received: Received, tick: int, max_speed_m_s: float) -> list[int]:
    """Take what may be taken of the records of received frames; returns how many there are of each Drop."""
    records = ingest.read(received.arrivals, received.frame)
    if not len(records):
        return [0] * len(Drop)
    verdicts = accept(world, records, Senders.find(records, received, audience, tick), tick, max_speed_m_s)
    return np.bincount(verdicts, minlength=len(Drop)).tolist()


def accept(world: World, records: Records, senders: Senders, tick: int, max_speed_m_s: float) -> Ints:
    """Take what may be taken; returns the Drop of each record, shape (n,).

    Records of one slot of an entity are taken in the order in which they were sent, the last of them stays.
    """
    claims = Claims(world.rows(records.entity), records, senders)
    verdict = _rights(world, claims)
    for chosen in _rounds(world, claims, verdict):
        judged = claims.of(chosen)
        was = taken(world.position, judged.row)
        verdict[chosen] = refused = _limit_speed(world, judged, was, tick, max_speed_m_s)
        fine = np.flatnonzero(refused == Drop.TAKEN)
        if len(fine):
            _store(world, judged.of(fine), was if len(fine) == len(was) else taken(was, fine))
    return verdict


def _rights(world: World, claims: Claims) -> Ints:
    """All that can be judged without the records before."""
    row, records, senders = claims.row, claims.records, claims.senders
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
        Drop.STALE: senders.seq < world.seq.reshape(-1)[claims.cell],
    }
    verdict = np.zeros(len(claims), np.int64)
    for drop, which in reversed(refused.items()):
        if which.any():
            verdict[which] = drop
    return verdict


def _outside(position: Ints) -> Bools:
    """(n,) which positions lie beyond the world's edge."""
    outside = np.zeros(len(position), np.bool_)
    for axis, limit in enumerate(_LIMITS):
        outside |= (position[:, axis] < -limit) | (position[:, axis] >= limit)
    return outside


def _rounds(world: World, claims: Claims, verdict: Ints) -> list[Ints]:
    """Claims still to be judged, dealt so that each cell (entity and slot) has at most one in each round, older ones first.

    Of a cell with more than MAX_ROUNDS the oldest are marked stale.
    """
    left = np.flatnonzero(verdict == Drop.TAKEN)
    cell = claims.cell[left]
    # Where two want the same cell, only one of them finds its own number there.
    numbers = np.arange(len(left))
    world.claimed.reshape(-1)[cell] = numbers
    if (world.claimed.reshape(-1)[cell] == numbers).all():
        return [left] if len(left) else []
    left = left[np.lexsort((claims.records.start[left], claims.senders.seq[left], cell))]
    cell = claims.cell[left]
    begins = np.flatnonzero(np.diff(cell, prepend=-1))
    sizes = np.diff(begins, append=len(left))
    nth = np.arange(len(left)) - np.repeat(begins, sizes)
    nth -= np.repeat(np.maximum(sizes - MAX_ROUNDS, 0), sizes)
    verdict[left[nth < 0]] = Drop.STALE
    return [np.sort(left[nth == number]) for number in range(min(int(sizes.max()), MAX_ROUNDS))]


def _limit_speed(world: World, claims: Claims, was: Ints, tick: int, max_speed_m_s: float) -> Ints:
    """Verdicts by the speed of transforms of roots; `was`: (n, 3) where they were. All others are taken."""
    records, verdict = claims.records, np.zeros(len(claims), np.int64)
    moves = np.flatnonzero((records.slot == Slot.TRANSFORM) & (records.kind != Section.CHILD))
    row, marked = claims.row[moves], records.teleport[moves]
    passed = claims.senders.sample[moves] - world.sample[:, Slot.TRANSFORM][row]
    elapsed_s = np.maximum(0, passed) / TICK_HZ
    went_m = away_m(records.position, was)[moves]
    may_go = speed.may_go(world, row, went_m, elapsed_s, marked, tick, max_speed_m_s)
    if not may_go.all():
        speed.note_refused(world, row[~may_go], claims.senders.seq[moves[~may_go]])
        verdict[moves[~may_go]] = np.where(marked[~may_go], Drop.TELEPORT_RATE, Drop.SPEED)
    return verdict


def _store(world: World, claims: Claims, was: Ints) -> None:
    """Write records into the world. One that says nothing new keeps its version, so that an owner's repetitions go no further."""
    records, senders, row, cell = claims.records, claims.senders, claims.row, claims.cell
    seq, sample, version = (column.reshape(-1) for column in (world.seq, world.sample, world.version))
    seq[cell] = senders.seq
    sample[cell] = np.maximum(sample[cell], senders.sample)
    fresh = np.zeros(len(claims), np.bool_)
    for slot in Slot:
        these = np.flatnonzero(records.slot == slot)
        if len(these):
            some = claims.of(these)
            fresh[these] = _write(world, some, slot)
            if slot is Slot.TRANSFORM:
                fresh[these] |= _move(world, some, was if some is claims else taken(was, these))
            world.heard |= 1 << slot
    new = np.flatnonzero(fresh)
    version[cell[new]] = world.changed[row[new]] = world.next_version()
    world.touched[row[new]] = True
    leapt = np.flatnonzero(fresh & records.teleport & (records.slot == Slot.TRANSFORM))
    world.teleported[row[leapt]] = world.changes


def _write(world: World, claims: Claims, slot: Slot) -> Bools:
    """Copy records of one slot; returns which of them differ from what was there, ages aside."""
    row, records, length = claims.row, claims.records, claims.records.length
    kept = world.records(slot).view("<i8")
    words = kept.shape[1] if slot is not Slot.PROPS else -(-int(length.max()) // WORD_BYTES)
    new = records.head if slot is Slot.TRANSFORM else records.words(words)
    told = world.length[:, slot][row]
    fresh = _differ(
        new, taken(kept, row) if words == kept.shape[1] else kept[row, :words], length - IS_AGED[records.kind]
    )
    fresh |= length != told
    if words == kept.shape[1]:
        put(kept, row, new)
    else:
        kept[row, :words] = new
    world.length[:, slot][row] = length
    return fresh


def _move(world: World, claims: Claims, was: Ints) -> Bools:
    """Note where transforms put their entities; returns which of them differ from what was there in more than their bytes."""
    row, records = claims.row, claims.records
    apart = records.position != was
    moved = apart[:, 0] | apart[:, 1] | apart[:, 2]
    turned = records.kind != world.kind[row]
    world.stirred[row[moved]] = True
    world.kind[row] = records.kind
    world.at_rest[row] = records.at_rest
    put(world.position, row, records.position)
    return np.asarray(moved | turned, np.bool_)


def _differ(new: Ints, old: Ints, length: Ints) -> Bools:
    """(n,) which rows of two (n, words) arrays differ in their first `length` (n,) bytes."""
    differ = np.zeros(len(new), np.int64)
    for word in range(new.shape[1]):
        counted = _WORD_MASKS[np.clip(length - word * WORD_BYTES, 0, WORD_BYTES)]
        differ |= (new[:, word] ^ old[:, word]) & counted
    return np.asarray(differ != 0, np.bool_)
