"""Numbered streams apply each message once and in order through any number of connections."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from soiree.wire import control, limits
from soiree.wire.errors import WireError
from soiree.wire.messages import Done, Event, PeerLeft
from soiree.wire.numbered import BacklogError, GapError, Inbox, Outbox


class Stream(RuleBasedStateMachine):
    """One direction over connections that break at any point: what was sent on one arrives up to some point, then no more."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox, self.inbox = Outbox(), Inbox()
        self.in_flight: list[bytes] = []
        self.sent = 0
        self.applied: list[int] = []

    @rule()
    def say(self) -> None:
        self.sent += 1
        self.in_flight.append(self.outbox.push(Done, self.sent))

    @rule(count=st.integers(1, 5))
    def deliver(self, count: int) -> None:
        for data in self.in_flight[:count]:
            message = control.decode_from_relay(data)
            assert isinstance(message, Done)
            if self.inbox.admit(message.n):
                self.applied.append(message.re)
        del self.in_flight[:count]

    @rule()
    def acknowledge(self) -> None:
        assert self.outbox.on_applied_low(self.inbox.applied & 0xFFFF)

    @rule(kept=st.integers(0, 3))
    def change_connection(self, kept: int) -> None:
        """Up to `kept` messages of the old one still arrive; the new one begins with the hello's number."""
        self.deliver(kept)
        late = self.in_flight
        assert self.outbox.on_applied(self.inbox.applied)
        self.in_flight = self.outbox.replay()
        assert late == self.in_flight

    @invariant()
    def each_once_and_in_order(self) -> None:
        assert self.applied == list(range(1, len(self.applied) + 1))

    @invariant()
    def kept_is_what_is_not_known_to_be_applied(self) -> None:
        kept = [control.decode_from_relay(data) for data in self.outbox.replay()]
        assert [m.n for m in kept] == list(range(self.outbox.applied + 1, self.sent + 1))
        assert self.outbox.waiting_bytes == sum(map(len, self.outbox.replay()))


TestStream = Stream.TestCase


def test_a_repetition_is_dropped_and_a_gap_is_an_error() -> None:
    inbox = Inbox()
    assert inbox.admit(1)
    assert not inbox.admit(1)
    for number in (3, 0, -1):
        with pytest.raises(GapError):
            inbox.admit(number)
    assert inbox.applied == 1


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200_000))
def test_the_low_bits_of_a_number_are_enough(waiting: int, applied: int, before: int) -> None:
    outbox = Outbox()
    outbox.last = outbox.applied = before
    for _ in range(waiting):
        outbox.push(Done, 0)
    number = before + min(applied, waiting)
    assert outbox.on_applied_low(number & 0xFFFF)
    assert outbox.applied == number
    assert not outbox.on_applied_low(number - 1 & 0xFFFF) or before == number
    assert outbox.applied == number


def test_a_number_never_sent_changes_nothing() -> None:
    outbox = Outbox()
    outbox.push(Done, 0)
    assert not outbox.on_applied(2)
    assert not outbox.on_applied_low(2)
    assert len(outbox) == 1


def test_more_unapplied_messages_than_the_bound_end_the_session() -> None:
    outbox = Outbox()
    for _ in range(limits.MAX_UNAPPLIED_MESSAGES):
        outbox.push(Done, 1)
    with pytest.raises(BacklogError):
        outbox.push(Done, 1)
    assert outbox.last == limits.MAX_UNAPPLIED_MESSAGES
    outbox.on_applied(1)
    outbox.push(Done, 1)


def test_more_unapplied_bytes_than_the_bound_end_the_session() -> None:
    outbox = Outbox()
    with pytest.raises(BacklogError):  # noqa: PT012 (how many it takes depends on their size)
        while True:
            outbox.push(Event, 0, 2, "big", msgspec.Raw(b"\xc5\x1f\x40" + bytes(8000)), 0)
    assert limits.MAX_UNAPPLIED_BYTES - 9000 < outbox.waiting_bytes <= limits.MAX_UNAPPLIED_BYTES


def test_a_message_above_its_bound_is_not_kept() -> None:
    outbox = Outbox()
    with pytest.raises(WireError):
        outbox.push(PeerLeft, 2, "x" * limits.MAX_CONTROL_BYTES)
    assert (outbox.last, len(outbox)) == (0, 0)
