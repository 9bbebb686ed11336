"""Pure core: one record at a time: physical values to the bytes of docs/PROTOCOL.md section 5.2 and back, and placed records (section 4).

Positions are metres, rotations (x, y, z, w), velocities m/s. Encoders raise WireError for values that the layout cannot hold.
"""

import struct
from dataclasses import dataclass
from typing import NamedTuple

from soiree.wire import quantise as q
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_PLACED_BYTES, MAX_PROPS_RECORD_BYTES
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.state import AGE_MASK, ENTITY_MASK, IDENT, SLOT_OF, STRIDE, TELEPORT, Section, Slot, sections

_MOVE = struct.Struct("<IHHHIbbbB")
_REST = struct.Struct("<IHHHI")
_UPRIGHT = struct.Struct("<IHHHHbbB")
_CHILD = struct.Struct("<IhhhIbbbB")
_POSE_PART = struct.Struct("<hhhI")
_BASE = struct.Struct("<iii")
_CELL_UNITS = 1 << q.CELL_BITS
ZERO: Vec3 = (0.0, 0.0, 0.0)


class Base(NamedTuple):
    """What a frame's coordinates are relative to."""

    cx: int
    """Cells of 64 m."""
    cz: int
    y: int
    """1/256 m."""


@dataclass(frozen=True, slots=True)
class Transform:
    """Where an entity is: in the world, or within its parent (CHILD)."""

    position: Vec3
    rotation: Quat = IDENTITY
    velocity: Vec3 = ZERO
    teleport: bool = False
    """The entity jumped here: do not interpolate."""
    age: int = 0
    """Ticks that the sample is older than its frame, 0…127."""


@dataclass(frozen=True, slots=True)
class PosePart:
    """Head or hand, relative to the entity."""

    position: Vec3
    rotation: Quat


@dataclass(frozen=True, slots=True)
class Pose:
    """Head and hands of a VR avatar; None for what is not tracked."""

    head: PosePart | None
    left: PosePart | None
    right: PosePart | None


class PlacedRecord(NamedTuple):
    """One record of a placed record."""

    kind: Section
    record: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """A base and one record for each slot that is there; the transform always is."""

    base: Base
    records: dict[Slot, PlacedRecord]


def base_for(position: Vec3) -> Base:
    """The base whose cell holds `position`, at its height."""
    x, y, z = _units(position)
    return Base(x >> q.CELL_BITS, z >> q.CELL_BITS, y)


def within_reach(position: Vec3, base: Base) -> bool:
    """Whether a record at `position` can be told from this base (448 m horizontally, 127 m vertically)."""
    x, y, z = _units(position)
    reach, half = q.REACH_M * q.HORIZONTAL_PER_M, _CELL_UNITS // 2
    return (
        abs(x - (base.cx * _CELL_UNITS + half)) <= reach
        and abs(z - (base.cz * _CELL_UNITS + half)) <= reach
        and abs(y - base.y) <= q.REACH_Y_UNITS
    )


def encode_move(entity: int, transform: Transform) -> bytes:
    """A MOVE record: any rotation, any velocity."""
    vx, vy, vz = map(q.pack_speed, transform.velocity)
    return _MOVE.pack(
        *_place(entity, transform.position), q.pack_rotation(transform.rotation), vx, vy, vz, _age(transform)
    )


def encode_rest(entity: int, transform: Transform) -> bytes:
    """A REST record: velocity, age and teleport flag are left out."""
    return _REST.pack(*_place(entity, transform.position), q.pack_rotation(transform.rotation))


def encode_upright(entity: int, transform: Transform) -> bytes:
    """An UPRIGHT record: of the rotation only the angle about +Y, of the velocity only x and z."""
    vx, vz = q.pack_speed(transform.velocity[0]), q.pack_speed(transform.velocity[2])
    return _UPRIGHT.pack(*_place(entity, transform.position), q.pack_yaw(transform.rotation), vx, vz, _age(transform))


def encode_child(entity: int, attach: int, transform: Transform) -> bytes:
    """A CHILD record: position within ±32 m of the parent, in the parent's frame of reference."""
    x, y, z = (q.units_of(c, q.HORIZONTAL_PER_M, 2**15) for c in transform.position)
    vx, vy, vz = map(q.pack_speed, transform.velocity)
    ident = (entity & ENTITY_MASK) | (attach & 0xFF) << 24
    return _CHILD.pack(ident, x, y, z, q.pack_rotation(transform.rotation), vx, vy, vz, _age(transform))


def encode_pose(entity: int, pose: Pose) -> bytes:
    """A POSE record: positions within ±8 m of the entity."""
    mask, parts = 0, b""
    for bit, part in enumerate((pose.head, pose.left, pose.right)):
        if part is None:
            parts += _POSE_PART.pack(0, 0, 0, q.pack_rotation(IDENTITY))
        else:
            mask |= 1 << bit
            units = (q.units_of(c, q.POSE_PER_M, 2**15) for c in part.position)
            parts += _POSE_PART.pack(*units, q.pack_rotation(part.rotation))
    return IDENT.pack((entity & ENTITY_MASK) | mask << 24) + parts


def encode_props(entity: int, props: bytes) -> bytes:
    """A PROPS record of up to 255 bytes."""
    if len(props) > MAX_PROPS_RECORD_BYTES:
        raise WireError(f"PROPS of {len(props)} bytes, {MAX_PROPS_RECORD_BYTES} at most")
    return IDENT.pack((entity & ENTITY_MASK) | len(props) << 24) + props


