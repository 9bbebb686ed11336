"""Rates are told apart by who is near, and who came near or left in between counts for neither."""

import numpy as np

from party.bots.rates import NEAREST, Rates, Spread, nearest
from party.bots.sightings import Places


def row(count: int) -> Places:
    return np.column_stack([np.arange(count, dtype=np.float64), np.zeros(count)])


def test_the_nearest_are_those_and_never_oneself() -> None:
    near = nearest(row(NEAREST + 5))
    assert near.sum(1).tolist() == [NEAREST] * (NEAREST + 5)
    assert not near.diagonal().any()
    assert near[0].nonzero()[0].tolist() == list(range(1, NEAREST + 1))


def test_in_a_small_crowd_all_are_near() -> None:
    rates = Rates()
    rates.add(row(4), row(4), np.full((4, 4), 100), 5.0)
    assert Spread.of(rates.nearest_hz) == Spread(20.0, 20.0, 20.0)
    assert Spread.of(rates.others_hz) == Spread(None, None, None)


def test_near_and_far_are_told_apart() -> None:
    count = NEAREST + 10
    places = row(count)
    counts = np.where(nearest(places), 100, 10)
    rates = Rates()
    rates.add(places, places, counts, 5.0)
    assert Spread.of(rates.nearest_hz).min == 20.0
    assert Spread.of(rates.others_hz) == Spread(2.0, 2.0, 2.0)
    assert sum(map(len, rates.nearest_hz + rates.others_hz)) == count * (count - 1)


def test_who_changes_sides_is_left_out() -> None:
    before, after = row(NEAREST + 2), row(NEAREST + 2)
    after[[1, -1]] = after[[-1, 1]]
    rates = Rates()
    rates.add(before, after, np.ones((NEAREST + 2, NEAREST + 2), dtype=np.int64), 1.0)
    assert len(rates.nearest_hz[0]) < (NEAREST + 2) * NEAREST
    assert len(rates.nearest_hz[0]) + len(rates.others_hz[0]) < (NEAREST + 2) * (NEAREST + 1)
