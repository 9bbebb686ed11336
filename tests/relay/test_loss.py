"""From rest to correct on lossy links, owners and receivers behind one each: soon, and nobody is wrong for ever."""

from itertools import pairwise
from random import Random

import pytest

from bench.rest_to_correct import LossJob, LossyRoom, run
from bench.simulated_link import Conditions, Link
from soiree.wire.quantise import Vec3

TRIALS = 500
"""`soiree bench link` runs twenty times as many."""


@pytest.mark.parametrize(
    ("loss", "serve_every", "p99_ms"), [(0.0, 1, 130), (0.05, 1, 250), (0.2, 1, 800), (0.05, 3, 250), (0.2, 3, 800)]
)
def test_views_are_right_soon_after_things_come_to_rest(loss: float, serve_every: int, p99_ms: float) -> None:
    outcome = run(LossJob(TRIALS, loss, serve_every=serve_every))
    print(outcome)
    assert outcome.never == 0
    assert (outcome.trials, outcome.views) == (TRIALS, TRIALS * 19)
    assert abs(outcome.frames_lost - loss) < 0.2 * loss + 1e-9
    assert outcome.correct_ms.p99 <= p99_ms


def test_outages_delay_views_but_leave_none_wrong() -> None:
    outcome = run(LossJob(TRIALS, 0.1, burst_s=0.1))
    print(outcome)
    assert outcome.never == 0
    assert outcome.correct_ms.p99 < 2000


def test_what_an_owner_never_sends_is_found_out() -> None:
    """The measurement can fail: a change that the relay never hears of is counted as wrong for ever."""

    class Forgetful(LossyRoom):
        def _say(self, owner, entity, velocity: Vec3 | None) -> bytes:  # type: ignore[no-untyped-def]
            record = super()._say(owner, entity, velocity)
            if entity == 1 and velocity is None:
                owner.upward.forget(entity)
            return record

    outcome = Forgetful(LossJob(20, clients=3, things=2)).run()
    assert outcome.never > 0
    assert outcome.never % 2 == 0


def test_a_link_delays_reorders_and_loses_as_it_is_told() -> None:
    link = Link(Conditions(0.025, 0.02, 0.2), Random(1))
    arrivals = [link.carry(100, n / 1000) for n in range(10_000)]
    came = [(n / 1000, at) for n, at in enumerate(arrivals) if at is not None]
    assert abs(1 - len(came) / 10_000 - 0.2) < 0.02
    assert all(0.025 <= at - then <= 0.045 for then, at in came)
    assert any(earlier > later for (_, earlier), (_, later) in pairwise(came))


def test_outages_last_as_long_as_they_are_told_and_lose_as_much() -> None:
    link = Link(Conditions(loss=0.2, burst_s=0.05), Random(1))
    lost = [link.carry(100, n / 1000) is None for n in range(200_000)]
    outages = sum(now and not before for before, now in zip([False, *lost], lost, strict=False))
    assert abs(sum(lost) / len(lost) - 0.2) < 0.02
    assert 0.04 < sum(lost) / 1000 / outages < 0.06


def test_a_bottleneck_queues_up_to_its_depth_and_drops_the_rest() -> None:
    link = Link(Conditions(kbit_s=80, queue_s=0.1), Random(1))
    arrivals = [link.carry(1000, 0.0) for _ in range(4)]
    assert arrivals == [pytest.approx(0.1), pytest.approx(0.2), None, None]
    assert (link.overflowed, link.carried_bytes, [wait for _, wait in link.waits]) == (
        2,
        2000,
        [0.0, pytest.approx(0.1)],
    )
    assert link.carry(1000, 0.15) == pytest.approx(0.3)


@pytest.mark.parametrize("wrong", [{"loss": 1.0}, {"loss": -0.1}, {"kbit_s": 0.0}, {"delay_s": -1.0}])
def test_there_are_no_impossible_links(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="no such link"):
        Conditions(**wrong)
