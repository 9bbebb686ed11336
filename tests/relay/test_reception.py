"""Receiving: frames that follow each other are numbered at once, with what one by one gives."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from relay.audience import Audience
from relay.reception import Reception, _turns
from soiree.wire.acks import WINDOW
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES

CLIENTS = 3
APPLIED = st.integers(-3, MAX_UNAPPLIED_MESSAGES + 3)
"""Of a client's control messages, how many more than it had told before a frame says that it has applied."""


def audience(newest: list[int], mask: int) -> Audience:
    here = Audience()
    for peer, seq in enumerate(newest, 2):
        row = here.join(peer, 0.0)
        here.newest[row], here.ack_seq[row], here.ack_mask[row] = seq, seq & 0xFFFF, mask
        here.ack_valid[row], here.applied[row] = seq >= 0, 0xFFF0
    return here


def told(of: Audience) -> list[list[int]]:
    return [column.tolist() for column in (of.newest, of.ack_seq, of.ack_mask, of.ack_valid, of.applied)]


@given(
    st.lists(st.sampled_from([0, 5, 0xFFFE, 0xFFFF, 0x1FFFF, 70_000]), min_size=CLIENTS, max_size=CLIENTS),
    st.integers(0, (1 << WINDOW) - 1),
    st.lists(st.tuples(st.integers(1, CLIENTS), APPLIED), max_size=3 * WINDOW),
)
@example([0, 5, 0xFFFF], 0, [(1 + n % 2, n) for n in range(4 * WINDOW)])
def test_frames_in_order_are_received_at_once_as_one_by_one(
    newest: list[int], mask: int, sent: list[tuple[int, int]]
) -> None:
    follows = {row: iter(range(seq + 1, seq + 1000)) for row, seq in enumerate(newest, 1)}
    row = np.array([client for client, _ in sent], np.int64)
    low = np.array([next(follows[client]) & 0xFFFF for client, _ in sent], np.int64)
    applied = np.array([0xFFF0 + more & 0xFFFF for _, more in sent], np.int64)
    one, other = audience(newest, mask), audience(newest, mask)
    slowly = Reception(one)._one_by_one(row, low, applied)
    quickly = Reception(other)._in_order(row, low, applied)
    if any(not 0 <= more <= MAX_UNAPPLIED_MESSAGES for _, more in sent):
        assert quickly is None
        assert told(other) == told(audience(newest, mask))
        return
    assert quickly is not None
    assert [column.tolist() for column in quickly] == [column.tolist() for column in slowly]
    assert told(one) == told(other)


def test_what_does_not_follow_is_left_to_be_received_one_by_one() -> None:
    for newest, low in ((-1, 0), (5, 5), (5, 4), (5, 7), (0xFFFF, 1)):
        here = audience([newest], 0)
        assert Reception(here)._in_order(np.array([1]), np.array([low]), np.array([0xFFF0])) is None
        assert told(here) == told(audience([newest], 0))


def test_each_turn_has_one_frame_of_a_client() -> None:
    assert [turn.tolist() for turn in _turns(np.array([1, 2, 1, 1, 2]))] == [[0, 1], [2, 4], [3]]
