"""The receive window tells exactly the frames of its reach, against a set that remembers everything."""

from hypothesis import given
from hypothesis import strategies as st

from soiree.wire.acks import WINDOW, ReceiveWindow, is_acked, is_newer

ALL = range(1 << 16)


@given(st.integers(0, 0xFFFF), st.lists(st.integers(-40, 40), max_size=200))
def test_a_window_acknowledges_what_came_and_nothing_else(start: int, steps: list[int]) -> None:
    window, received, newest = ReceiveWindow(), set[int](), start
    for at in [start, *(start + step + i // 2 for i, step in enumerate(steps))]:
        fresh = window.receive(at & 0xFFFF)
        if received and at < newest - WINDOW:
            assert not fresh
        else:
            assert fresh == (at not in received)
            received.add(at)
            newest = max(newest, at) if len(received) > 1 else at
    assert window.seq == newest & 0xFFFF
    expected = {at & 0xFFFF for at in received if at >= newest - WINDOW}
    assert {seq for seq in ALL if is_acked(seq, window.seq, window.mask)} == expected


@given(st.integers(0, 0xFFFF), st.integers(1, 0x7FFF))
def test_newer_is_told_across_the_wrap(seq: int, ahead: int) -> None:
    assert is_newer((seq + ahead) & 0xFFFF, seq)
    assert not is_newer(seq, (seq + ahead) & 0xFFFF)
    assert not is_newer(seq, seq)


def test_a_leap_past_the_window_forgets_what_lies_before() -> None:
    window = ReceiveWindow()
    window.receive(0)
    assert window.receive(WINDOW)
    assert {seq for seq in ALL if is_acked(seq, WINDOW, window.mask)} == {0, WINDOW}
    assert window.receive(1000)
    assert window.mask == 0
    assert not window.receive(1000 - WINDOW - 1)
