"""Overload slows serving, step by step and within bounds; calm brings it back."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.pacing import CALM_S, FASTEST, INTERVAL_S, LEAST_SHARE, LESS, LONGEST_CALM_S, SLOWEST, Pacing
from soiree.wire.state import TICK_HZ


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


def test_where_slow_serving_is_too_much_still_clients_get_a_share_of_their_budgets() -> None:
    steps = SLOWEST - FASTEST
    assert after([1.2] * steps).budget_share == 1
    less = after([1.2] * (steps + 3))
    assert less.serve_every == SLOWEST
    assert less.budget_share == pytest.approx(LESS**3)
    assert after([1.2] * 100).budget_share == LEAST_SHARE
    assert after([1.2] * (steps + 3) + [0.82] * 20).budget_share == less.budget_share
    back = after([1.2] * (steps + 3) + [0.6] * 20)
    assert back.budget_share == 1
    assert back.serve_every < SLOWEST


def test_a_relay_that_gets_no_cpu_slows_down_though_it_uses_little() -> None:
    pacing, now = Pacing(0.0, 0.0), 0.0
    for late, expected in [(10, 2), (10, 3), (0, 2), (2, 2), (0, 1)]:
        pacing.measure(now + INTERVAL_S / 2, 0.3 * now, late)
        now += INTERVAL_S
        pacing.measure(now, 0.3 * now)
        assert pacing.serve_every == expected


def test_a_pass_longer_than_a_tick_is_not_late_while_the_next_serve_is_in_time() -> None:
    pacing, now = Pacing(0.0, 0.0, fastest=3), 0.0
    for late, expected in [(1, 3), (1, 3), (2, 4), (2, 4)]:
        for _ in range(10):
            now += INTERVAL_S / 10
            pacing.measure(now + 1e-9, 0.75 * now, late)
        assert pacing.serve_every == expected


def test_it_serves_no_faster_than_it_was_told() -> None:
    assert after([0.1] * 20, fastest=3).serve_every == 3
    assert after([1.2] * 20 + [0.1] * 20, fastest=3).serve_every == 3


def test_between_the_marks_nothing_changes() -> None:
    assert after([1.0, 1.0] + [0.84] * 20).serve_every == 3


def test_a_relay_that_could_serve_faster_does_not_stay_slow() -> None:
    """Who was slowed by many who came in at once finds back, though what remains is a good part of a core."""
    assert after([1.2] * 5 + [0.52]).serve_every == 5
    assert after([1.2] * 5 + [0.52] * 3).serve_every == 3
    assert after([1.2] * 20 + [0.52] * 7).serve_every == 3


def test_what_might_be_too_much_is_tried_when_it_has_been_calm_and_taken_back() -> None:
    calm = [0.8] * int(CALM_S / INTERVAL_S - 1)
    assert after([1.2, 1.2, *calm]).serve_every == 3
    assert after([1.2, 1.2, *calm, 0.8]).serve_every == 2
    assert after([1.2, 1.2, *calm, 0.8, 0.96]).serve_every == 3
    assert after([1.2, 1.2, *calm, 0.8, 0.9, 0.9, 0.8]).serve_every == 3


def test_tries_that_fail_become_rare() -> None:
    """A relay whose load is all of a core if it serves in every tick, and 0.6 at every other."""
    pacing, now, cpu = Pacing(0.0, 0.0), 0.0, 0.0
    fast: list[float] = []
    while now < 400:
        now += INTERVAL_S
        cpu += (1.0 if pacing.serve_every == FASTEST else 0.6) * INTERVAL_S
        pacing.measure(now, cpu)
        if pacing.serve_every == FASTEST:
            fast.append(now)
    waits = [after - before for before, after in pairwise(fast)]
    assert (fast[0], waits[0]) == (CALM_S + INTERVAL_S, 2 * CALM_S + INTERVAL_S)
    assert waits == sorted(waits)
    assert LONGEST_CALM_S <= waits[-1] <= LONGEST_CALM_S + 2 * INTERVAL_S


def test_a_busy_moment_is_waited_out_but_not_a_full_one() -> None:
    assert after([0.9]).serve_every == after([0.9, 0.7, 0.9, 0.7]).serve_every == FASTEST
    assert (
        after([0.9, 0.9]).serve_every == after([0.9, 0.9, 0.9]).serve_every == after([0.96]).serve_every == FASTEST + 1
    )


def test_a_measurement_within_the_interval_decides_nothing() -> None:
    pacing = Pacing(0.0, 0.0)
    for step in range(1, 50):
        pacing.measure(step * INTERVAL_S / 100, step * 1.0)
    assert pacing.serve_every == FASTEST


@given(st.lists(st.floats(0, 8), max_size=50))
def test_it_stays_within_bounds(shares: list[float]) -> None:
    assert FASTEST <= after(shares).serve_every <= SLOWEST


class BusyRelay:
    """A relay whose ticks cost CPU time, on one core, with the clock of `relay.service`: late ticks are left out and counted."""

    def __init__(self, all_clients_s: float) -> None:
        self.all_clients_s = all_clients_s
        """Serving every client once costs so much; a tick without any costs BARE_TICK_S."""
        self.now = self.cpu_s = 0.0
        self.tick = self.done = self.late = 0
        self.pacing = Pacing(0.0, 0.0)
        self.waits_s: list[float] = []
        """From one serve of a client to the next, at most."""

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            due = max(self.tick + 1, int(self.now * TICK_HZ))
            passed, self.tick = due - self.tick, due
            self.late += passed - 1
            self.done += 1
            self.pacing.measure(self.now, self.cpu_s, passed - 1)
            every = self.pacing.serve_every
            cost = BARE_TICK_S + self.all_clients_s * min(1.0, passed / every)
            self.cpu_s += cost
            # Its turn may have been missed by as many ticks as this one is late.
            self.waits_s.append((every + passed - 1) / TICK_HZ + cost)
            self.now = max(self.now + cost, (due + 1) / TICK_HZ)

    def settled(self, seconds: float = 10.0) -> float:
        """The longest wait once it has adapted."""
        self.run(seconds)
        self.waits_s.clear()
        self.run(seconds)
        return max(self.waits_s)


BARE_TICK_S = 0.001
FULL_S = 1 / TICK_HZ - BARE_TICK_S
"""Serving all clients in each tick takes the whole core."""


@pytest.mark.parametrize(("load", "serve_every"), [(0.3, 1), (0.7, 1), (1.0, 2), (2.0, 3), (4.0, 5), (5.0, 6)])
def test_an_overloaded_relay_serves_less_often_until_it_has_time(load: float, serve_every: int) -> None:
    relay = BusyRelay(load * FULL_S)
    worst_s = relay.settled()
    assert relay.pacing.serve_every == serve_every
    late = relay.late
    relay.run(10)
    assert relay.late == late, "a tick no longer takes more than its time"
    assert worst_s <= (serve_every + 1) / TICK_HZ + 1e-9


def test_at_twice_what_it_can_carry_waits_are_bounded_and_every_late_tick_is_counted() -> None:
    relay = BusyRelay(2 * SLOWEST * FULL_S)
    worst_s = relay.settled()
    assert relay.pacing.serve_every == SLOWEST
    assert relay.late > 0
    assert relay.done + relay.late == relay.tick
    # Whatever the clock, all clients are served once in the time that it takes to serve them, twice that with their wait.
    assert worst_s <= 2 * (relay.all_clients_s + BARE_TICK_S) + SLOWEST / TICK_HZ


def test_a_relay_that_was_overloaded_serves_every_tick_again() -> None:
    relay = BusyRelay(5 * FULL_S)
    relay.run(10)
    assert relay.pacing.serve_every == SLOWEST
    relay.all_clients_s = 0.1 * FULL_S
    relay.run((SLOWEST - FASTEST + 2) * INTERVAL_S + 0.1)
    assert relay.pacing.serve_every == FASTEST
    late = relay.late
    relay.run(5)
    assert relay.late == late
