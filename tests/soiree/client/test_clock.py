"""The relay's clock, read off pings."""

import pytest

from soiree.client.clock import Clock
from soiree.wire.state import Ping


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
