"""Pure core: things that are knocked over: always so many of them fly and spin, land, and lie while others are knocked."""

from typing import Final

import numpy as np

from bench.encoding import Floats, Ints

GRAVITY_M_S2: Final = 9.81
_UP_M_S = (2.0, 5.0)
_ALONG_M_S = 2.0
_SPIN_RAD_S = 6.0


class Tumbling:
    """Loose things.

    Attributes:
        position: (n, 3) m. rotation: (n, 4). velocity: (n, 3) m/s.
    """

    def __init__(self, random: np.random.Generator, position: Floats, at_once: int) -> None:
        self._random = random
        self.position = position.copy()
        self.rotation = np.tile([0.0, 0.0, 0.0, 1.0], (len(position), 1))
        self.velocity = np.zeros_like(position)
        self._spin = np.zeros_like(position)
        self._next = at_once % max(1, len(position))
        self._flying: Ints = np.arange(at_once)
        self._landed: Ints = np.zeros(0, np.int64)
        self._knock(self._flying)
        self._stagger()

    def flying(self) -> Ints:
        """Indices of what moves."""
        return self._flying

    def landed(self) -> Ints:
        """Indices of what came to rest in the last step."""
        return self._landed

    def advance(self, seconds: float) -> None:
        """Time passes: what landed before makes place for others to be knocked."""
        others = (self._next + np.arange(len(self._landed))) % max(1, len(self.position))
        self._next = (self._next + len(others)) % max(1, len(self.position))
        self._knock(others)
        fly = np.concatenate([self._flying, others])
        self.position[fly] += self.velocity[fly] * seconds
        self.velocity[fly, 1] -= GRAVITY_M_S2 * seconds
        self.rotation[fly] = _turned(self.rotation[fly], self._spin[fly] * seconds)
        down = self.position[fly, 1] <= 0
        self._landed, self._flying = fly[down], fly[~down]
        self.position[self._landed, 1] = 0.0
        self.velocity[self._landed] = 0.0

    def _knock(self, which: Ints) -> None:
        count = len(which)
        self.velocity[which] = self._random.normal(0, _ALONG_M_S, (count, 3))
        self.velocity[which, 1] = self._random.uniform(*_UP_M_S, count)
        self._spin[which] = self._random.normal(0, _SPIN_RAD_S, (count, 3))

    def _stagger(self) -> None:
        """So that not all land at once: those that fly first begin somewhere on their way."""
        gone = self._random.random(len(self._flying)) * self.velocity[self._flying, 1] / GRAVITY_M_S2
        self.position[self._flying, 1] += gone * (self.velocity[self._flying, 1] - GRAVITY_M_S2 / 2 * gone)
        self.velocity[self._flying, 1] -= GRAVITY_M_S2 * gone


def _turned(rotation: Floats, by: Floats) -> Floats:
    """Quaternions (n, 4) turned by small rotation vectors (n, 3), rad; unit length kept."""
    x, y, z, w = rotation.T
    a, b, c = (by / 2).T
    turned = np.stack(
        [x + a * w + b * z - c * y, y + b * w + c * x - a * z, z + c * w + a * y - b * x, w - a * x - b * y - c * z],
        axis=1,
    )
    return np.asarray(turned / np.linalg.norm(turned, axis=1, keepdims=True), np.float64)
