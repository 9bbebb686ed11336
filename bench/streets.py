"""Pure core: rounds that vehicles drive and people walk: rounded rectangles round blocks of streets, all computed at once."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BLOCK_M: Final = 100.0
"""From one street's middle to the next."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where upright things are; metres, radians, metres per second."""

    position: Floats
    """(n, 3) x, y, z."""
    yaw: Floats
    """(n,) about +Y; 0 faces +Z."""
    velocity: Floats
    """(n, 3)."""


@dataclass(slots=True)
class Rounds:
    """Movers that go round and round.

    Attributes:
        centre: (n, 2) x, z of the middle of each round, m. half: (n, 2) half its extent in x and z, m.
        corner_m: radius of its corners, less than any half extent. speed_m_s: (n,), negative for those who go the other way.
        along_m: (n,) how far each has come.
    """

    centre: Floats
    half: Floats
    corner_m: float
    speed_m_s: Floats
    along_m: Floats

    def __len__(self) -> int:
        return len(self.along_m)

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.along_m = self.along_m + self.speed_m_s * seconds

    def places(self) -> Places:
        """Where all are now.

        A round is two halves that mirror each other; each half is a straight along x, a corner, a straight along z, a corner.
        """
        straight = self.half - self.corner_m  # (n, 2) from the middle to where corners begin
        a, b = straight.T
        quarter = np.pi / 2 * self.corner_m
        half_way = 2 * (a + b + quarter)
        along = self.along_m % (2 * half_way)
        mirrored = np.where(along >= half_way, -1.0, 1.0)
        along = np.where(along >= half_way, along - half_way, along)
        first = np.clip((along - 2 * a) / self.corner_m, 0, np.pi / 2)  # (n,) angle turned in the first corner
        second = np.clip((along - 2 * a - quarter - 2 * b) / self.corner_m, 0, np.pi / 2)
        across = np.clip(along - 2 * a - quarter, 0, 2 * b)
        corner = self.corner_m
        x = -a + np.clip(along, 0, 2 * a) + corner * (np.sin(first) - (1 - np.cos(second)))
        z = -self.half[:, 1] + corner * (1 - np.cos(first)) + across + corner * np.sin(second)
        turned = first + second
        forward = mirrored * np.sign(self.speed_m_s)
        heading = np.stack([forward * np.cos(turned), np.zeros_like(x), forward * np.sin(turned)], axis=1)
        position = np.stack(
            [self.centre[:, 0] + mirrored * x, np.zeros_like(x), self.centre[:, 1] + mirrored * z], axis=1
        )
        yaw = np.arctan2(heading[:, 0], heading[:, 2])
        return Places(position, yaw, heading * np.abs(self.speed_m_s)[:, None])


def round_blocks(
    random: np.random.Generator, blocks: int, size: Ints, beside_m: float, corner_m: float, speed_m_s: Floats
) -> Rounds:
    """Rounds that begin anywhere, round `size` (n, 2) blocks each of a city of `blocks` × `blocks` in the middle of the world.

    Args:
        beside_m: how far inside of the streets' middles those go that drive forward; the others keep as far outside.
        speed_m_s: (n,), signed.
    """
    size = np.minimum(size, blocks)
    first = np.floor(random.random(size.shape) * (blocks - size + 1))
    centre = (first + size / 2 - blocks / 2) * BLOCK_M
    half = size * (BLOCK_M / 2) - beside_m * np.sign(speed_m_s)[:, None]
    around = 4 * half.sum(1)
    return Rounds(centre, half, corner_m, speed_m_s, random.random(len(size)) * around)
