"""Pure core: the frames of a tick, read in one pass: sections to parallel arrays of records, whoever sent them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.arrivals import KINDS, STRIDES, Arrivals
from relay.table import Bools, Ints, Octets, windows
from soiree.wire import quantise as q
from soiree.wire.state import AGE_MASK, AGED, ENTITY_MASK, SLOT_OF, STRIDE, TELEPORT, Section

SLOT_OF_KIND: Final = np.array([SLOT_OF[Section(kind)] if kind else 0 for kind in range(KINDS)], np.int64)
IS_AGED: Final = np.array([kind in AGED for kind in range(KINDS)])
HEAD_BYTES: Final = STRIDE[Section.MOVE]
"""The longest transform; of every record so much is looked at."""
PLACE: Final = np.dtype([("where", "<u4"), ("x", "<u2"), ("z", "<u2"), ("y", "<u2")])
"""What MOVE, REST, UPRIGHT and FAR begin with."""
_VELOCITY: Final = {Section.MOVE: slice(14, 17), Section.CHILD: slice(14, 17), Section.UPRIGHT: slice(12, 14)}


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
        return windows(self.data, width)[self.start[which]]


def read(arrivals: Arrivals, frames: Ints) -> Records:
    """The records of some of the frames; these are sound, and in ascending order."""
    data = arrivals.data
    start, length, kind, frame = _spans(arrivals, frames)
    head = windows(data, HEAD_BYTES)[start]
    place = head[:, : PLACE.itemsize].copy().view(PLACE)[:, 0]
    ident = place["where"].astype(np.int64)
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
        position=_positions(place, ident, kind, arrivals.header["base"][frame]),
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


def _positions(
    place: "np.typing.NDArray[np.void]", ident: Ints, kind: Ints, base: "np.typing.NDArray[np.int32]"
) -> Ints:
    """(n, 3), as `World.position`."""
    position = np.empty((len(ident), 3), np.int64)
    for axis, (cell, field) in enumerate(((ident >> 24 & 15, "x"), (ident >> 28, "z"))):
        near = base[:, axis].astype(np.int64)
        position[:, 2 * axis] = (near + (cell - near + 8 & 15) - 8 << q.CELL_BITS) + place[field]
    near = base[:, 2].astype(np.int64)
    position[:, 1] = near + (place["y"] - near + 0x8000 & 0xFFFF) - 0x8000
    child = kind == Section.CHILD
    if child.any():
        # lx, ly, lz lie where x, z, y do, and are signed.
        position[child] = np.stack([place[field][child].astype(np.int16) for field in ("x", "z", "y")], axis=1)
    return position


def _at_rest(head: Octets, kind: Ints) -> Bools:
    rest = np.ones(len(head), bool)
    for section, where in _VELOCITY.items():
        these = kind == section
        rest[these] = ~head[these, where].any(1)
    return rest
