"""What arrived is counted once, for those it was meant for, and dated from when it was sent."""

import numpy as np
import pytest

from bench.tally import Heard, Tally
from bench.walkers import UPDATES


def heard(*arrivals: tuple[int, int, int, float]) -> Heard:
    listener, walker, update, at_s = (np.array(column) for column in zip(*arrivals, strict=True))
    return Heard(listener, walker, update, at_s.astype(np.float64))


def tally(walkers: int = 3, first: int = 10, last: int = 11) -> Tally:
    made = Tally(walkers, first, last)
    for walker in range(walkers):
        for update in range(first - 1, last + 2):
            made.sent(walker, update, update + walker / 10)
    return made


def test_each_update_is_expected_once_by_each_other() -> None:
    assert tally().counts().expected == 3 * 2 * 2


def test_the_first_arrival_counts_and_its_latency() -> None:
    room = tally()
    room.hear(heard((0, 1, 10, 10.35), (0, 1, 10, 10.5), (2, 1, 11, 11.2)))
    room.hear(heard((0, 1, 10, 10.9)))
    counts = room.counts()
    assert (counts.delivered, counts.repeated) == (2, 2)
    assert counts.latencies_s.tolist() == pytest.approx([0.25, 0.1])


def test_ones_own_and_what_lies_outside_of_the_window_do_not_count() -> None:
    room = tally()
    room.hear(heard((1, 1, 10, 10.2), (0, 1, 9, 10.2), (0, 1, 12, 12.5), (0, 7, 10, 10.2), (0, -1, 10, 10.2)))
    assert room.counts().delivered == 0


def test_updates_that_were_never_sent_or_come_before_they_are_do_not_count() -> None:
    room = Tally(2, 10, 11)
    room.sent(0, 10, 5.0)
    room.hear(heard((1, 0, 11, 6.0), (1, 0, 10, 4.9)))
    assert room.counts().delivered == 0
    assert room.counts().expected == 1


def test_a_window_may_lie_across_the_turn_of_directions() -> None:
    room = Tally(2, UPDATES - 1, UPDATES)
    room.sent(0, UPDATES, 1.0)
    room.hear(heard((1, 0, 0, 1.5)))
    assert room.counts().delivered == 1


def test_a_window_that_directions_cannot_tell_apart_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        Tally(2, 0, UPDATES)


def test_percentiles_are_milliseconds_and_none_without_arrivals() -> None:
    room = tally()
    assert room.counts().percentile_ms(50) is None
    room.hear(heard((0, 1, 10, 10.2)))
    assert room.counts().percentile_ms(99) == pytest.approx(100.0)
