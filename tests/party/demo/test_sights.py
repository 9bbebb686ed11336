"""What stands in the city stands in its blocks, off the streets, and as much of it as was asked for."""

from collections import Counter

import numpy as np
import pytest

from bench.streets import BLOCK_M
from party.demo.sights import sights
from relay.planting import Plant
from soiree.wire.limits import MAX_PROPERTIES
from soiree.wire.records import decode_transform, unpack_placed
from soiree.wire.state import Slot

KERB_M = 6.0
"""Nearer to the middle of a street than that vehicles drive."""


def corners(plant: Plant) -> list[tuple[float, float]]:
    """x, z of the four corners of what stands, m."""
    placed = unpack_placed(plant.state)
    at = decode_transform(*placed.records[Slot.TRANSFORM], placed.base)
    width, depth = float(plant.properties["width"] or 0), float(plant.properties["depth"] or 0)
    sideways = abs(at.rotation[1]) > 0.5 and abs(at.rotation[3]) > 0.5
    half_x, half_z = (depth / 2, width / 2) if sideways else (width / 2, depth / 2)
    x, _, z = at.position
    return [(x + a * half_x, z + b * half_z) for a in (-1, 1) for b in (-1, 1)]


@pytest.mark.parametrize("count", [1, 460, 2300])
def test_as_many_as_were_asked_for(count: int) -> None:
    assert len(sights(count, 2, np.random.default_rng(1))) == count


def test_of_every_kind_with_its_size() -> None:
    found = sights(1000, 4, np.random.default_rng(1))
    assert Counter(plant.kind for plant in found) == {"house": 192, "lamp": 192, "bench": 64, "tree": 552}
    for plant in found:
        assert {"width", "depth", "height"} == set(plant.properties)
        assert len(plant.properties) <= MAX_PROPERTIES
        assert all(isinstance(size, float) and size > 0 for size in plant.properties.values())


def test_streets_are_clear_and_houses_stand_apart() -> None:
    houses: list[tuple[float, float, float, float]] = []
    for plant in sights(1000, 4, np.random.default_rng(1)):
        around = corners(plant)
        for x, z in around:
            assert max(abs(x), abs(z)) <= 2 * BLOCK_M
            if plant.kind != "tree":
                assert KERB_M <= x % BLOCK_M <= BLOCK_M - KERB_M
                assert KERB_M <= z % BLOCK_M <= BLOCK_M - KERB_M
        if plant.kind == "house":
            houses.append((around[0][0], around[0][1], around[3][0], around[3][1]))
    boxes = np.array(houses)
    apart = (boxes[:, None, :2] >= boxes[None, :, 2:] - 1e-3).any(2)
    assert (apart | apart.T | np.eye(len(boxes), dtype=bool)).all()
