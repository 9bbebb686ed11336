"""Pure core: where an entity stands in the world when it rides in others, and how the same stand reads from another parent.

Positions are exact integers of the root plus an offset in metres, so that nothing is lost far from the origin.
"""

import math
from dataclasses import dataclass

from soiree.quaternion import inverse, multiply, rotate
from soiree.wire import quantise as q
from soiree.wire.quantise import IDENTITY, Quat, Vec3

ORIGIN = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Stand:
    """Position, rotation and velocity in the world."""

    root: tuple[int, int, int] = ORIGIN
    """x, y, z of the root ancestor: 1/1024 m, 1/256 m, 1/1024 m."""
    offset: Vec3 = (0.0, 0.0, 0.0)
    """From there, metres along the world's axes."""
    rotation: Quat = IDENTITY
    velocity: Vec3 = (0.0, 0.0, 0.0)
    """m/s along the world's axes; the spin of a parent is left out, since records do not carry it."""

    def carry(self, position: Vec3, rotation: Quat, velocity: Vec3) -> "Stand":
        """The stand of a child with this local transform."""
        return Stand(
            self.root,
            _add(self.offset, rotate(self.rotation, position)),
            multiply(self.rotation, rotation),
            _add(self.velocity, rotate(self.rotation, velocity)),
        )

    def seen_from(self, parent: "Stand") -> tuple[Vec3, Quat, Vec3]:
        """Local position, rotation and velocity that `parent.carry` would turn into this stand."""
        back = inverse(parent.rotation)
        x, y, z = (mine - other for mine, other in zip(self.root, parent.root, strict=True))
        apart = (x / q.HORIZONTAL_PER_M, y / q.VERTICAL_PER_M, z / q.HORIZONTAL_PER_M)
        away = _add(apart, _subtract(self.offset, parent.offset))
        return (
            rotate(back, away),
            multiply(back, self.rotation),
            rotate(back, _subtract(self.velocity, parent.velocity)),
        )

    def away_m(self, other: "Stand") -> float:
        """Metres between the two."""
        away, _, _ = self.seen_from(Stand(other.root, other.offset))
        return math.hypot(*away)

    def units(self) -> tuple[int, int, int]:
        """x, y, z of the whole position in the units of a record, rounded."""
        (x, y, z), (dx, dy, dz) = self.root, self.offset
        return (
            x + q.round_half_up(dx * q.HORIZONTAL_PER_M),
            y + q.round_half_up(dy * q.VERTICAL_PER_M),
            z + q.round_half_up(dz * q.HORIZONTAL_PER_M),
        )

    def position_m(self) -> Vec3:
        """Metres."""
        (x, y, z), (dx, dy, dz) = self.root, self.offset
        return (x / q.HORIZONTAL_PER_M + dx, y / q.VERTICAL_PER_M + dy, z / q.HORIZONTAL_PER_M + dz)


def moves(velocity: Vec3) -> bool:
    """Whether a record of this velocity would say that it moves."""
    return any(q.pack_speed(c) for c in velocity) and all(map(math.isfinite, velocity))


def _add(a: Vec3, b: Vec3) -> Vec3:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _subtract(a: Vec3, b: Vec3) -> Vec3:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])
