"""How a thing moves between two samples of it, and past the last one.

Pure core. Positions are metres, rotations (x, y, z, w), velocities m/s, times seconds on the relay's clock. The JavaScript SDK has the
same in `motion.js`; both run tests/vectors/interpolation.json.
"""

import math
from typing import Final, NamedTuple

from soiree.quaternion import multiply, slerp
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import ZERO, Transform

STEEPEST: Final = 3.0
"""A tangent is at most so many chords long: with more, a curve that ends at rest runs past its end and comes back (Fritsch, Carlson)."""
COAST_S: Final = 0.25
"""So long at least a thing of which nothing new is heard goes on at full speed,"""
BRAKE_S: Final = 0.5
"""and in so long it then slows down to a stop: at 4 samples a second or more, dead reckoning adds what its speed makes in 0.5 s."""
STRAIGHT_RAD: Final = 1e-6
"""A smaller turn is none."""
JUMP_M: Final = 1.0
"""A sample marked as a jump is one if it is so much farther away than twice what the speeds explain."""


class Sample(NamedTuple):
    """Where a thing was at a time."""

    at_s: float
    """(frame tick − age) / 60."""
    parent: int
    """Entity id of what position, rotation and velocity are relative to, 0 for the world."""
    position: Vec3
    rotation: Quat
    velocity: Vec3
    jump: bool = False
    """Not to be interpolated to from the sample before it."""

    @property
    def resting(self) -> bool:
        """Whether its owner says that it stands still."""
        return self.velocity == ZERO


def leaps(before: Sample, after: Sample) -> bool:
    """Whether the mark of a jump is to be believed: owners also mark what merely follows a jump that may have got lost."""
    speed = max(math.hypot(*before.velocity), math.hypot(*after.velocity))
    explained_m = 2.0 * speed * (after.at_s - before.at_s)
    return after.jump and math.dist(before.position, after.position) > explained_m + JUMP_M


def between(before: Sample, after: Sample, at_s: float) -> Transform:
    """On the cubic Hermite curve that has place and velocity of both samples, rotating at an even pace.

    Where both say that they do not move along an axis, it moves evenly along that axis: many owners tell no velocity, and UPRIGHT has no
    vertical one.
    """
    span_s = after.at_s - before.at_s
    share = (at_s - before.at_s) / span_s
    (x, y, z), (end_x, end_y, end_z) = before.position, after.position
    (u, v, w), (end_u, end_v, end_w) = before.velocity, after.velocity
    dx, dy, dz = end_x - x, end_y - y, end_z - z
    even_x, even_y, even_z = u == 0 == end_u, v == 0 == end_v, w == 0 == end_w
    sx, sy, sz = dx if even_x else u * span_s, dy if even_y else v * span_s, dz if even_z else w * span_s
    ex, ey, ez = dx if even_x else end_u * span_s, dy if even_y else end_v * span_s, dz if even_z else end_w * span_s
    longest_m = STEEPEST * math.sqrt(dx * dx + dy * dy + dz * dz)
    of_start, of_end = _limit(sx, sy, sz, longest_m), _limit(ex, ey, ez, longest_m)
    rest = 1.0 - share
    s, c, e = share * rest * rest * of_start, share * share * (3.0 - 2.0 * share), -share * share * rest * of_end
    position = (x + s * sx + c * dx + e * ex, y + s * sy + c * dy + e * ey, z + s * sz + c * dz + e * ez)
    s = rest * (1.0 - 3.0 * share) * of_start / span_s
    c = 6.0 * share * rest / span_s
    e = share * (3.0 * share - 2.0) * of_end / span_s
    velocity = (s * sx + c * dx + e * ex, s * sy + c * dy + e * ey, s * sz + c * dz + e * ez)
    return Transform(position, slerp(before.rotation, after.rotation, share), velocity)


def _limit(x: float, y: float, z: float, longest_m: float) -> float:
    """What a tangent must be multiplied with."""
    length_m = math.sqrt(x * x + y * y + z * z)
    return longest_m / length_m if length_m > longest_m else 1.0


def turning(before: Sample, after: Sample) -> float:
    """How fast its course turns about +Y from sample to sample, rad/s: a vehicle on a bend stays on it."""
    u, _, w = before.velocity
    x, _, z = after.velocity
    return math.atan2(w * x - u * z, u * x + w * z) / (after.at_s - before.at_s)


def onward(last: Sample, at_s: float, coast_s: float = COAST_S, turn_rad_s: float = 0.0) -> Transform:
    """Dead reckoning: on with its velocity, for `coast_s`, then braking. Before `at_s` of the sample it stands there."""
    late_s = at_s - last.at_s
    if late_s < 0.0:
        return Transform(last.position, last.rotation)
    braking_s = min(max(0.0, late_s - coast_s), BRAKE_S)
    reach_s = min(late_s, coast_s) + braking_s - braking_s * braking_s / (2.0 * BRAKE_S)
    speed = 1.0 - braking_s / BRAKE_S
    x, y, z = last.position
    u, v, w = last.velocity
    turned = turn_rad_s * reach_s
    if abs(turned) < STRAIGHT_RAD:
        ahead, aside = reach_s, 0.0
    else:
        ahead, aside = math.sin(turned) / turn_rad_s, (1.0 - math.cos(turned)) / turn_rad_s
    cos, sin = math.cos(turned), math.sin(turned)
    return Transform(
        (x + ahead * u + aside * w, y + reach_s * v, z + ahead * w - aside * u),
        multiply((0.0, math.sin(turned / 2.0), 0.0, math.cos(turned / 2.0)), last.rotation),
        (speed * (cos * u + sin * w), speed * v, speed * (cos * w - sin * u)),
    )
