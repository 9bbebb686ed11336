"""Pure core: FAR records: what moves beyond a frame's reach, told 16 times as coarsely so that it shares the frame (PROTOCOL 5.2)."""

import math
from typing import Final

import numpy as np

from relay.table import Bools, Floats, Ints, Octets
from relay.world import World
from soiree.wire import quantise as q
from soiree.wire.state import DTYPE_OF, STRIDE, Section

BITS: Final = q.CELL_BITS + q.FAR_SHIFT
CELLS: Final = 7
"""Cells of 1024 m from the base to which the four bits of a record reach on either side."""
HALF_Y: Final = 1 << 15
_DTYPE: Final = DTYPE_OF[Section.FAR]
_ROT: Final = slice(10, 14)
_VELOCITY: Final = slice(14, 17)


def within_reach(position: Ints, base: Ints) -> Bools:
    """(n,) whether positions (n, 3) can be told by FAR from bases (n, 3: cx, cz, y)."""
    x = np.abs((position[:, 0] >> BITS) - (base[:, 0] >> q.FAR_SHIFT)) <= CELLS
    z = np.abs((position[:, 2] >> BITS) - (base[:, 1] >> q.FAR_SHIFT)) <= CELLS
    y = np.abs((position[:, 1] >> q.FAR_SHIFT) - (base[:, 2] >> q.FAR_SHIFT)) < HALF_Y
    return np.asarray(x & y & z, np.bool_)


def encode(world: World, row: Ints) -> Octets:
    """(n, 18) FAR records of entities whose transform is MOVE or UPRIGHT; ages are 0."""
    x, y, z = world.position[row].T
    records = np.zeros(len(row), _DTYPE)
    records["where"] = world.entity[row] | (x >> BITS & 15) << 24 | (z >> BITS & 15) << 28
    records["x"], records["z"] = x >> q.FAR_SHIFT & 0xFFFF, z >> q.FAR_SHIFT & 0xFFFF
    records["y"] = y >> q.FAR_SHIFT & 0xFFFF
    octets: Octets = records.view(np.uint8).reshape(len(row), STRIDE[Section.FAR])
    said = world.transforms[row, : STRIDE[Section.MOVE]]
    upright = world.kind[row] == Section.UPRIGHT
    octets[~upright, _ROT] = said[~upright, _ROT]
    octets[~upright, _VELOCITY] = said[~upright, _VELOCITY]
    yaw = said[upright, 10].astype(np.int64) | said[upright, 11].astype(np.int64) << 8
    octets[upright, _ROT] = ROTATIONS[yaw]
    octets[upright, 14], octets[upright, 16] = said[upright, 12], said[upright, 13]
    return octets


def _rotation(yaw: Floats) -> Ints:
    """Smallest three of turns about +Y, rad: of x, y, z, w only y and w are not 0."""
    sine, cosine = np.sin(yaw / 2), np.cos(yaw / 2)
    turned = np.abs(sine) >= np.abs(cosine)  # y is the largest, and the first of equals
    other = np.where(turned, cosine * np.sign(sine), sine * np.where(cosine < 0, -1.0, 1.0))
    packed = np.clip(np.floor(other * math.sqrt(2) * q.ROTATION_SCALE + 0.5).astype(np.int64) + 512, 1, 1023)
    # The three that follow: x, z, w where y is largest; x, y, z where w is.
    return np.where(turned, 1 << 30 | 512 << 20 | 512 << 10 | packed, 3 << 30 | 512 << 20 | packed << 10 | 512)


ROTATIONS: Final = (
    _rotation(np.arange(1 << 16, dtype=np.float64) * (math.tau / (1 << 16))).astype("<u4").view(np.uint8).reshape(-1, 4)
)
"""(65536, 4) the bytes of a rotation by the yaw of an UPRIGHT record."""
