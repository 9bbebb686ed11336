"""Late ticks are read as the relay's metrics write them."""

import pytest
from prometheus_client import generate_latest

from party.bots.late_ticks import LateTicks
from relay.metrics import Metrics


def told(metrics: Metrics) -> LateTicks:
    read = LateTicks.read(generate_latest(metrics.registry).decode())
    assert read is not None
    return read


def late(metrics: Metrics, ticks: int) -> None:
    metrics.late_ticks.inc(ticks)
    metrics.late_streaks.observe(ticks)


def test_only_what_happened_since_counts() -> None:
    metrics = Metrics()
    late(metrics, 50)
    before = told(metrics)
    assert told(metrics).longest_since(before) == 0
    late(metrics, 1)
    late(metrics, 3)
    after = told(metrics)
    assert after.total - before.total == 4
    assert after.longest_since(before) == 3


def test_a_streak_longer_than_all_that_is_told_apart_is_still_a_streak() -> None:
    metrics = Metrics()
    before = told(metrics)
    late(metrics, 500)
    longest = told(metrics).longest_since(before)
    assert longest is not None
    assert longest > 60


def test_a_server_that_does_not_say_is_not_guessed_at() -> None:
    assert LateTicks.read("") is None
    assert LateTicks(3).longest_since(LateTicks(1)) is None
    with pytest.raises(ValueError):
        LateTicks.read("<html>not found</html>")
