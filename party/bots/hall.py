"""The hall of the bots in VR: groups of people who stand together, shift about, look round and wave their hands.

Pure core: `now_s` in, places and poses out.
"""

import math
from random import Random
from typing import Final

from party.bots.scenario import Step
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Pose, PosePart

HALL_M: Final = 60.0
"""Length of each side; its middle is the origin."""
GROUP_SIZE: Final = 5
GROUP_RADIUS_M: Final = 1.2
SHIFT_M: Final = 0.4
"""Radius of the round that each makes on its spot."""
SHIFT_M_S: Final = 0.25
HEAD_M: Final = 1.65
HAND_M: Final = 1.15
ARM_M: Final = 0.35


def turn(yaw_rad: float) -> Quat:
    """About +Y."""
    return (0.0, math.sin(yaw_rad / 2), 0.0, math.cos(yaw_rad / 2))


class Stander:
    """One of a group.

    Args:
        index: 0…; people of neighbouring numbers stand together.
        groups: middles of the groups, (x, z) metres.
        random: what makes everybody's movements their own.
    """

    def __init__(self, index: int, groups: list[tuple[float, float]], random: Random) -> None:
        x, z = groups[index // GROUP_SIZE]
        angle = math.tau * (index % GROUP_SIZE) / GROUP_SIZE
        self._spot = (x + GROUP_RADIUS_M * math.cos(angle), z + GROUP_RADIUS_M * math.sin(angle))
        self._inward = math.atan2(x - self._spot[0], z - self._spot[1])
        self._phase = random.uniform(0, math.tau)
        self._waves_hz = random.uniform(0.2, 0.6)

    def step(self, now_s: float) -> Step:
        """Where the body is at `now_s`: always on the move, slowly."""
        angle = self._phase + now_s * SHIFT_M_S / SHIFT_M
        sin, cos = math.sin(angle), math.cos(angle)
        position = (self._spot[0] + SHIFT_M * cos, 0.0, self._spot[1] + SHIFT_M * sin)
        return Step(position, turn(self._inward + 0.3 * sin), (-SHIFT_M_S * sin, 0.0, SHIFT_M_S * cos))

    def pose(self, now_s: float) -> Pose:
        """Head and hands at `now_s`, relative to the body."""
        wave = self._phase + math.tau * self._waves_hz * now_s
        sway, lift = math.sin(wave), math.cos(1.3 * wave)
        head = PosePart((0.03 * sway, HEAD_M + 0.01 * lift, 0.0), turn(0.5 * sway))
        left = _hand((-ARM_M, HAND_M + 0.25 * lift, 0.3 + 0.1 * sway), sway)
        return Pose(head, left, _hand((ARM_M, HAND_M + 0.3 * sway, 0.3 + 0.1 * lift), lift))


def _hand(place: Vec3, tilt: float) -> PosePart:
    return PosePart(place, (math.sin(tilt / 2), 0.0, 0.0, math.cos(tilt / 2)))


def group_places(count: int, random: Random) -> list[tuple[float, float]]:
    """Middles of as many groups as `count` people make, spread over the hall: each somewhere in a square of its own."""
    groups = math.ceil(count / GROUP_SIZE)
    across = math.ceil(math.sqrt(groups))
    square_m = HALL_M / across
    free_m = max(0.0, square_m / 2 - GROUP_RADIUS_M - SHIFT_M)
    squares = random.sample(range(across * across), groups)
    return [
        (
            (square % across + 0.5) * square_m - HALL_M / 2 + random.uniform(-free_m, free_m),
            (square // across + 0.5) * square_m - HALL_M / 2 + random.uniform(-free_m, free_m),
        )
        for square in squares
    ]
