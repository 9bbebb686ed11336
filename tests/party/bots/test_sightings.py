"""Lateness is measured from the approach to the first true sight, and what is never seen is not forgotten."""

import numpy as np
import pytest

from party.bots.sightings import FRESH_S, MARGIN_M, RADIUS_M, Places, Sightings, is_fresh

WITHIN = RADIUS_M - MARGIN_M - 1
EDGE = RADIUS_M - MARGIN_M / 2
OUT = RADIUS_M + 1


class Road:
    """One eye at the origin, and one thing at a distance."""

    def __init__(self) -> None:
        self.sightings = Sightings(2)
        self.seen = False
        self.asked = 0

    def at(self, now_s: float, far_m: float, *, seen: bool) -> None:
        eyes: Places = np.array([[0.0, 0.0], [np.nan, np.nan]])
        things: Places = np.array([[np.nan, np.nan], [far_m, 0.0]])
        self.seen = seen
        self.sightings.observe(now_s, eyes, things, self._sees)

    def _sees(self, eye: int, thing: int) -> bool:
        assert (eye, thing) == (0, 1)
        self.asked += 1
        return self.seen


def test_what_is_seen_at_once_is_not_late() -> None:
    road = Road()
    road.at(0.0, OUT, seen=False)
    road.at(1.0, WITHIN, seen=True)
    assert road.sightings.late_s == [0.0]


def test_lateness_begins_with_the_approach() -> None:
    road = Road()
    for now_s, far_m, seen in ((0.0, OUT, False), (1.0, WITHIN, False), (1.5, WITHIN - 5, False), (2.25, 50, True)):
        road.at(now_s, far_m, seen=seen)
    assert road.sightings.late_s == [1.25]
    assert road.sightings.never == 0


def test_what_was_near_from_the_beginning_was_not_approached() -> None:
    road = Road()
    for now_s in range(5):
        road.at(now_s, WITHIN, seen=False)
    assert road.asked == 0


def test_nobody_is_held_to_what_happens_at_the_edge() -> None:
    road = Road()
    for now_s, far_m in enumerate((OUT, EDGE, OUT, EDGE, WITHIN, EDGE, WITHIN, EDGE)):
        road.at(now_s, far_m, seen=now_s > 4)
    assert road.sightings.late_s == [1.0], "coming closer again, never having been out of reach, is no approach"


def test_each_approach_counts() -> None:
    road = Road()
    for now_s, far_m in enumerate((OUT, WITHIN, OUT, WITHIN, OUT, WITHIN)):
        road.at(now_s, far_m, seen=True)
    assert road.sightings.late_s == [0.0, 0.0, 0.0]


def test_what_goes_again_unseen_counts_with_its_time() -> None:
    road = Road()
    for now_s, far_m in enumerate((OUT, WITHIN, WITHIN, OUT)):
        road.at(now_s, far_m, seen=False)
    assert (road.sightings.late_s, road.sightings.never) == ([2.0], 1)


@pytest.mark.parametrize(("ends_s", "late_s"), [(1.0 + FRESH_S / 2, []), (4.0, [3.0])])
def test_what_is_unseen_at_the_end_counts_unless_it_has_just_come(ends_s: float, late_s: list[float]) -> None:
    road = Road()
    road.at(0.0, OUT, seen=False)
    road.at(1.0, WITHIN, seen=False)
    assert road.sightings.awaits(0, 1)
    road.sightings.end(ends_s)
    assert (road.sightings.late_s, road.sightings.never) == (late_s, len(late_s))
    assert not road.sightings.awaits(0, 1)


def test_nobody_approaches_his_own() -> None:
    sightings = Sightings(1)
    for now_s, far_m in enumerate((OUT, WITHIN)):
        sightings.observe(now_s, np.zeros((1, 2)), np.array([[far_m, 0.0]]), lambda _eye, _thing: True)
    assert sightings.late_s == []


def test_fresh_is_where_it_was_half_a_second_ago() -> None:
    assert is_fresh(0.0, 0.0)
    assert is_fresh(15.9, 30.0)
    assert not is_fresh(16.1, 30.0)
    assert not is_fresh(1.1, 0.0)
