"""Pure core: what stands in the demo's city: houses, trees, lamps and benches, block by block."""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from bench import encoding
from bench.streets import BLOCK_M
from relay.planting import Plant
from soiree.wire.messages import PropertyValue
from soiree.wire.state import Section

Floats = npt.NDArray[np.float64]
Properties = dict[str, PropertyValue]

_HOUSES: Final = [
    *((x, z, yaw) for z, yaw in ((19.0, math.pi), (81.0, 0.0)) for x in (20.0, 40.0, 60.0, 80.0)),
    *((x, z, yaw) for x, yaw in ((19.0, -math.pi / 2), (81.0, math.pi / 2)) for z in (41.0, 59.0)),
]
"""Where houses stand in a block, metres, and which way they face: the street."""
_LAMPS: Final = [
    *((along, across) for along in (22.0, 50.0, 78.0) for across in (6.6, 93.4)),
    *((across, along) for along in (22.0, 50.0, 78.0) for across in (6.6, 93.4)),
]
_BENCHES: Final = [(50.0, 31.0, 0.0), (69.0, 50.0, -math.pi / 2), (50.0, 69.0, math.pi), (31.0, 50.0, math.pi / 2)]
"""Round the court in the middle, facing it."""
_STREET_TREES: Final = [
    *((along, across) for along in (30.0, 70.0) for across in (11.5, 88.5)),
    *((across, along) for along in (30.0, 70.0) for across in (11.5, 88.5)),
]
_COURT_M = (34.0, 66.0)
"""Other trees stand anywhere in there."""
_LAMP: Final[Properties] = {"width": 0.3, "depth": 0.3, "height": 5.0}
_BENCH: Final[Properties] = {"width": 1.8, "depth": 0.6, "height": 0.8}
_TALLER: Final = 2.0
_DOWNTOWN_M: Final = 350.0
"""In the middle houses are so much taller; so far out it has mostly gone."""


def sights(count: int, blocks: int, random: np.random.Generator) -> list[Plant]:
    """So many things in a city of `blocks` × `blocks` in the middle of the world, the innermost blocks first.

    Many share a map of properties.
    """
    corners = _corners(blocks)
    houses, lamps, benches = _everywhere(_HOUSES, corners), _everywhere(_LAMPS, corners), _everywhere(_BENCHES, corners)
    street = _everywhere(_STREET_TREES, corners)
    left = max(0, count - len(houses) - len(lamps) - len(benches) - len(street))
    court = corners[random.integers(0, len(corners), left)] + random.uniform(*_COURT_M, (left, 2))
    trees = np.concatenate([street, np.concatenate([court, np.zeros((left, 1))], axis=1)])
    groups = [
        ("house", houses, [_house(x, z, random) for x, z, _ in houses.tolist()]),
        ("lamp", lamps, [_LAMP] * len(lamps)),
        ("bench", benches, [_BENCH] * len(benches)),
        ("tree", trees, _trees(len(trees), random)),
    ]
    found: list[Plant] = []
    for kind, places, properties in groups:
        states = _standing(places)
        found += [Plant(kind, state, what) for state, what in zip(states, properties, strict=True)]
    return found[:count]


def _corners(blocks: int) -> Floats:
    """(blocks², 2) x, z of the corner of each block where both are least, m, the innermost first."""
    line = (np.arange(blocks) - blocks / 2) * BLOCK_M
    corners = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return np.asarray(corners[np.argsort(np.abs(corners + BLOCK_M / 2).max(1), kind="stable")], np.float64)


def _everywhere(places: "list[tuple[float, float, float]] | list[tuple[float, float]]", corners: Floats) -> Floats:
    """(blocks · places, 3) x, z, yaw, block by block."""
    within = np.array([(*place, 0.0)[:3] for place in places])
    out = np.tile(within, (len(corners), 1))
    out[:, :2] += np.repeat(corners, len(within), axis=0)
    return out


def _house(x: float, z: float, random: np.random.Generator) -> Properties:
    tall = 1 + _TALLER * math.exp(-math.hypot(x, z) / _DOWNTOWN_M)
    height = round(float(random.uniform(5, 12)) * tall)
    return {"width": float(random.integers(13, 18)), "depth": float(random.integers(10, 14)), "height": float(height)}


def _trees(count: int, random: np.random.Generator) -> list[Properties]:
    sizes: list[Properties] = [
        {"width": float(width), "depth": float(width), "height": width * 1.6 + 1.5} for width in range(3, 8)
    ]
    return [sizes[which] for which in random.integers(0, len(sizes), count)]


def _standing(places: Floats) -> list[bytes]:
    """Placed records of what stands at x, z, yaw (n, 3)."""
    x, z, yaw = places.T
    where = encoding.units(np.stack([x, 0 * x, z], axis=1))
    turned = np.stack([0 * yaw, np.sin(yaw / 2), 0 * yaw, np.cos(yaw / 2)], axis=1)
    nobody = np.zeros(len(places), np.int64)
    return encoding.placed(Section.REST, encoding.rest(nobody, where, turned), where)
