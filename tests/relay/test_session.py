"""One peer's rates, pings and memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import RoomConfig
from relay.session import PINGS_REMEMBERED, Pings, Rate, Session
from soiree.wire import messages as m
from soiree.wire.state import Pong


def make() -> Session:
    return Session(2, "s", "subject", "name", False, RoomConfig(), 0.0)


@given(st.lists(st.floats(0, 0.2), max_size=200))
def test_a_rate_lets_through_its_burst_and_its_pace_and_no_more(pauses: list[float]) -> None:
    rate = Rate(10, 5, 0.0)
    now, taken = 0.0, 0
    for pause in pauses:
        now += pause
        taken += rate.take(now)
        assert taken <= 5 + 10 * now + 1e-6


def test_a_rate_comes_back_with_time() -> None:
    rate = Rate(10, 2, 0.0)
    assert [rate.take(0.0) for _ in range(3)] == [True, True, False]
    assert [rate.take(0.11), rate.take(0.11)] == [True, False]
    assert [rate.take(100.0) for _ in range(3)] == [True, True, False]


def test_a_ping_is_due_each_second_and_answered_once() -> None:
    pings = Pings(0.0)
    first = pings.next(60, 0.0, 1.0)
    assert first is not None
    assert pings.next(60, 0.9, 1.0) is None
    assert pings.rtt_s == 0.0
    assert pings.answered(Pong(first.seq, 0, 0), 0.2)
    assert not pings.answered(Pong(first.seq, 0, 0), 0.3)
    assert pings.rtt_s == pytest.approx(0.2)


def test_only_the_last_pings_can_be_answered() -> None:
    pings = Pings(0.0)
    sent = [pings.next(0, float(second), 1.0) for second in range(PINGS_REMEMBERED + 1)]
    assert [ping is not None and pings.answered(Pong(ping.seq, 0, 0), 9.0) for ping in sent] == [False] + [True] * 8


def test_the_round_trip_is_the_median_so_that_one_late_answer_changes_little() -> None:
    pings = Pings(0.0)
    for second, trip in enumerate([0.05, 0.05, 3.0, 0.05, 0.05]):
        ping = pings.next(0, float(second * 10), 1.0)
        assert ping is not None
        pings.answered(Pong(ping.seq, 0, 0), second * 10 + trip)
    assert pings.rtt_s == pytest.approx(0.05)


def test_a_client_can_go_on_from_where_both_have_been() -> None:
    session = make()
    for _ in range(5):
        session.outbox.push(m.Done, 1)
    assert session.resume(3)
    assert session.resume(3)
    assert not session.resume(2), "what was applied cannot be unapplied"
    assert not session.resume(6), "what was never said cannot be applied"


def test_despawns_are_counted_once_when_applied() -> None:
    session = make()
    session.present = True
    for _ in range(4):
        session.outbox.push(m.Done, 1)
    session.despawns.extend([(2, 7), (3, 8), (4, 9)])
    session.outbox.on_applied(3)
    assert session.applied_despawns() == [7, 8]
    assert session.applied_despawns() == []
    assert session.forget() == [9]
    assert session.outbox.last == session.inbox.applied == 0
