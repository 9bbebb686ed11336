"""Pure core: the people of the relay job: each walks round in a square metre of its own and slowly turns about.

Where a walker looks tells which of its updates a state is, and nothing else does: so whoever gets a state knows when it was sent
without a byte more on the wire.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

UPDATES: Final = 8192
"""Updates of a walker after which its directions begin again; more than any stack delays one."""
LAP: Final = 40
"""Updates in which it walks round once."""
RADIUS_M: Final = 0.4
PER_ROW: Final = 20
"""Walkers beside each other, a metre apart."""
PEER_STATE: Final = np.dtype(
    [("walker", "<u4"), ("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("yaw", "<f4"), ("vx", "<f4"), ("vz", "<f4")]
)
"""What clients of the peers say, 28 B: who, position (m), direction (rad), velocity (m/s)."""
YAW_UNITS: Final = 65536 // UPDATES
"""Of Soiree's yaw, a full turn in 65536, for each update."""


def standpoint(walker: int, update: int, hz: float) -> tuple[float, float, float, float, float]:
    """(x, y, z, vx, vz) of a walker at one of its updates, m and m/s. The ground is uneven, so that y changes too."""
    angle = math.tau * (update % LAP) / LAP
    speed = math.tau * RADIUS_M * hz / LAP
    x = walker % PER_ROW + 0.5 + RADIUS_M * math.cos(angle)
    z = walker // PER_ROW + 0.5 + RADIUS_M * math.sin(angle)
    return x, 0.05 * math.sin(2 * angle), z, -speed * math.sin(angle), speed * math.cos(angle)


def peer_states(walker: int, hz: float) -> npt.NDArray[np.void]:
    """One lap of `PEER_STATE`, shape (LAP,); the direction is for the update to fill in."""
    lap = np.zeros(LAP, PEER_STATE)
    lap["walker"] = walker
    for update in range(LAP):
        lap["x"][update], lap["y"][update], lap["z"][update], lap["vx"][update], lap["vz"][update] = standpoint(
            walker, update, hz
        )
    return lap


def yaw_rad(update: int) -> float:
    """Where a walker looks at one of its updates."""
    return math.tau * (update % UPDATES) / UPDATES


def updates_of_yaw(yaw_rad: npt.NDArray[np.float32]) -> Ints:
    """The updates, modulo UPDATES, that directions tell."""
    return np.rint(yaw_rad.astype(np.float64) * (UPDATES / math.tau)).astype(np.int64) % UPDATES


def walkers_at(x: npt.NDArray[np.float32], z: npt.NDArray[np.float32]) -> Ints:
    """The walkers that positions tell."""
    return np.floor(z).astype(np.int64) * PER_ROW + np.floor(x).astype(np.int64)
