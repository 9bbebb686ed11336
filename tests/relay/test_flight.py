"""Frames in flight: what acknowledgements say of them, at the ends of the ring and of the 16 bits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.flight import REORDER, RING, Fates, Flight
from relay.table import Ints
from soiree.wire.acks import ReceiveWindow

pytestmark = pytest.mark.usefixtures("both_cores")
ROW = 1
CELLS = 4 * (70_000 + 3 * RING)


def flight() -> Flight:
    table = Flight(4)
    table.open(ROW)
    return table


def depart(table: Flight, seqs: range, now: float = 0.0) -> None:
    for seq in seqs:
        one = np.array([seq])
        table.depart(np.array([ROW]), one, now, np.array([1]), one * 3, one + 1)


def acknowledge(
    table: Flight, next_seq: int, ack: int, mask: int, now: float = 0.05, rto_s: float = 0.15, acked: Ints | None = None
) -> Fates:
    numbers, rto = np.array([0, next_seq]), np.full(2, rto_s)
    said = np.array([ROW]), numbers, np.array([ack & 0xFFFF]), np.array([mask])
    acked = np.zeros(CELLS, np.int64) if acked is None else acked
    return table.acknowledge(*said, rto, now, clients=2, acked=acked)


def arriving(table: Flight, next_seq: int, ack: int, mask: int) -> dict[int, int]:
    """Versions that arrive with this acknowledgement, by cell."""
    acked = np.zeros(CELLS, np.int64)
    acknowledge(table, next_seq, ack, mask, acked=acked)
    return {cell: int(acked[cell]) for cell in np.flatnonzero(acked).tolist()}


@given(st.integers(0, 70_000), st.lists(st.booleans(), min_size=1, max_size=60), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_all_that_arrived_in_the_window_is_known_and_nothing_else(first: int, arrived: list[bool], r: object) -> None:
    table, window = flight(), ReceiveWindow()
    depart(table, range(first, first + len(arrived)))
    for n, came in enumerate(arrived):
        if came:
            window.receive((first + n) & 0xFFFF)
    if window.seq is None:
        return
    acked = np.zeros(CELLS, np.int64)
    fates = acknowledge(table, first + len(arrived), window.seq, window.mask, acked=acked)
    newest = max(n for n, came in enumerate(arrived) if came)
    want = {(first + n) * 3 for n, came in enumerate(arrived) if came and newest - n <= 32}
    assert {cell: acked[cell] for cell in np.flatnonzero(acked).tolist()} == {cell: cell // 3 + 1 for cell in want}
    assert fates.arrived[ROW] == len(want)
    assert not arriving(table, first + len(arrived), window.seq, window.mask)
    assert len(table) == len(arrived) - len(want)


def test_what_was_never_sent_or_long_ago_cannot_be_acknowledged() -> None:
    table = flight()
    depart(table, range(10))
    for ack in (10, 11, 40_000, 65_535):
        assert not arriving(table, 10, ack, 0xFFFFFFFF)
    depart(table, range(10, RING + 10))
    assert not arriving(table, RING + 10, 9, 0xFFFFFFFF)


def test_the_ring_remembers_so_many_frames_and_no_more() -> None:
    table = flight()
    depart(table, range(3 * RING))
    assert len(table) == RING
    table.open(ROW)
    assert len(table) == 0


def test_a_frame_is_lost_when_later_ones_arrived_and_its_time_is_over() -> None:
    table = flight()
    depart(table, range(10))
    early = acknowledge(table, 10, 9, 0b1111_0111, now=0.1)
    assert (early.arrived[ROW], early.lost[ROW]) == (8, 0)
    depart(table, range(10, 11), now=0.2)
    late = acknowledge(table, 11, 10, 0, now=0.25)
    assert (late.arrived[ROW], late.lost[ROW]) == (1, 2)
    assert acknowledge(table, 11, 10, 0, now=0.3).lost[ROW] == 0


def test_the_newest_frames_may_still_come() -> None:
    table = flight()
    depart(table, range(10))
    fates = acknowledge(table, 10, 9, 0, now=9.0)
    assert fates.lost[ROW] == 9 - (REORDER - 1)


def test_a_lost_frame_that_arrives_after_all_still_counts_for_its_records() -> None:
    table = flight()
    depart(table, range(10))
    assert acknowledge(table, 10, 9, 0, now=1.0).lost[ROW] > 0
    assert arriving(table, 10, 9, 1 << 8) == {0: 1}


def test_delay_is_that_of_the_newest_frame_with_the_gap_to_the_next() -> None:
    table = flight()
    depart(table, range(1), now=0.0)
    depart(table, range(1, 2), now=0.2)
    depart(table, range(2, 3), now=0.3)
    fates = acknowledge(table, 3, 1, 1, now=0.7)
    assert fates.delay_clients.tolist() == [ROW]
    np.testing.assert_allclose(fates.delays_s, [0.5])
    np.testing.assert_allclose(fates.gaps_s, [0.1])
    np.testing.assert_allclose(acknowledge(table, 3, 2, 3, now=0.8).gaps_s, [0.5])
    assert acknowledge(table, 3, 2, 3, now=0.9).delay_clients.tolist() == []


def test_a_withdrawn_frame_is_neither_unacknowledged_nor_lost() -> None:
    table = flight()
    depart(table, range(10))
    assert table.unacked(np.array([ROW])).tolist() == [10]
    withdrawn = table.withdraw(ROW, 4)
    assert withdrawn is not None
    assert withdrawn[0].tolist() == [12]
    assert table.withdraw(ROW, 4) is None
    assert table.withdraw(ROW, 4 + RING) is None
    assert table.unacked(np.array([ROW])).tolist() == [9]
    assert acknowledge(table, 10, 9, 0, now=1.0).lost[ROW] == 6
    assert table.unacked(np.array([ROW])).tolist() == [0]
