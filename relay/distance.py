"""Pure core: how far apart things are: exact positions to metres between them."""

from typing import Final

import numpy as np

from relay.table import Floats, Ints
from soiree.wire import quantise as q

METRES: Final = (1 / q.HORIZONTAL_PER_M, 1 / q.VERTICAL_PER_M, 1 / q.HORIZONTAL_PER_M)
"""What one unit of `World.position` is along x, y and z."""


def away_m(position: Ints, other: Ints) -> Floats:
    """(n,) metres between positions (n, 3) as in `World.position`; `other` may be one for all."""
    squares = np.zeros(len(position))
    for axis, metres in enumerate(METRES):
        along = (position[:, axis] - other[..., axis]) * metres
        squares += along * along
    return np.sqrt(squares)
