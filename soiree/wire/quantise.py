"""Pure core: physical quantities to the integers of docs/PROTOCOL.md section 5.2, and back.

Scalars only; what must be fast over arrays stands with the arrays. All rounding is floor(v + ½), so that every language
gives the same bits.
Quaternions are (x, y, z, w), angles radians, lengths metres, velocities m/s.
"""

import math

from soiree.wire.errors import WireError

Vec3 = tuple[float, float, float]
Quat = tuple[float, float, float, float]

IDENTITY: Quat = (0.0, 0.0, 0.0, 1.0)
CELL_M = 64
CELL_BITS = 16
"""A horizontal position in units of 1/1024 m has its cell above these bits."""
HORIZONTAL_PER_M = 1024
VERTICAL_PER_M = 256
POSE_PER_M = 4096
FAR_SHIFT = 4
"""FAR records: units and cells are 2⁴ times larger."""
REACH_M = 448
"""A record may lie this far from the centre of the frame's base cell, horizontally."""
REACH_Y_UNITS = 127 * VERTICAL_PER_M
ROTATION_SCALE = 511
VELOCITY_SCALE = 14
LIMIT_UNITS = 2**47
"""|x|, |z| in 1/1024 m: cells are 32 bit."""
LIMIT_Y_UNITS = 2**31


def round_half_up(value: float) -> int:
    """floor(value + ½). Raises WireError for NaN and infinity."""
    try:
        return math.floor(value + 0.5)
    except (ValueError, OverflowError) as error:
        raise WireError("not a finite number") from error


def units_of(metres: float, per_m: int, limit: int) -> int:
    """Length in units, checked against ±limit (exclusive). Raises WireError."""
    units = round_half_up(metres * per_m)
    if not -limit <= units < limit:
        raise WireError(f"coordinate beyond ±{limit // per_m} m")
    return units


def pack_rotation(rotation: Quat) -> int:
    """Smallest three, 32 bits (PROTOCOL 5.2). The quaternion need not be normalised.

    Raises:
        WireError: it has no direction (zero or not finite).
    """
    norm = math.sqrt(sum(c * c for c in rotation))
    if not 1e-9 < norm < math.inf:
        raise WireError("rotation has no direction")
    largest = max(range(4), key=lambda i: (abs(rotation[i]), -i))
    scale = math.copysign(math.sqrt(2) * ROTATION_SCALE / norm, rotation[largest])
    packed = largest
    for i in range(4):
        if i != largest:
            packed = packed << 10 | min(1023, max(1, round_half_up(rotation[i] * scale) + 512))
    return packed


def unpack_rotation(packed: int) -> Quat:
    """The unit quaternion of `pack_rotation`, its largest component positive."""
    largest = packed >> 30
    three = [((packed >> shift & 1023) - 512) / (math.sqrt(2) * ROTATION_SCALE) for shift in (20, 10, 0)]
    three.insert(largest, math.sqrt(max(0.0, 1.0 - sum(c * c for c in three))))
    return (three[0], three[1], three[2], three[3])


def pack_yaw(rotation: Quat) -> int:
    """Angle about +Y as 16 bits; the rotation's tilt is given up."""
    yaw = 2 * math.atan2(rotation[1], rotation[3])
    return round_half_up(yaw * 65536 / math.tau) & 0xFFFF


def unpack_yaw(packed: int) -> Quat:
    """The rotation of `packed` about +Y."""
    half = packed * math.tau / 65536 / 2
    return (0.0, math.sin(half), 0.0, math.cos(half))


def pack_speed(metres_per_s: float) -> int:
    """One component of a velocity, companded to a signed byte: fine near 0, ±82 m/s at most."""
    magnitude = min(127, round_half_up(math.sqrt(min(abs(metres_per_s), 1e4)) * VELOCITY_SCALE))
    return -magnitude if metres_per_s < 0 else magnitude


def unpack_speed(packed: int) -> float:
    """Metres per second of a companded byte."""
    return math.copysign((packed / VELOCITY_SCALE) ** 2, packed)


def unwrap_cell(low4: int, base: int) -> int:
    """The cell nearest to `base` (within −8…+7) whose low 4 bits are `low4`."""
    return base + ((low4 - base + 8) & 15) - 8


def unwrap_y(low16: int, base_y: int) -> int:
    """The height nearest to `base_y` whose low 16 bits are `low16`, 1/256 m."""
    return base_y + ((low16 - base_y + 0x8000) & 0xFFFF) - 0x8000
