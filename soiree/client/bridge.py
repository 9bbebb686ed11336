"""What makes up, unseen, for the difference between what was shown of a thing and what is now known of it.

Pure core. Times are monotonic s, positions metres, rotations (x, y, z, w).
"""

import math
from typing import Final, NamedTuple

from soiree.client.frame_of_reference import inward
from soiree.quaternion import inverse, multiply, slerp
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import Transform

BRIDGE_S: Final = 0.3
"""In so long a difference between what was shown and what is now known is made up."""
BRIDGE_MAX_M: Final = 32.0
"""Farther away than this the thing is shown where it is at once."""
SEEN_S: Final = 0.5
"""Who has not looked for so long sees no jump."""


class Shown(NamedTuple):
    """What was shown last."""

    now: float
    parent: int
    local: Transform
    world: Transform


class Bridge(NamedTuple):
    """From what was shown to what is known, relative to the parent of the moment."""

    since: float
    away: Vec3
    turn: Quat

    def over(self, now: float) -> bool:
        """Whether nothing of it is left."""
        return now - self.since >= BRIDGE_S

    def on(self, local: Transform, now: float) -> Transform:
        """Shown nearer to where it was than it is, less and less so."""
        share = max(0.0, now - self.since) / BRIDGE_S
        left = 1.0 - share * share * (3.0 - 2.0 * share)
        (x, y, z), (away_x, away_y, away_z) = local.position, self.away
        turned = multiply(slerp(IDENTITY, self.turn, left), local.rotation)
        return Transform((x + left * away_x, y + left * away_y, z + left * away_z), turned, local.velocity)


def bridge(
    before: Shown, passed_s: float, now: float, parent: int, local: Transform, frame: Transform | None
) -> Bridge | None:
    """From where it would be by what was shown last to `local`; in the same frame of reference, or else by way of the world."""
    if passed_s >= SEEN_S:
        return None
    if parent == before.parent:
        expected = _moved(before.local, passed_s)
    else:
        expected = _moved(before.world, passed_s)
        if frame is not None:
            expected = inward(frame, expected)
    x, y, z = (was - here for was, here in zip(expected.position, local.position, strict=True))
    if math.hypot(x, y, z) > BRIDGE_MAX_M:
        return None
    return Bridge(now, (x, y, z), multiply(expected.rotation, inverse(local.rotation)))


def _moved(transform: Transform, passed_s: float) -> Transform:
    x, y, z = (at + passed_s * speed for at, speed in zip(transform.position, transform.velocity, strict=True))
    return Transform((x, y, z), transform.rotation, transform.velocity)
