"""Clients: numbers that wrap, rates, rows that are used again."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.audience import Audience
from relay.reception import Ingested, Reception
from relay.table import TableFullError
from soiree.wire.acks import ReceiveWindow
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES, STATE_FRAMES_BURST, STATE_FRAMES_PER_S
from tests.relay.records import frame

pytestmark = pytest.mark.usefixtures("both_cores")


class Listener:
    """One client's frames, as they are received."""

    def __init__(self, now: float = 0.0) -> None:
        self.audience = Audience()
        self.row = self.audience.join(7, now)
        self.told = Ingested()

    def receive(self, *seqs: int, applied: int = 0, now: float = 0.0) -> list[tuple[int, int]]:
        """(number, control number applied), both unwrapped, of those that are new."""
        self.told = Ingested()
        frames = [(7, frame(seq & 0xFFFF, 0, applied=applied & 0xFFFF)) for seq in seqs]
        received = Reception(self.audience).receive(frames, now, self.told)
        return list(zip(received.seq.tolist(), received.applied.tolist(), strict=True))


@pytest.mark.parametrize("newest", [0, 5, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("ahead", [1, 32_767, -1, -32])
def test_frame_numbers_unwrap_to_the_nearest(newest: int, ahead: int) -> None:
    listener = Listener()
    listener.audience.newest[listener.row] = newest
    assert listener.receive(newest + ahead) == [(newest + ahead, 0)]


@pytest.mark.parametrize("behind", [0, 33, 32_768])
def test_frames_that_are_too_old_to_tell_count_as_repeated(behind: int) -> None:
    listener = Listener()
    listener.audience.newest[listener.row] = 200_000
    assert listener.receive(200_000 - behind) == []
    assert listener.told.drops == {"stale": 1}


@given(
    st.lists(st.integers(-40, 40) | st.integers(-70_000, 70_000) | st.just(1), max_size=40), st.lists(st.integers(1, 7))
)
@settings(max_examples=200, deadline=None)
def test_each_frame_is_received_once_under_the_number_that_a_plain_window_gives_it(
    steps: list[int], batches: list[int]
) -> None:
    listener, window, at, newest = Listener(), ReceiveWindow(), 65_500, -1
    while steps:
        batch, expected = [], []
        for step in steps[: (count := batches.pop() if batches else 3)]:
            at = max(at + step, 0)
            batch.append(at)
            seq = at & 0xFFFF if newest < 0 else newest + ((at - newest + 0x8000) & 0xFFFF) - 0x8000
            if window.receive(at & 0xFFFF):
                expected.append((seq, 0))
                newest = max(newest, seq)
        del steps[:count]
        assert listener.receive(*batch) == expected
        audience, row = listener.audience, listener.row
        assert (audience.newest[row], audience.ack_seq[row]) == (newest, window.seq)
        assert (audience.ack_mask[row], audience.ack_valid[row]) == (window.mask, True)


@pytest.mark.parametrize("known", [0, 65_530, 131_072])
def test_control_numbers_unwrap_forward_as_far_as_can_be_unapplied(known: int) -> None:
    listener = Listener()
    for seq, ahead in enumerate((0, 1, MAX_UNAPPLIED_MESSAGES, -1, -40_000)):
        listener.audience.applied[listener.row] = known
        assert listener.receive(seq, applied=known + ahead) == [(seq, known + ahead)]
        assert listener.told.control_applied == ({7: known + ahead & 0xFFFF} if ahead > 0 else {})
        assert listener.audience.applied[listener.row] == max(known, known + ahead)


def test_a_late_frame_tells_no_progress() -> None:
    listener = Listener()
    assert listener.receive(4, 3, applied=5) == [(4, 5), (3, 5)]
    assert listener.receive(2, applied=9) == [(2, 9)]
    assert listener.told.control_applied == {}


def test_frames_come_back_at_their_rate_up_to_the_burst() -> None:
    listener = Listener(100.0)
    assert len(listener.receive(*range(600), now=100.0)) == STATE_FRAMES_BURST
    assert listener.told.drops == {"rate": 600 - STATE_FRAMES_BURST}
    assert len(listener.receive(*range(600, 800), now=100.5)) == STATE_FRAMES_PER_S / 2
    assert listener.receive(800, now=100.4) == []
    assert len(listener.receive(*range(1000, 2000), now=200.0)) == STATE_FRAMES_BURST


def test_frames_after_a_fresh_hello_are_newer_than_all_before() -> None:
    listener = Listener()
    [(before, _)] = listener.receive(65_535)
    listener.audience.reset(7)
    [(after, _)] = listener.receive(0)
    assert after > before + 0x8000


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