def decode_transform(kind: Section, record: bytes, base: Base) -> Transform:
    """The transform of one record of a transform section (base is of no account for CHILD)."""
    if kind is Section.CHILD:
        _, lx, ly, lz, rot, vx, vy, vz, age = _CHILD.unpack(record)
        local = (lx / q.HORIZONTAL_PER_M, ly / q.HORIZONTAL_PER_M, lz / q.HORIZONTAL_PER_M)
        return _transform(local, q.unpack_rotation(rot), (vx, vy, vz), age)
    if kind is Section.REST:
        where, x, z, y, rot = _REST.unpack(record)
        return Transform(position_of(where, x, y, z, base), q.unpack_rotation(rot))
    if kind is Section.UPRIGHT:
        where, x, z, y, yaw, vx, vz, age = _UPRIGHT.unpack(record)
        return _transform(position_of(where, x, y, z, base), q.unpack_yaw(yaw), (vx, 0, vz), age)
    where, x, z, y, rot, vx, vy, vz, age = _MOVE.unpack(record)
    if kind is Section.FAR:
        far = Base(base.cx >> q.FAR_SHIFT, base.cz >> q.FAR_SHIFT, base.y >> q.FAR_SHIFT)
        fx, fy, fz = position_of(where, x, y, z, far)
        return _transform((fx * 16, fy * 16, fz * 16), q.unpack_rotation(rot), (vx, vy, vz), age)
    return _transform(position_of(where, x, y, z, base), q.unpack_rotation(rot), (vx, vy, vz), age)


def decode_pose(record: bytes) -> Pose:
    """The pose of one POSE record."""
    mask = record[3]
    parts: list[PosePart | None] = []
    for bit in range(3):
        x, y, z, rot = _POSE_PART.unpack_from(record, 4 + bit * _POSE_PART.size)
        position = (x / q.POSE_PER_M, y / q.POSE_PER_M, z / q.POSE_PER_M)
        parts.append(PosePart(position, q.unpack_rotation(rot)) if mask >> bit & 1 else None)
    return Pose(*parts)


def position_of(where: int, x: int, y: int, z: int, base: Base) -> Vec3:
    """Metres of the coordinates that MOVE, REST and UPRIGHT share."""
    cx, cz = q.unwrap_cell(where >> 24 & 15, base.cx), q.unwrap_cell(where >> 28, base.cz)
    return (
        cx * q.CELL_M + x / q.HORIZONTAL_PER_M,
        q.unwrap_y(y, base.y) / q.VERTICAL_PER_M,
        cz * q.CELL_M + z / q.HORIZONTAL_PER_M,
    )


def pack_placed(placed: Placed) -> bytes:
    """Bytes of a placed record: base, then one section of one record for each slot."""
    parts = [_BASE.pack(*placed.base)]
    parts += [bytes((kind, 1)) + record for _, (kind, record) in sorted(placed.records.items())]
    return b"".join(parts)


def unpack_placed(data: bytes) -> Placed:
    """Read a placed record.

    Raises:
        WireError: sections out of order, repeated or not of one record, no transform, or a FAR one.
    """
    if not _BASE.size <= len(data) <= MAX_PLACED_BYTES:
        raise WireError(f"placed record of {len(data)} bytes")
    records: dict[Slot, PlacedRecord] = {}
    for view in sections(data, _BASE.size):
        slot = SLOT_OF[view.kind]
        if view.count != 1 or view.kind is Section.FAR or any(earlier >= slot for earlier in records):
            raise WireError("placed record needs one record for each slot, in order")
        records[slot] = PlacedRecord(view.kind, data[view.start : view.end])
    if Slot.TRANSFORM not in records:
        raise WireError("placed record without a transform")
    return Placed(Base(*_BASE.unpack_from(data)), records)


def with_entity(record: bytes, entity: int) -> bytes:
    """The record with its entity id replaced, the 8 bits beside it kept."""
    ident = IDENT.unpack_from(record)[0]
    return IDENT.pack((ident & ~ENTITY_MASK) | entity) + record[IDENT.size :]


def _units(position: Vec3) -> tuple[int, int, int]:
    return (
        q.units_of(position[0], q.HORIZONTAL_PER_M, q.LIMIT_UNITS),
        q.units_of(position[1], q.VERTICAL_PER_M, q.LIMIT_Y_UNITS),
        q.units_of(position[2], q.HORIZONTAL_PER_M, q.LIMIT_UNITS),
    )


def _place(entity: int, position: Vec3) -> tuple[int, int, int, int]:
    """where, x, z, y."""
    x, y, z = _units(position)
    cells = (x >> q.CELL_BITS & 15) << 24 | (z >> q.CELL_BITS & 15) << 28
    return (entity & ENTITY_MASK) | cells, x & 0xFFFF, z & 0xFFFF, y & 0xFFFF


def _age(transform: Transform) -> int:
    return min(AGE_MASK, max(0, transform.age)) | (TELEPORT if transform.teleport else 0)


def _transform(position: Vec3, rotation: Quat, velocity: tuple[int, int, int], age: int) -> Transform:
    vx, vy, vz = map(q.unpack_speed, velocity)
    return Transform(position, rotation, (vx, vy, vz), bool(age & TELEPORT), age & AGE_MASK)


assert (_MOVE.size, _REST.size, _UPRIGHT.size, _CHILD.size) == tuple(
    STRIDE[kind] for kind in (Section.MOVE, Section.REST, Section.UPRIGHT, Section.CHILD)
)
