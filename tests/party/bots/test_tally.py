"""Counting is exact: gaps, repetitions and repeats of old stamps."""

from party.bots.tally import MAX_LATENCIES, Tally

MS = 1_000_000


def test_only_news_counts_and_only_while_measuring() -> None:
    tally = Tally()
    tally.hear_stamp(1, 10 * MS, 15 * MS)
    tally.measuring = True
    tally.hear_stamp(1, 10 * MS, 90 * MS)
    tally.hear_stamp(1, 60 * MS, 65 * MS)
    tally.hear_stamp(2, 60 * MS, 70 * MS)
    tally.hear_stamp(1, 50 * MS, 80 * MS)
    assert list(tally.latencies_us) == [5000, 10_000]


def test_latencies_are_bounded() -> None:
    tally = Tally(measuring=True)
    tally.latencies_us.extend([1] * MAX_LATENCIES)
    tally.hear_stamp(1, 1, 2)
    assert len(tally.latencies_us) == MAX_LATENCIES


def test_a_whole_row_of_events_is_no_loss() -> None:
    tally = Tally()
    for number in (1, 2, 3):
        tally.hear_event(7, number)
    assert tally.events_lost == 0
    assert tally.missing({7: 3}) == 0


def test_gaps_repetitions_and_what_never_came_are_losses() -> None:
    tally = Tally()
    tally.hear_event(7, 1)
    tally.hear_event(7, 4)
    assert tally.events_lost == 2
    tally.hear_event(7, 4)
    assert tally.events_lost == 3
    assert tally.missing({7: 6, 8: 2}) == 4
