"""Pure core: the frames of a tick, read in one pass: sections to parallel arrays of records, whoever sent them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.table import Bools, Ints, Octets
from relay.world import RECORD_BYTES
from soiree.wire import quantise as q
from soiree.wire.state import AGE_MASK, AGED, ENTITY_MASK, SLOT_OF, STRIDE, TELEPORT, Header, Section, SectionView

_KINDS: Final = max(Section) + 1
SLOT_OF_KIND: Final = np.array([SLOT_OF[Section(kind)] if kind else 0 for kind in range(_KINDS)], np.int64)
IS_AGED: Final = np.array([kind in AGED for kind in range(_KINDS)])
HEAD_BYTES: Final = STRIDE[Section.MOVE]
"""The longest transform; of every record so much is looked at."""
_VELOCITY: Final = {Section.MOVE: slice(14, 17), Section.CHILD: slice(14, 17), Section.UPRIGHT: slice(12, 14)}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame whose header and sections are sound."""

    client: int
    """Row of the audience."""
    seq: int
    """Unwrapped."""
    applied: int
    """Control number that its sender had applied, unwrapped."""
    header: Header
    payload: bytes
    sections: list[SectionView]


@dataclass(frozen=True, slots=True)
class Records:
    """All records of some frames; arrays of shape (n,), int64 unless said."""

    data: Octets
    """All frames one after another, with RECORD_BYTES of zeros after them."""
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
    position: Ints
    """(n, 3) as `World.position`; of no account outside the transform slot."""
    age: Ints
    """Ticks, 0 where the record has none."""
    teleport: Bools
    at_rest: Bools

    def __len__(self) -> int:
        return len(self.start)

    def octets(self, which: Ints, width: int) -> Octets:
        """(len(which), width) first bytes of some records; past their ends come others'."""
        found: Octets = self.data[self.start[which, None] + np.arange(width)]
        return found


def read(arrivals: list[Arrival]) -> Records:
    """One parse for all frames."""
    data = np.frombuffer(b"".join([*(a.payload for a in arrivals), bytes(RECORD_BYTES)]), np.uint8)
    start, length, kind, frame = _spans(arrivals, data)
    head = data[start[:, None] + np.arange(HEAD_BYTES)]
    ident = _little_endian(head, 0, "<u4")
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
        position=_positions(head, ident, kind, frame, arrivals),
        age=age & AGE_MASK,
        teleport=(age & TELEPORT).astype(bool),
        at_rest=_at_rest(head, kind),
    )


def _spans(arrivals: list[Arrival], data: Octets) -> tuple[Ints, Ints, Ints, Ints]:
    """(start, length, kind, frame) of every record."""
    rows, at = [], 0
    for number, arrival in enumerate(arrivals):
        rows += [(number, view.kind, view.count, at + view.start) for view in arrival.sections]
        at += len(arrival.payload)
    frame, kind, count, first = np.array(rows, np.int64).reshape(-1, 4).T
    fixed = kind != Section.PROPS
    stride = np.array([STRIDE.get(Section(k), 0) if k else 0 for k in range(_KINDS)], np.int64)
    each = np.repeat(np.arange(len(kind))[fixed], count[fixed])
    nth = np.arange(len(each)) - np.repeat(np.cumsum(count[fixed]) - count[fixed], count[fixed])
    starts, sections = [first[each] + nth * stride[kind[each]]], [each]
    lengths = [stride[kind[each]]]
    for begin, size, section in _props_spans(data, first, count, np.flatnonzero(~fixed)):
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


def _positions(head: Octets, ident: Ints, kind: Ints, frame: Ints, arrivals: list[Arrival]) -> Ints:
    bases = np.array([(a.header.base_cx, a.header.base_cz, a.header.base_y) for a in arrivals], np.int64).reshape(-1, 3)
    cx, cz, y = bases[frame].T
    cx = cx + ((ident >> 24 & 15) - cx + 8 & 15) - 8
    cz = cz + ((ident >> 28) - cz + 8 & 15) - 8
    y = y + (_little_endian(head, 8, "<u2") - y + 0x8000 & 0xFFFF) - 0x8000
    x = (cx << q.CELL_BITS) + _little_endian(head, 4, "<u2")
    z = (cz << q.CELL_BITS) + _little_endian(head, 6, "<u2")
    local = np.stack([_little_endian(head, at, "<i2") for at in (4, 6, 8)], axis=1)
    return np.where((kind == Section.CHILD)[:, None], local, np.stack([x, y, z], axis=1))


def _at_rest(head: Octets, kind: Ints) -> Bools:
    rest = np.ones(len(head), bool)
    for section, where in _VELOCITY.items():
        these = kind == section
        rest[these] = ~head[these, where].any(1)
    return rest


def _little_endian(head: Octets, at: int, code: str) -> Ints:
    """(n,) the integer at byte `at` of each row."""
    dtype = np.dtype(code)
    return np.ascontiguousarray(head[:, at : at + dtype.itemsize]).view(dtype)[:, 0].astype(np.int64)
