"""The relay's clock, read off pings."""

from itertools import pairwise
from random import Random

import pytest

from soiree.client.clock import Clock
from soiree.wire.state import TICK_HZ, Ping


def test_before_anything_is_known_the_tick_is_zero() -> None:
    clock = Clock()
    assert clock.tick(5.0) == 0
    assert clock.relay_us(5.0) is None


def test_a_welcome_anchors_the_tick() -> None:
    clock = Clock()
    clock.anchor(600, 100.0)
    assert clock.tick(101.0) == 660


def test_the_fastest_of_the_last_pings_counts() -> None:
    clock = Clock()
    clock.anchor(0, 0.0)
    for number in range(20):
        sent_s = 10.0 + number
        late_s = 0.01 if number % 3 == 0 else 0.4
        clock.on_ping(Ping(number, int(sent_s * 60), int(sent_s * 1e6), 20_000), sent_s + late_s)
    assert clock.relay_us(30.0) == pytest.approx(30e6, abs=1)
    assert clock.tick(30.001) == 1800
    assert clock.rtt_s == 0.02


@pytest.mark.parametrize("phase", [0.0, 0.1, 0.24, 0.5, 0.76, 0.9, 0.999])
def test_samples_taken_evenly_are_dated_evenly_whatever_timers_do(phase: float) -> None:
    """20 times a second, a millisecond and a half early or late, at any phase of the relay's tick."""
    clock, random = Clock(), Random(1)
    clock.anchor(600, 100.0)
    late_s = [random.uniform(-0.0015, 0.0015) for _ in range(500)]
    times = [101.0 + phase / TICK_HZ + number / 20 + late for number, late in enumerate(late_s)]
    dates = [clock.date(now) for now in times]
    steps = [after - before for before, after in pairwise(dates)]
    assert steps.count(3) >= len(steps) - 1, "but for one change where dates change"
    assert all(0.0 <= clock.seconds(now) * TICK_HZ - date < 2.0 for now, date in zip(times, dates, strict=True))
