"""The streets of the bots' city, and who drives and walks on them.

Pure core: `now_s` in, places out. Streets run along multiples of 100 m; x and z in metres, y up, traffic keeps to its own side.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Final, NamedTuple

from bench.city import LANE_M, PAVEMENT_M
from bench.streets import BLOCK_M
from party.bots.scenario import Step, facing

DRIVEN_CORNER_M: Final = 9.0
WALKED_CORNER_M: Final = 1.0
"""Radius of the way round a corner."""
SPEED_M_S: Final = (8.0, 14.0)
FAST_M_S: Final = 30.0
FAST_SHARE: Final = 0.15
"""Of the vehicles, which go round the whole city or far across it, and stop for nothing."""
FOOT_M_S: Final = 1.4
RED_SHARE: Final = 0.2
"""Corners at which the others have to wait."""
RED_S: Final = (1.0, 4.0)
DIRECTIONS: Final = ((1, 0), (0, 1), (-1, 0), (0, -1))


class Place(NamedTuple):
    """On a lap: metres, and a heading of length 1."""

    x: float
    z: float
    heading_x: float
    heading_z: float


@dataclass(frozen=True)
class Lap:
    """Once round a rectangle with rounded corners, from (x0 + corner, z0) along +x, then +z, −x and −z. All in metres."""

    x0: float
    z0: float
    x1: float
    z1: float
    corner_m: float

    @cached_property
    def pieces_m(self) -> tuple[float, ...]:
        """Lengths: a side, a corner, a side, …"""
        width, depth = self.x1 - self.x0 - 2 * self.corner_m, self.z1 - self.z0 - 2 * self.corner_m
        return (width, arc := math.pi / 2 * self.corner_m, depth, arc) * 2

    @cached_property
    def ends_m(self) -> tuple[float, ...]:
        """Where each piece ends."""
        return tuple(accumulate(self.pieces_m))

    @property
    def length_m(self) -> float:
        """Once round."""
        return self.ends_m[-1]

    def sides_done(self, gone_m: float) -> int:
        """How many sides have come to their end after so many metres, of any number of laps."""
        laps, rest_m = divmod(gone_m, self.length_m)
        return int(laps) * 4 + sum(rest_m >= end for end in self.ends_m[::2])

    def place(self, gone_m: float) -> Place:
        """Where one is after so many metres, of any number of laps."""
        gone_m %= self.length_m
        piece = min(bisect_right(self.ends_m, gone_m), 7)
        side, into_m = piece // 2, gone_m - (self.ends_m[piece - 1] if piece else 0.0)
        (dx, dz), (nx, nz) = DIRECTIONS[side], DIRECTIONS[(side + 1) % 4]
        r = self.corner_m
        x, z = ((self.x0 + r, self.z0), (self.x1, self.z0 + r), (self.x1 - r, self.z1), (self.x0, self.z1 - r))[side]
        if piece % 2 == 0:
            return Place(x + dx * into_m, z + dz * into_m, dx, dz)
        straight_m, turned = self.pieces_m[piece - 1], into_m / r
        sin, cos = math.sin(turned), math.cos(turned)
        x, z = x + dx * straight_m + nx * r, z + dz * straight_m + nz * r
        return Place(
            x + r * (dx * sin - nx * cos), z + r * (dz * sin - nz * cos), dx * cos + nx * sin, dz * cos + nz * sin
        )


class Round:
    """Somebody who goes round a lap at a speed, and waits at red lights where there are any."""

    def __init__(self, lap: Lap, speed_m_s: float, random: Random, *, red_share: float = 0.0) -> None:
        self.lap = lap
        self.speed_m_s = speed_m_s
        self._random = random
        self._red_share = red_share
        self._gone_m = random.uniform(0, lap.length_m)
        self._waits_until_s = -math.inf
        self._at_s: float | None = None

    def step(self, now_s: float, *, halt: bool = False) -> Step:
        """Where it is at `now_s`; with `halt` it stands."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        stands = halt or now_s < self._waits_until_s
        if not stands:
            sides = self.lap.sides_done(self._gone_m)
            self._gone_m += self.speed_m_s * passed_s
            stands = self.lap.sides_done(self._gone_m) != sides and self._random.random() < self._red_share
            if stands:
                self._waits_until_s = now_s + self._random.uniform(*RED_S)
        x, z, dx, dz = self.lap.place(self._gone_m)
        speed = 0.0 if stands else self.speed_m_s
        return Step((x, 0.0, z), facing(dx, dz), (speed * dx, 0.0, speed * dz))


@dataclass(frozen=True, slots=True)
class City:
    """A square of blocks about the origin."""

    blocks: int
    """Along each side."""

    @classmethod
    def for_vehicles(cls, count: int) -> "City":
        """About one vehicle to a block, and never so small that all is in sight from everywhere."""
        return cls(max(5, math.ceil(math.sqrt(count))))

    def drive(self, random: Random) -> Round:
        """A vehicle on its way round some blocks."""
        if random.random() < FAST_SHARE:
            least = max(1, self.blocks - 2)
            return Round(self._lap(random, least, self.blocks, LANE_M, DRIVEN_CORNER_M), FAST_M_S, random)
        lap = self._lap(random, 1, max(1, self.blocks // 2), LANE_M, DRIVEN_CORNER_M)
        return Round(lap, random.uniform(*SPEED_M_S), random, red_share=RED_SHARE)

    def walk(self, random: Random) -> Round:
        """Somebody on foot, round one block."""
        return Round(self._lap(random, 1, 1, PAVEMENT_M, WALKED_CORNER_M), FOOT_M_S, random)

    def _lap(self, random: Random, least: int, most: int, inset_m: float, corner_m: float) -> Lap:
        width, depth = random.randint(least, most), random.randint(least, most)
        i, j = random.randint(0, self.blocks - width), random.randint(0, self.blocks - depth)
        edge_m = -(self.blocks // 2) * BLOCK_M
        x, z = edge_m + i * BLOCK_M, edge_m + j * BLOCK_M
        far_x, far_z = x + width * BLOCK_M, z + depth * BLOCK_M
        return Lap(x + inset_m, z + inset_m, far_x - inset_m, far_z - inset_m, corner_m)
