"""Clients: numbers that wrap, rates, rows that are used again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.audience import STATE_FRAMES_BURST, Audience, Inbound
from relay.table import TableFullError
from soiree.wire.acks import ReceiveWindow
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES, STATE_FRAMES_PER_S


@pytest.mark.parametrize("newest", [0, 5, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("ahead", [0, 1, 32_767, -1, -32_768])
def test_frame_numbers_unwrap_to_the_nearest(newest: int, ahead: int) -> None:
    assert Inbound(7, 1, 0.0, newest=newest).unwrap((newest + ahead) & 0xFFFF) == newest + ahead


@given(st.lists(st.integers(-40, 40) | st.integers(-70_000, 70_000) | st.just(1), max_size=40))
@settings(max_examples=200, deadline=None)
def test_each_frame_is_received_once_under_the_number_that_a_plain_window_gives_it(steps: list[int]) -> None:
    inbound, window, at, newest = Inbound(7, 1, 0.0), ReceiveWindow(), 65_500, -1
    for step in steps:
        at = max(at + step, 0)
        seq = inbound.unwrap(at & 0xFFFF)
        new = window.receive(at & 0xFFFF)
        assert inbound.receive(at & 0xFFFF) == (seq if new else None)
        newest = max(newest, seq) if new else newest
        assert (inbound.newest, inbound.window.seq, inbound.window.mask) == (newest, window.seq, window.mask)


@pytest.mark.parametrize("known", [0, 65_530, 131_072])
def test_control_numbers_unwrap_forward_as_far_as_can_be_unapplied(known: int) -> None:
    inbound = Inbound(7, 1, 0.0, applied=known)
    for ahead in (0, 1, MAX_UNAPPLIED_MESSAGES, -1, -40_000):
        assert inbound.unwrap_applied((known + ahead) & 0xFFFF) == known + ahead


def test_frames_come_back_at_their_rate_up_to_the_burst() -> None:
    inbound = Inbound(7, 1, 100.0, frames=0.0)
    inbound.refill(100.5)
    assert inbound.frames == STATE_FRAMES_PER_S / 2
    inbound.refill(100.4)
    assert (inbound.frames, inbound.at) == (STATE_FRAMES_PER_S / 2, 100.5)
    inbound.refill(200.0)
    assert inbound.frames == STATE_FRAMES_BURST


def test_frames_after_a_fresh_hello_are_newer_than_all_before() -> None:
    audience = Audience()
    audience.join(7, 0.0)
    inbound = audience.inbound(7)
    assert inbound is not None
    inbound.newest = inbound.unwrap(65_535)
    before = inbound.newest
    audience.reset(7)
    again = audience.inbound(7)
    assert again is not None
    assert again.unwrap(0) > before + 0x8000


def test_a_reset_keeps_what_belongs_to_the_client_and_not_to_its_memory() -> None:
    audience = Audience()
    row = audience.join(7, 0.0)
    audience.rtt_s[row], audience.view[row], audience.applied[row], audience.next_seq[row] = 0.3, (1, 2, 3), 9, 40
    audience.reset(7)
    assert audience.row(7) == row
    assert audience.rtt_s[row] == 0.3
    assert audience.view[row].tolist() == [1, 2, 3]
    assert (audience.applied[row], audience.next_seq[row], audience.peer[row]) == (0, 0, 7)


def test_rows_are_used_again_and_bounded() -> None:
    audience = Audience(bound=100)
    for peer in range(2, 102):
        audience.join(peer, 0.0)
    with pytest.raises(TableFullError):
        audience.join(500, 0.0)
    with pytest.raises(ValueError, match="already"):
        audience.join(50, 0.0)
    row = audience.leave(50)
    assert audience.peer[row] == 0
    assert audience.join(500, 0.0) == row
    assert 50 not in audience
    with pytest.raises(KeyError):
        audience.row(50)
