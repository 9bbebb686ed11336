"""Overload slows serving, step by step and within bounds; calm brings it back."""

from hypothesis import given
from hypothesis import strategies as st

from relay.pacing import FASTEST, INTERVAL_S, SLOWEST, Pacing


def after(shares: list[float], fastest: int = FASTEST) -> Pacing:
    pacing, now, cpu = Pacing(0.0, 0.0, fastest), 0.0, 0.0
    for share in shares:
        now += INTERVAL_S
        cpu += share * INTERVAL_S
        pacing.measure(now, cpu)
    return pacing


def test_overload_slows_to_the_slowest_and_calm_brings_it_back() -> None:
    assert after([1.2] * 20).serve_every == SLOWEST
    assert after([1.2] * 20 + [0.1] * 20).serve_every == FASTEST


def test_it_serves_no_faster_than_it_was_told() -> None:
    assert after([0.1] * 20, fastest=3).serve_every == 3
    assert after([1.2] * 20 + [0.1] * 20, fastest=3).serve_every == 3


def test_between_the_marks_nothing_changes() -> None:
    assert after([1.0, 1.0] + [0.65] * 20).serve_every == 3


def test_a_measurement_within_the_interval_decides_nothing() -> None:
    pacing = Pacing(0.0, 0.0)
    for step in range(1, 50):
        pacing.measure(step * INTERVAL_S / 100, step * 1.0)
    assert pacing.serve_every == FASTEST


@given(st.lists(st.floats(0, 8), max_size=50))
def test_it_stays_within_bounds(shares: list[float]) -> None:
    assert FASTEST <= after(shares).serve_every <= SLOWEST
