"""What is shown of others' things is where they were, moves evenly, and never jumps unless they do."""

import math
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soiree.client.bridge import BRIDGE_S
from soiree.client.interpolation import MAX_DELAY_S, MAX_SAMPLES, MIN_DELAY_S, SLEW, Playback
from soiree.client.motion import BRAKE_S, COAST_S, Sample
from soiree.wire.quantise import IDENTITY, Vec3
from soiree.wire.records import ZERO, Transform
from soiree.wire.state import TICK_HZ
from tests.soiree.client.drive import LOOK_S, START_S, Look, Truth, braking, circle, samples, watch, yaw

SETTLED_S = 3.0
"""By then the delay has found its length."""
TICK_S = 1 / TICK_HZ


def apart(look: Look, truth: Truth) -> float:
    return math.dist(look.shown.position, truth(look.played_s).position)


def turned(look: Look, truth: Truth) -> float:
    """Degrees."""
    dot = sum(a * b for a, b in zip(look.shown.rotation, truth(look.played_s).rotation, strict=True))
    return math.degrees(2 * math.acos(min(1.0, abs(dot))))


def worst(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def dates_m(speed_m_s: float) -> float:
    """Samples are dated in whole ticks: on the way of a tick nobody can tell where the thing is."""
    return speed_m_s * TICK_S


@pytest.mark.parametrize(("speed_m_s", "radius_m"), [(14.0, 40.0), (30.0, 150.0)])
@pytest.mark.parametrize("hz", [20.0, 4.0, 1.0])
def test_a_drive_is_shown_where_it_went(speed_m_s: float, radius_m: float, hz: float) -> None:
    """5 % loss, 30 ms jitter. Beyond the way of one tick:

    - the curve is off by speed⁴·interval⁴/(384·radius³), below 2 mm, and by what velocities are rounded by, √speed/14 on each axis, times
      2·4/27 of the interval: 0.1 m at one sample a second, much less at more;
    - a sample that is late or lost is bridged by dead reckoning, whose course turns on as before: 0.5 m at most, where one lost
      sample is less than a second. At 1 Hz the delay is at its bound, and two lost samples are three seconds that nobody can guess.
    """
    truth, seconds = circle(speed_m_s, radius_m), 120.0
    looks = list(watch(samples(truth, hz, seconds, Random(5), 0.05), seconds))
    looks = [look for look in looks if look.now > START_S + 2 * SETTLED_S]
    errors = [apart(look, truth) for look in looks]
    assert worst(errors, 0.5) <= dates_m(speed_m_s)
    assert worst(errors, 0.95) <= dates_m(speed_m_s) + 0.1
    assert worst([turned(look, truth) for look in looks], 0.95) <= 1.5
    if hz > 1:
        assert max(errors) <= dates_m(speed_m_s) + 0.5
        paces = [math.dist(b.shown.position, a.shown.position) / LOOK_S for a, b in pairwise(looks)]
        assert max(paces) <= speed_m_s * (1 + SLEW) + 0.5 / BRIDGE_S
        assert min(paces) >= speed_m_s * (1 - SLEW) - 0.5 / BRIDGE_S


@pytest.mark.parametrize(
    ("hz", "least_s", "most_s"), [(60.0, MIN_DELAY_S, 0.13), (20.0, 0.1, 0.18), (4.0, 0.3, 0.45), (1.0, 1.0, 1.0)]
)
def test_the_delay_is_the_gap_between_samples_and_their_jitter(hz: float, least_s: float, most_s: float) -> None:
    """It is a little more than interval + travel time, so that there is nearly always a sample on either side."""
    looks = list(watch(samples(circle(14.0, 40.0), hz, 30.0, Random(2), 0.0), 30.0))
    delays = [look.now - look.played_s for look in looks if look.now > START_S + 15.0]
    assert least_s - 1e-6 <= min(delays)
    assert max(delays) <= most_s + 1e-6


@pytest.mark.parametrize("hz", [20.0, 4.0, 1.0])
@pytest.mark.parametrize("deceleration", [5.0, 400.0], ids=["brakes", "wall"])
def test_a_stop_is_not_overshot(hz: float, deceleration: float) -> None:
    """Curves end at rest without passing it (1 mm of rounding)."""
    truth = braking(14.0, START_S + 8.37, deceleration)
    arrivals = samples(truth, hz, 20.0, Random(1), 0.0, until_still=True)
    looks = [look for look in watch(arrivals, 20.0) if look.now > START_S + SETTLED_S]
    assert max(look.shown.position[0] for look in looks) <= 0.001
    assert looks[-1].shown.position == pytest.approx(ZERO, abs=0.001)
    assert looks[-1].shown.velocity == ZERO


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_stop_whose_last_samples_are_lost_is_overshot_by_no_more_than_dead_reckoning_goes(seed: int) -> None:
    truth = braking(14.0, START_S + 4.0, 14.0)
    arrivals = samples(truth, 20.0, 10.0, Random(seed), 0.2, until_still=True)
    looks = list(watch(arrivals, 12.0))
    assert max(look.shown.position[0] for look in looks) <= 14.0 * (COAST_S + BRAKE_S / 2)
    last = arrivals[-1][1].position[0]
    assert looks[-1].shown.position[0] == pytest.approx(last, abs=14.0 * (COAST_S + BRAKE_S / 2))


def straight(count: int, hz: float = 20.0, speed_m_s: float = 10.0) -> list[Sample]:
    return [Sample(n / hz, 0, (speed_m_s * n / hz, 0.0, 0.0), IDENTITY, (speed_m_s, 0.0, 0.0)) for n in range(count)]


def fed(given_samples: list[Sample], travel_s: float = 0.05) -> Playback:
    playback = Playback(given_samples[0])
    for sample in given_samples[1:]:
        playback.add(sample, sample.at_s + travel_s)
    return playback


def nowhere(_: int) -> None:
    return None


def test_a_teleport_is_neither_interpolated_nor_bridged() -> None:
    playback = fed(straight(20))
    after = Sample(1.0, 0, (500.0, 0.0, 0.0), IDENTITY, (10.0, 0.0, 0.0), jump=True)
    playback.add(after, 1.05)
    for number in range(1, 4):
        # Marked on until the relay has one of them.
        playback.add(
            after._replace(at_s=1.0 + number / 20, position=(500.0 + number / 2, 0.0, 0.0)), 1.05 + number / 20
        )
    shown = [playback.play(now / 60, now / 60, nowhere).position[0] for now in range(54, 75)]
    steps = [b - a for a, b in pairwise(shown)]
    assert sum(step > 1.0 for step in steps) == 1
    assert all(0.0 <= step <= 10.0 * (1 + SLEW) / 60 + 1e-9 or step > 400.0 for step in steps)


def test_a_teleport_that_comes_late_is_shown_at_once() -> None:
    playback = fed(straight(20))
    playback.play(2.0, 2.0, nowhere)
    playback.add(Sample(1.1, 0, (500.0, 0.0, 0.0), IDENTITY, ZERO, jump=True), 2.01)
    assert playback.play(2.0 + LOOK_S, 2.0 + LOOK_S, nowhere).position == (500.0, 0.0, 0.0)


@pytest.mark.parametrize("drift", [-0.001, 0.0001, 0.001])
def test_a_clock_that_drifts_and_is_set_right_is_not_seen(drift: float) -> None:
    """The estimate runs off by up to a thousandth and is corrected each second: what is shown neither jumps nor strays by more."""
    truth = circle(14.0, 40.0)

    def estimate(now: float) -> float:
        return now + 0.01 + drift * (now % 1.0)

    looks = list(watch(samples(truth, 20.0, 60.0, Random(4), 0.0), 60.0, estimate))
    looks = [look for look in looks if look.now > START_S + SETTLED_S]
    assert max(apart(look, truth) for look in looks) <= dates_m(14.0) + 0.1
    paces = [math.dist(b.shown.position, a.shown.position) / LOOK_S for a, b in pairwise(looks)]
    assert max(paces) <= 14.0 * (1 + SLEW) + 1.0
    assert min(paces) >= 14.0 * (1 - SLEW) - 1.0


def test_a_clock_that_leaps_is_followed_at_once() -> None:
    playback = fed(straight(20))
    playback.play(1.0, 1.0, nowhere)
    playback.play(1.0 + LOOK_S, 500.0, nowhere)
    assert playback.played_s == pytest.approx(500.0 - playback.delay_s)


def test_memory_is_bounded_and_what_falls_out_is_not_missed() -> None:
    playback = fed(straight(4, hz=1.0))
    shown = [playback.play(3.0 + number / 60, 3.0 + number / 60, nowhere) for number in range(12)]
    for number in range(1, 10 * MAX_SAMPLES):
        now = 3.2 + number / 60
        sample = Sample(3.0 + number / 60, 0, (30.0 + number / 6, 0.0, 0.0), IDENTITY, (10.0, 0.0, 0.0))
        playback.add(sample, now)
        assert len(playback) <= MAX_SAMPLES
        shown.append(playback.play(now, now, nowhere))
    assert len(playback) == MAX_SAMPLES
    steps = [b.position[0] - a.position[0] for a, b in pairwise(shown)]
    # 30 m/s at most: the second that is skipped is made up within the time of a bridge.
    assert all(0.0 <= step <= 10.0 / 60 + 1.0 for step in steps)


def test_getting_in_and_out_of_a_car_does_not_jump() -> None:
    """The car is shown as far in the past as the rider was: what is left of the difference is made up gradually."""
    road = circle(14.0, 40.0)
    playback = Playback(Sample(0.0, 0, (39.0, 0.0, 3.0), IDENTITY, ZERO))

    def car(now: float) -> Transform:
        return road(now - 0.12)

    shown: list[Vec3] = []
    for number in range(120):
        now = number * LOOK_S
        if number == 30:
            playback.add(Sample(now, 7, (-0.5, 0.5, 0.2), IDENTITY, ZERO))
        if number == 75:
            there = road(now)
            playback.add(Sample(now, 0, there.position, there.rotation, there.velocity))
        shown.append(playback.play(now, now, lambda _, now=now: car(now)).position)  # type: ignore[misc]
    steps = [math.dist(a, b) for a, b in pairwise(shown)]
    # The way in is 4 m and that out 2 m, within 0.3 s: at most 1.5 times its mean pace, upon the pace of the car.
    assert max(steps) <= (14.0 + 1.5 * 6.0 / BRIDGE_S) * LOOK_S
    assert math.dist(shown[70], car(70 * LOOK_S).position) == pytest.approx(math.hypot(0.5, 0.5, 0.2), abs=1e-6)


def test_a_car_that_is_gone_before_its_rider_was_seen_to_get_off_leaves_it_where_it_goes() -> None:
    playback = Playback(Sample(0.0, 7, ZERO, IDENTITY, ZERO))
    at = Transform((5.0, 0.0, 0.0))
    assert playback.play(1.0, 1.0, {7: at}.get).position == at.position
    playback.add(Sample(1.0, 0, (5.0, 0.0, 1.0), IDENTITY, ZERO))
    shown = [playback.play(1.0 + n * LOOK_S, 1.0 + n * LOOK_S, nowhere).position for n in range(1, 30)]
    assert max(math.dist(a, b) for a, b in pairwise(shown)) <= 1.5 / BRIDGE_S * LOOK_S
    assert shown[-1] == (5.0, 0.0, 1.0)


def test_a_thing_that_rested_long_sets_off_in_its_own_time() -> None:
    playback = fed([*straight(2), Sample(0.1, 0, (1.0, 0.0, 0.0), IDENTITY, ZERO)])
    playback.play(9.99, 9.99, nowhere)
    playback.add(Sample(10.0, 0, (1.5, 0.0, 0.0), IDENTITY, (10.0, 0.0, 0.0)), 10.05)
    playback.add(Sample(10.05, 0, (2.0, 0.0, 0.0), IDENTITY, (10.0, 0.0, 0.0)), 10.1)
    shown = [playback.play(9.99 + n * LOOK_S, 9.99 + n * LOOK_S, nowhere).position[0] for n in range(1, 20)]
    assert all(b >= a for a, b in pairwise(shown))
    assert shown[0] == 1.0
    assert max(b - a for a, b in pairwise(shown)) <= 2 * 10.0 * LOOK_S


def test_what_contradicts_the_newest_sample_replaces_it() -> None:
    playback = fed(straight(20))
    playback.add(Sample(0.8, 0, (3.0, 0.0, 0.0), IDENTITY, ZERO), 1.0)
    shown = playback.play(5.0, 5.0, nowhere)
    assert (shown.position, shown.velocity) == ((3.0, 0.0, 0.0), ZERO)


def test_the_same_moment_twice_shows_the_same() -> None:
    playback = fed(straight(20))
    playback.play(1.0, 1.0, nowhere)
    playback.add(Sample(1.3, 0, (20.0, 1.0, 0.0), yaw(1.0), ZERO), 1.35)
    assert playback.play(1.1, 1.1, nowhere) == playback.play(1.1, 1.1, nowhere)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-0.5, 3.0),
            st.integers(0, 2),
            st.tuples(*[st.floats(-1e6, 1e6)] * 3),
            st.tuples(*[st.floats(-82, 82)] * 3) | st.just(ZERO),
            st.booleans(),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_whatever_comes_what_is_shown_is_finite_and_delayed_within_bounds(
    steps: list[tuple[float, int, Vec3, Vec3, bool, bool]],
) -> None:
    playback = Playback(Sample(0.0, 0, ZERO, IDENTITY, ZERO))
    now = 0.0
    parents = {1: Transform((1.0, 2.0, 3.0), yaw(1.0), (5.0, 0.0, 0.0))}
    for passed_s, parent, position, velocity, jump, dated in steps:
        now += passed_s
        playback.add(Sample(now, parent, position, yaw(passed_s), velocity, jump), now + 0.05 if dated else None)
        shown = playback.play(now, now, parents.get)
        assert all(map(math.isfinite, (*shown.position, *shown.rotation, *shown.velocity)))
        assert math.hypot(*shown.rotation) == pytest.approx(1.0, abs=1e-6)
        assert MIN_DELAY_S <= playback.delay_s <= MAX_DELAY_S
