"""How bots move where they wander and play ball, frame by frame.

Pure core: `now_s` in, positions out.
"""

import math
from dataclasses import dataclass
from random import Random

from soiree.wire.quantise import Quat, Vec3

ARENA_M = 24.0
"""Bots walk within this distance of the middle."""
WALK_M_S = 1.6
THROW_M_S = 6.0
GRAVITY_M_S2 = 9.81
BALL_RADIUS_M = 0.15
REACH_M = 0.6


@dataclass(frozen=True, slots=True)
class Step:
    """Where a thing is now."""

    position: Vec3
    rotation: Quat
    velocity: Vec3


class Walk:
    """A walk from point to random point."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.x, self.z = random.uniform(-ARENA_M, ARENA_M), random.uniform(-ARENA_M, ARENA_M)
        self._goal = (self.x, self.z)
        self._at_s: float | None = None

    def step(self, now_s: float, *, halt: bool = False) -> Step:
        """Where the walker is at `now_s`; with `halt` it stands."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        dx, dz = self._goal[0] - self.x, self._goal[1] - self.z
        left_m = math.hypot(dx, dz)
        if left_m < 0.1:
            self._goal = (self._random.uniform(-ARENA_M, ARENA_M), self._random.uniform(-ARENA_M, ARENA_M))
            return Step((self.x, 0.0, self.z), facing(dx, dz), (0.0, 0.0, 0.0))
        if halt:
            return Step((self.x, 0.0, self.z), facing(dx, dz), (0.0, 0.0, 0.0))
        vx, vz = WALK_M_S * dx / left_m, WALK_M_S * dz / left_m
        share = min(1.0, WALK_M_S * passed_s / left_m)
        self.x, self.z = self.x + dx * share, self.z + dz * share
        return Step((self.x, 0.0, self.z), facing(dx, dz), (vx, 0.0, vz))


class Flight:
    """A thrown ball: a parabola, then rest on the ground."""

    def __init__(self, start: Vec3, heading_rad: float, now_s: float) -> None:
        self._start = start
        self._velocity = (THROW_M_S * math.cos(heading_rad), THROW_M_S / 2, THROW_M_S * math.sin(heading_rad))
        self._since_s = now_s
        drop_m = max(0.0, start[1] - BALL_RADIUS_M)
        rise = self._velocity[1]
        self.lasts_s = (rise + math.sqrt(rise * rise + 2 * GRAVITY_M_S2 * drop_m)) / GRAVITY_M_S2

    def step(self, now_s: float) -> Step:
        """Where the ball is at `now_s`."""
        t = min(now_s - self._since_s, self.lasts_s)
        (x, y, z), (vx, vy, vz) = self._start, self._velocity
        landed = t >= self.lasts_s
        position = (x + vx * t, BALL_RADIUS_M if landed else y + vy * t - GRAVITY_M_S2 / 2 * t * t, z + vz * t)
        velocity = (0.0, 0.0, 0.0) if landed else (vx, vy - GRAVITY_M_S2 * t, vz)
        return Step(position, (0.0, 0.0, 0.0, 1.0), velocity)


def in_hand(walker: Step) -> Step:
    """Where a carried ball is."""
    x, _, z = walker.position
    return Step((x + REACH_M, 1.1, z), (0.0, 0.0, 0.0, 1.0), walker.velocity)


def facing(dx: float, dz: float) -> Quat:
    """The turn about +Y that looks along (dx, dz)."""
    half = math.atan2(dx, dz) / 2
    return (0.0, math.sin(half), 0.0, math.cos(half))
