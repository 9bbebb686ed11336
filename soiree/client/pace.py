"""How far an entity of ours is ahead of the room's speed limit, reckoned as the relay does but stricter (docs/PROTOCOL.md section 5.3).

Pure core: ticks are passed in.
"""

import math
from typing import Final

from soiree.wire.quantise import Vec3
from soiree.wire.state import TICK_HZ

SLACK_M: Final = 0.5
SLACK_S: Final = 0.05
"""Half of what the relay lets pass: numbers are rounded and clocks differ."""


class Pace:
    """One entity's, from its position at a tick on. Positions in metres, ticks of the relay."""

    __slots__ = ("_ahead_m", "_position", "_tick")

    def __init__(self, position: Vec3, tick: int) -> None:
        self._position, self._tick = position, tick
        self._ahead_m = 0.0

    def step(self, position: Vec3, tick: int, max_speed_m_s: float) -> bool:
        """It goes to `position`; returns whether that is too fast to be told as anything but a teleport."""
        away_m = math.dist(self._position, position)
        elapsed_s = max(0, tick - self._tick) / TICK_HZ
        self._position, self._tick = position, tick
        self._ahead_m = max(0.0, self._ahead_m + away_m - elapsed_s * max_speed_m_s)
        too_fast = self._ahead_m > SLACK_M + SLACK_S * max_speed_m_s
        if too_fast:
            self._ahead_m = 0.0
        return too_fast
