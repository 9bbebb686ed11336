"""Pure core: records of many owners, dealt to frames of theirs (docs/PROTOCOL.md 5): by base, by section, as much as a frame holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from bench.encoding import Ints, Octets, Records
from soiree.wire import quantise as q
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.records import Base
from soiree.wire.state import STATE_HEADER, Section

_KINDS_SENT: Final = 4
"""MOVE, REST, CHILD and UPRIGHT: so many sections a frame of ours may have."""
RECORDS_BYTES: Final = MAX_FRAME_BYTES - STATE_HEADER.size - 2 * _KINDS_SENT
_WIDEST: Final = 18
_BLOCK_CELLS: Final = 13
"""A base in the middle of so many cells reaches all of them."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one kind."""

    kind: Section
    owner: Ints
    """(n,) index of who sends each."""
    place: Ints
    """(n, 3) position in wire units; of no account for CHILD."""
    records: Records


class Body(NamedTuple):
    """A frame without what only its sender knows."""

    owner: int
    base: Base
    sections: bytes


def deal(batches: Sequence[Batch], home: Ints) -> list[Body]:
    """Frames for all records, those of one owner together.

    Args:
        home: (owners, 3) cx, cz, y of the base that each owner uses for what it reaches.
    """
    owner = np.concatenate([batch.owner for batch in batches])
    kind = np.concatenate([np.full(len(batch.owner), batch.kind, np.int64) for batch in batches])
    group = _groups(np.concatenate([batch.place for batch in batches]), kind, home[owner])
    octets = np.zeros((len(owner), _WIDEST), np.uint8)
    at = 0
    for batch in batches:
        count, width = len(batch.owner), batch.records.dtype.itemsize
        octets[at : at + count, :width] = batch.records.view(np.uint8).reshape(count, width)
        at += count
    length = np.zeros(max(Section) + 1, np.int64)
    length[[batch.kind for batch in batches]] = [batch.records.dtype.itemsize for batch in batches]
    order = np.lexsort((kind, group, owner))
    return _bodies(owner[order], group[order], kind[order], octets[order], length, home)


def _groups(place: Ints, kind: Ints, home: Ints) -> Ints:
    """(n,) 0 for what the owner's home base reaches, else one number for each block of cells, 1…"""
    half = 1 << (q.CELL_BITS - 1)
    reach = q.REACH_M * q.HORIZONTAL_PER_M
    middle = (home[:, :2] << q.CELL_BITS) + half
    fits = (np.abs(place[:, [0, 2]] - middle) <= reach).all(1) & (np.abs(place[:, 1] - home[:, 2]) <= q.REACH_Y_UNITS)
    cells = place[:, [0, 2]] >> q.CELL_BITS
    block = cells // _BLOCK_CELLS & 0xFFFFFF
    number = 1 + (block[:, 0] | block[:, 1] << 24)
    return np.where(fits | (kind == Section.CHILD), 0, number)


def _base_of(group: int, home: Ints) -> Base:
    if not group:
        return Base(*home.tolist())
    signed = [(part ^ 0x800000) - 0x800000 for part in ((group - 1) & 0xFFFFFF, (group - 1) >> 24)]
    cx, cz = (part * _BLOCK_CELLS + _BLOCK_CELLS // 2 for part in signed)
    return Base(cx, cz, int(home[2]))


def _bodies(owner: Ints, group: Ints, kind: Ints, octets: Octets, length: Ints, home: Ints) -> list[Body]:
    total = np.concatenate([[0], np.cumsum(length[kind])])
    edges = np.flatnonzero(np.diff(owner, append=-1) | np.diff(group, append=-1)) + 1
    kinds = np.flatnonzero(np.diff(kind)) + 1
    bodies, begin = [], 0
    for end in edges.tolist():
        who, base = int(owner[begin]), _base_of(int(group[begin]), home[owner[begin]])
        while begin < end:
            full = int(np.searchsorted(total, total[begin] + RECORDS_BYTES, side="right")) - 1
            stop = min(end, full)
            cuts = kinds[np.searchsorted(kinds, begin, "right") : np.searchsorted(kinds, stop, "left")].tolist()
            spans = zip([begin, *cuts], [*cuts, stop], strict=True)
            sections = b"".join(bytes((kind[a], b - a)) + octets[a:b, : length[kind[a]]].tobytes() for a, b in spans)
            bodies.append(Body(who, base, sections))
            begin = stop
    return bodies
