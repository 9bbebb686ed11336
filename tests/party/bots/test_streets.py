"""Who goes round the streets keeps to them, at the speed that it says, and stands when told."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.city import LANE_M, PAVEMENT_M
from bench.streets import BLOCK_M
from party.bots.streets import FAST_M_S, RED_SHARE, City, Lap, Round

LAPS = st.builds(
    lambda x, z, width, depth, corner: Lap(x, z, x + width, z + depth, corner),
    st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(30, 900), st.floats(30, 900), st.floats(0.5, 12),
)  # fmt: skip


@given(LAPS, st.floats(0, 1e5), st.floats(0.001, 2))
def test_a_lap_is_a_way_without_gaps_along_its_headings(lap: Lap, gone_m: float, on_m: float) -> None:
    here, there = lap.place(gone_m), lap.place(gone_m + on_m)
    assert math.dist(here[:2], there[:2]) <= on_m + 1e-6
    assert math.hypot(*here[2:]) == pytest.approx(1)
    assert lap.x0 - 1e-6 <= here.x <= lap.x1 + 1e-6
    assert lap.z0 - 1e-6 <= here.z <= lap.z1 + 1e-6
    near = lap.place(gone_m + 1e-4)
    assert near.x - here.x == pytest.approx(1e-4 * here.heading_x, abs=1e-7)
    assert near.z - here.z == pytest.approx(1e-4 * here.heading_z, abs=1e-7)


@given(LAPS, st.floats(0, 1e4))
def test_a_lap_ends_where_it_began(lap: Lap, gone_m: float) -> None:
    assert lap.place(gone_m + lap.length_m) == pytest.approx(lap.place(gone_m), abs=1e-6)


@given(st.integers(0, 2**32), st.integers(1, 500), st.lists(st.floats(0.005, 0.3), min_size=1, max_size=100))
def test_vehicles_keep_to_lanes_and_to_their_speed(seed: int, count: int, steps_s: list[float]) -> None:
    way = City.for_vehicles(count).drive(Random(seed))
    now_s = 5.0
    before = way.step(now_s)
    for step_s in steps_s:
        now_s += step_s
        after = way.step(now_s)
        assert math.dist(before.position, after.position) <= way.speed_m_s * step_s + 1e-6
        assert math.hypot(*after.velocity) == pytest.approx(way.speed_m_s) or after.velocity == (0.0, 0.0, 0.0)
        x, _, z = after.position
        assert min(_from_street(x), _from_street(z)) <= LANE_M + 9.0 * (1 - math.sqrt(0.5)) + 1e-6
        before = after
    stopped = way.step(now_s + 1, halt=True)
    assert (stopped.position, stopped.velocity) == (before.position, (0.0, 0.0, 0.0))


def _from_street(at_m: float) -> float:
    return abs(at_m - round(at_m / BLOCK_M) * BLOCK_M)


@given(st.integers(0, 2**32))
def test_people_on_foot_go_round_one_block(seed: int) -> None:
    lap = City(7).walk(Random(seed)).lap
    assert lap.x1 - lap.x0 == lap.z1 - lap.z0 == BLOCK_M - 2 * PAVEMENT_M


def test_some_are_fast_and_stop_for_nothing_and_the_others_wait_at_red_lights() -> None:
    random = Random(3)
    drivers = [City(10).drive(random) for _ in range(100)]
    fast = [way for way in drivers if way.speed_m_s == FAST_M_S]
    assert 5 <= len(fast) <= 30
    stood = dict.fromkeys(drivers, False)
    for tick in range(600):
        for way in drivers:
            stood[way] |= way.step(tick / 10).velocity == (0.0, 0.0, 0.0)
    assert not any(stood[way] for way in fast)
    assert sum(stood.values()) > 0.5 * (len(drivers) - len(fast))


def test_a_red_light_is_left_again() -> None:
    way = Round(Lap(0, 0, 40, 40, 2), 10.0, Random(1), red_share=1.0)
    standing = [way.step(tick / 20).velocity == (0.0, 0.0, 0.0) for tick in range(1200)]
    changes = sum(before != after for before, after in pairwise(standing))
    assert changes >= 8
    assert 0.0 < RED_SHARE < 1.0
