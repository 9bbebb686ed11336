"""Pure core: the frames of a tick, read in one pass: sections to parallel arrays of records, whoever sent them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.arrivals import KINDS, STRIDES, Arrivals
from relay.table import Bools, Ints, Octets, taken
from relay.world import WORD_BYTES
from soiree.wire import quantise as q
from soiree.wire.state import AGE_MASK, AGED, ENTITY_MASK, SLOT_OF, STRIDE, TELEPORT, Section

SLOT_OF_KIND: Final = np.array([SLOT_OF[Section(kind)] if kind else 0 for kind in range(KINDS)], np.int64)
IS_AGED: Final = np.array([kind in AGED for kind in range(KINDS)])
HEAD_BYTES: Final = STRIDE[Section.MOVE]
"""The longest transform; of every record so much is looked at."""
HEAD_WORDS: Final = -(-HEAD_BYTES // WORD_BYTES)
_VELOCITY: Final = {Section.MOVE: range(14, 17), Section.CHILD: range(14, 17), Section.UPRIGHT: range(12, 14)}
"""Bytes of a record that say how fast it moves."""
_VELOCITY_BITS: Final = np.zeros((KINDS, HEAD_WORDS * WORD_BYTES), np.uint8)
for _kind, _octets in _VELOCITY.items():
    _VELOCITY_BITS[_kind, list(_octets)] = 0xFF
_VELOCITY_WORDS: Final = np.ascontiguousarray(_VELOCITY_BITS.view("<i8").T)
"""(HEAD_WORDS, KINDS) the same as bits of the words of a head."""


@dataclass(frozen=True, slots=True)
class Records:
    """All records of some frames; arrays of shape (n,), int64 unless said."""

    data: Octets
    """All frames one after another, with some zeros after them."""
    start: Ints
    """Where each record begins in `data`; in the order of frames and within them."""
    length: Ints
    kind: Ints
    slot: Ints
    frame: Ints
    """Which of the frames it came in."""
    entity: Ints
    extra: Ints
    """The 8 bits beside the entity."""
    head: Ints
    """(n, HEAD_WORDS) first words of each, little-endian; past its end come others' bytes."""
    position: Ints
    """(n, 3) as `World.position`; of no account outside the transform slot."""
    age: Ints
    """Ticks, 0 where the record has none."""
    teleport: Bools
    at_rest: Bools

    def __len__(self) -> int:
        return len(self.start)

    def of(self, which: Ints) -> "Records":
        """Some of them, in ascending order."""
        return Records(
            data=self.data,
            start=self.start[which],
            length=self.length[which],
            kind=self.kind[which],
            slot=self.slot[which],
            frame=self.frame[which],
            entity=self.entity[which],
            extra=self.extra[which],
            head=taken(self.head, which),
            position=taken(self.position, which),
            age=self.age[which],
            teleport=self.teleport[which],
            at_rest=self.at_rest[which],
        )

    def words(self, count: int) -> Ints:
        """(n, count) first words of each, little-endian; past its end come others' bytes."""
        return _words(self.data, self.start, count)


def read(arrivals: Arrivals, frames: Ints) -> Records:
    """The records of some of the frames; these are sound, and in ascending order."""
    data = arrivals.data
    start, length, kind, frame = _spans(arrivals, frames)
    head = _words(data, start, HEAD_WORDS)
    ident = head[:, 0] & 0xFFFFFFFF
    age = np.where(IS_AGED[kind], data[start + length - 1], 0).astype(np.int64)
    return Records(
        data=data,
        start=start,
        length=length,
        kind=kind,
        slot=SLOT_OF_KIND[kind],
        frame=frame,
        entity=ident & ENTITY_MASK,
        extra=ident >> 24,
        head=head,
        position=_positions(head, ident, kind, arrivals.header["base"].astype(np.int64), frame),
        age=age & AGE_MASK,
        teleport=(age & TELEPORT).astype(bool),
        at_rest=_at_rest(head, kind),
    )


def _spans(arrivals: Arrivals, frames: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """(start, length, kind, frame) of every record."""
    wanted = np.zeros(len(arrivals.at), np.bool_)
    wanted[frames] = True
    chosen = wanted[arrivals.frame]
    frame, kind = arrivals.frame[chosen], arrivals.kind[chosen]
    count, first = arrivals.count[chosen], arrivals.first[chosen]
    fixed = kind != Section.PROPS
    each = np.repeat(np.arange(len(kind))[fixed], count[fixed])
    nth = np.arange(len(each)) - np.repeat(np.cumsum(count[fixed]) - count[fixed], count[fixed])
    length = STRIDES[kind[each]]
    start = first[each] + nth * length
    if fixed.all():
        return start, length, kind[each], frame[each]
    starts, sections, lengths = [start], [each], [length]
    for begin, size, section in _props_spans(arrivals.data, first, count, np.flatnonzero(~fixed)):
        starts.append(begin)
        lengths.append(size)
        sections.append(section)
    start, section = np.concatenate(starts), np.concatenate(sections)
    order = np.argsort(start, kind="stable")
    section = section[order]
    return start[order], np.concatenate(lengths)[order], kind[section], frame[section]


def _props_spans(data: Octets, first: Ints, count: Ints, section: Ints) -> Iterable[tuple[Ints, Ints, Ints]]:
    """(start, length, section) of each PROPS section's first record, then of each second one, and so on: each tells where the next is."""
    at, left = first[section], count[section]
    while len(section := section[left > 0]):
        at, left = at[left > 0], left[left > 0]
        size = data[at + 3].astype(np.int64) + 4
        yield at, size, section
        at, left = at + size, left - 1


def _words(data: Octets, start: Ints, count: int) -> Ints:
    """(n, count) words that begin at each place."""
    octets = count * WORD_BYTES
    runs = np.ndarray(len(data) - octets + 1, np.dtype((np.void, octets)), buffer=data.data, strides=(1,))
    return runs[start].view("<i8").reshape(len(start), count)


def _positions(head: Ints, ident: Ints, kind: Ints, base: Ints, frame: Ints) -> Ints:
    """(n, 3), as `World.position`, of records that begin with `u32 where, u16 x, u16 z, u16 y`.

    Args:
        base: (frames, 3) cx, cz, y.
    """
    x, z, y = head[:, 0] >> 32 & 0xFFFF, head[:, 0] >> 48 & 0xFFFF, head[:, 1] & 0xFFFF
    position = np.empty((len(ident), 3), np.int64)
    for axis, cell, inside in ((0, ident >> 24 & 15, x), (1, ident >> 28, z)):
        near = base[:, axis][frame]
        position[:, 2 * axis] = (near + (cell - near + 8 & 15) - 8 << q.CELL_BITS) + inside
    near = base[:, 2][frame]
    position[:, 1] = near + (y - near + 0x8000 & 0xFFFF) - 0x8000
    child = np.flatnonzero(kind == Section.CHILD)
    for axis, local in enumerate((x, z, y)):
        # lx, ly, lz lie where x, z, y do, and are signed.
        position[child, axis] = local[child].astype(np.int16)
    return position


def _at_rest(head: Ints, kind: Ints) -> Bools:
    speed = np.zeros(len(head), np.int64)
    for word, bits in enumerate(_VELOCITY_WORDS):
        if bits.any():
            speed |= head[:, word] & bits[kind]
    return np.asarray(speed == 0, np.bool_)
