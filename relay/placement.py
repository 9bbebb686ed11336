"""Pure core: placed records (docs/PROTOCOL.md section 4, `state`) to exact positions and back, one at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from relay.errors import StateError
from relay.reference_frame import Stand, moves
from soiree.wire import quantise as q
from soiree.wire.errors import WireError
from soiree.wire.records import (
    Base,
    PlacedRecord,
    Transform,
    encode_child,
    encode_move,
    encode_rest,
    unpack_placed,
)
from soiree.wire.state import AGED, DTYPE_OF, Section, Slot

Position = tuple[int, int, int]
"""x, y, z in 1/1024 m, 1/256 m, 1/1024 m."""
_PLACE_BYTES = slice(0, 10)
"""where, x, z, y: alike in MOVE, REST and UPRIGHT."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A placed record, read and found usable."""

    kind: Section
    """Of the transform."""
    position: Position
    """In the world; of a CHILD, within its parent and all in 1/1024 m."""
    at_rest: bool
    """Whether it says that nothing moves."""
    records: dict[Slot, bytes]
    """Ages are 0, ids as they were."""


def parse(placed: bytes, child: bool) -> Placement:
    """Read a placed record whose transform must be CHILD, or must not.

    Raises:
        StateError: it cannot be read, is of the other kind, or lies beyond the world's edge.
    """
    try:
        parsed = unpack_placed(placed)
    except WireError as error:
        raise StateError(str(error)) from error
    kind, transform = parsed.records[Slot.TRANSFORM]
    if (kind is Section.CHILD) != child:
        raise StateError(f"{kind.name} record for an entity {'with' if child else 'without'} a parent")
    records = {slot: record for slot, (_, record) in parsed.records.items()}
    if kind in AGED:
        records[Slot.TRANSFORM] = transform[:-1] + b"\0"
    fields = np.frombuffer(transform, DTYPE_OF[kind])[0]
    position = (int(fields["lx"]), int(fields["ly"]), int(fields["lz"])) if child else unwrap(fields, parsed.base)
    speeds = [int(fields[name]) for name in ("vx", "vy", "vz") if name in (DTYPE_OF[kind].names or ())]
    return Placement(kind, position, not any(speeds), records)


def unwrap(fields: Any, base: Base) -> Position:
    """Exact position of a MOVE, REST or UPRIGHT record.

    Raises:
        StateError: it lies beyond the world's edge.
    """
    where = int(fields["where"])
    cx, cz = q.unwrap_cell(where >> 24 & 15, base.cx), q.unwrap_cell(where >> 28, base.cz)
    position = (
        (cx << q.CELL_BITS) + int(fields["x"]),
        q.unwrap_y(int(fields["y"]), base.y),
        (cz << q.CELL_BITS) + int(fields["z"]),
    )
    check_edge(position)
    return position


def check_edge(position: Position) -> None:
    """Raises StateError for what 32-bit cells cannot name."""
    x, y, z = position
    limit, limit_y = q.LIMIT_UNITS, q.LIMIT_Y_UNITS
    if not (-limit <= x < limit and -limit_y <= y < limit_y and -limit <= z < limit):
        raise StateError("beyond the world's edge")


def own_base(position: Position) -> Base:
    """The base whose cell holds the position, at its height."""
    x, y, z = position
    return Base(x >> q.CELL_BITS, z >> q.CELL_BITS, y)


def root_record(entity: int, position: Position, stand: Stand) -> PlacedRecord:
    """A MOVE record, or REST when nothing moves, at exactly this position. Raises StateError beyond the world's edge."""
    check_edge(position)
    x, y, z = position
    # Built at the origin, where floats are exact, then moved.
    still = not moves(stand.velocity)
    transform = Transform((0.0, 0.0, 0.0), stand.rotation, stand.velocity)
    record = encode_rest(entity, transform) if still else encode_move(entity, transform)
    place = np.zeros(1, [("where", "<u4"), ("x", "<u2"), ("z", "<u2"), ("y", "<u2")])
    place["where"] = entity | (x >> q.CELL_BITS & 15) << 24 | (z >> q.CELL_BITS & 15) << 28
    place["x"], place["z"], place["y"] = x & 0xFFFF, z & 0xFFFF, y & 0xFFFF
    return PlacedRecord(Section.REST if still else Section.MOVE, place.tobytes() + record[_PLACE_BYTES.stop :])


def child_record(entity: int, stand: Stand, parent: Stand) -> PlacedRecord:
    """A CHILD record of the same stand, attach count 0. Raises StateError more than 32 m from the parent."""
    try:
        return PlacedRecord(Section.CHILD, encode_child(entity, 0, Transform(*stand.seen_from(parent))))
    except WireError as error:
        raise StateError(str(error)) from error
