"""Bots move as bodies do: never faster than they can, and at rest when told."""

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from party.bots.scenario import ARENA_M, BALL_RADIUS_M, WALK_M_S, Flight, Walk


@given(st.integers(0, 2**32), st.lists(st.floats(0.01, 0.2), min_size=2, max_size=200))
def test_a_walker_stays_in_the_arena_at_walking_pace(seed: int, steps_s: list[float]) -> None:
    walk, now_s = Walk(Random(seed)), 0.0
    before = walk.step(now_s)
    for step_s in steps_s:
        now_s += step_s
        after = walk.step(now_s)
        assert math.dist(before.position, after.position) <= WALK_M_S * step_s + 1e-9
        assert max(abs(after.position[0]), abs(after.position[2])) <= ARENA_M + 1e-9
        before = after
    halted = walk.step(now_s + 1, halt=True)
    assert halted.velocity == (0.0, 0.0, 0.0)
    assert halted.position == before.position


@given(st.floats(0.2, 3.0), st.floats(0, math.tau))
def test_a_thrown_ball_comes_to_rest_on_the_ground(height_m: float, heading_rad: float) -> None:
    flight = Flight((0, height_m, 0), heading_rad, 10.0)
    landed = flight.step(10.0 + flight.lasts_s + 0.001)
    assert landed.position[1] == BALL_RADIUS_M
    assert landed.velocity == (0.0, 0.0, 0.0)
    assert flight.step(100.0) == landed
    nearly = flight.step(10.0 + flight.lasts_s * 0.999)
    assert abs(nearly.position[1] - BALL_RADIUS_M) < 0.1
