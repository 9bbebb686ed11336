"""Pure core: many records at once, from physical values to the bytes of docs/PROTOCOL.md 5.2; `soiree.wire.records` does one at a time.

Positions are metres, rotations (x, y, z, w), velocities m/s. Values must lie within what the layouts can hold.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from soiree.wire import quantise as q
from soiree.wire.state import DTYPE_OF, ENTITY_MASK, Section

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]
Records = npt.NDArray[np.void]

UNITS_PER_M: Final = np.array([q.HORIZONTAL_PER_M, q.VERTICAL_PER_M, q.HORIZONTAL_PER_M])
_FIRST_OF_BASE: Final = np.dtype([("cx", "<i4"), ("cz", "<i4"), ("y", "<i4"), ("kind", "u1"), ("count", "u1")])


def rounded(value: Floats) -> Ints:
    """floor(value + ½), as int64."""
    return np.floor(value + 0.5).astype(np.int64)


def units(position_m: Floats) -> Ints:
    """(n, 3) in 1/1024, 1/256, 1/1024 m."""
    return rounded(position_m * UNITS_PER_M)


def rotations(rotation: Floats) -> Ints:
    """(n,) smallest three of quaternions (n, 4)."""
    norm = np.sqrt(sum(rotation[:, axis] * rotation[:, axis] for axis in range(4)))
    largest = np.argmax(np.abs(rotation), axis=1)
    each = np.arange(len(rotation))
    scale = np.copysign(math.sqrt(2) * q.ROTATION_SCALE / norm, rotation[each, largest])
    packed: Ints = largest.astype(np.int64)
    codes = np.clip(rounded(rotation * scale[:, None]) + 512, 1, 1023)
    for nth in range(3):
        packed = packed << 10 | codes[each, nth + (nth >= largest)]
    return packed


def yaws(yaw: Floats) -> Ints:
    """(n,) angles about +Y, radians, as 16 bits."""
    return rounded(yaw * 65536 / math.tau) & 0xFFFF


def speeds(velocity: Floats) -> Ints:
    """Components of velocities, companded."""
    magnitude = np.minimum(127, rounded(np.sqrt(np.minimum(np.abs(velocity), 1e4)) * q.VELOCITY_SCALE))
    return np.where(velocity < 0, -magnitude, magnitude)


def upright(entity: Ints, place: Ints, yaw: Floats, velocity: Floats) -> Records:
    """UPRIGHT records; `place` (n, 3) as `units` gives it."""
    out: Records = _placed_at(Section.UPRIGHT, entity, place)
    out["yaw"] = yaws(yaw)
    out["vx"], out["vz"] = speeds(velocity[:, 0]), speeds(velocity[:, 2])
    return out


def move(entity: Ints, place: Ints, rotation: Floats, velocity: Floats) -> Records:
    """MOVE records."""
    out: Records = _placed_at(Section.MOVE, entity, place)
    out["rot"] = rotations(rotation)
    out["vx"], out["vy"], out["vz"] = speeds(velocity).T
    return out


def rest(entity: Ints, place: Ints, rotation: Floats) -> Records:
    """REST records."""
    out: Records = _placed_at(Section.REST, entity, place)
    out["rot"] = rotations(rotation)
    return out


def child(entity: Ints, attach: Ints, local_m: Floats, rotation: Floats, velocity: Floats) -> Records:
    """CHILD records; `local_m` (n, 3) within the parent, `attach` (n,) what the last attach said."""
    out = np.zeros(len(entity), DTYPE_OF[Section.CHILD])
    out["ident"] = (entity & ENTITY_MASK) | attach << 24
    out["lx"], out["ly"], out["lz"] = rounded(local_m * q.HORIZONTAL_PER_M).T
    out["rot"] = rotations(rotation)
    out["vx"], out["vy"], out["vz"] = speeds(velocity).T
    return out


def placed(kind: Section, records: Records, place: Ints) -> list[bytes]:
    """Placed records of transforms alone, each with a base of its own; `place` (n, 3) is all 0 for CHILD."""
    out = np.zeros(len(records), np.dtype([("head", _FIRST_OF_BASE), ("record", records.dtype)]))
    out["head"]["cx"], out["head"]["cz"] = place[:, 0] >> q.CELL_BITS, place[:, 2] >> q.CELL_BITS
    out["head"]["y"], out["head"]["kind"], out["head"]["count"] = place[:, 1], kind, 1
    out["record"] = records
    size, data = out.dtype.itemsize, out.tobytes()
    return [data[at : at + size] for at in range(0, len(data), size)]


def _placed_at(kind: Section, entity: Ints, place: Ints) -> Records:
    x, y, z = place.T
    out = np.zeros(len(entity), DTYPE_OF[kind])
    cells = (x >> q.CELL_BITS & 15) << 24 | (z >> q.CELL_BITS & 15) << 28
    out["where"] = (entity & ENTITY_MASK) | cells
    out["x"], out["y"], out["z"] = x & 0xFFFF, y & 0xFFFF, z & 0xFFFF
    return out
