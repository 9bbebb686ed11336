"""Figures are right, and say so where there are none."""

from party.bots.rates import Spread
from party.bots.report import CityFigures, Down, Percentiles, Report, VrFigures, merged

NOTHING = Percentiles(None, None, None)


def report(figures: CityFigures | VrFigures | None, **changed: object) -> Report:
    fields: dict[str, object] = {
        "joined": 2, "failed": 0, "join_ms": NOTHING, "seconds": 1.0, "updates_sent": 1, "updates_received": 1,
        "latency_ms": NOTHING, "kbit_s_down_per_client": 1.0, "kbit_s_down_with_headers": Down.of([]), "events_sent": 0, "control_lost": 0,
        "converged": True, "differences": 0, "late_ticks": None, "longest_late_streak": None, "rung": {}, "grants": 0, "refusals": {},
        "errors": {}, "cpu_share": 0.1, "saturated": False, "loop_late_ms": NOTHING, "figures": figures,
    }  # fmt: skip
    return Report(**(fields | changed))  # type: ignore[arg-type]  # a table of all fields


def test_percentiles_of_nothing_are_nothing() -> None:
    assert Percentiles.of([]) == NOTHING
    assert Percentiles.of(merged([[1000, 2000], [3000]])) == Percentiles(2.0, 2.98, 3.0)


def test_the_busiest_and_the_median_client_are_told() -> None:
    assert Down.of([]) == Down(None, None)
    assert Down.of([100.0, 300.04, 200.0]) == Down(200.0, 300.0)


def test_a_plays_own_figures_stand_beside_the_others() -> None:
    plain = report(VrFigures(Spread(1.0, 2.0, 3.0), Spread(None, None, None))).as_dict()
    assert plain["hz_nearest_20"] == {"min": 1.0, "p5": 2.0, "p50": 3.0}
    assert plain["joined"] == 2
    assert "figures" not in plain
    assert "hz_nearest_20" not in report(None).as_dict()


def test_only_a_run_in_which_nothing_went_wrong_is_sound() -> None:
    assert report(None).sound
    for fault in ({"failed": 1}, {"joined": 0}, {"control_lost": 1}, {"converged": False}):
        assert not report(None, **fault).sound
