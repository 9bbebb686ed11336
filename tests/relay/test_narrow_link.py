"""Clients behind narrow links with a busy scene round them: links are used, their queues stay short, near things come first."""

import pytest

from bench.narrow_link import NarrowJob, Stage, profile, run

USED = 0.85
QUEUE_MS = 80.0


def is_near_first(stage: Stage) -> bool:
    """Each band is shown more often than the next one."""
    return stage.hz[0] > 1.1 * stage.hz[1] > 1.1**2 * stage.hz[2] > 0


@pytest.mark.parametrize("loss", [0.0, 0.03])
def test_a_narrow_link_is_used_and_its_queue_stays_short(loss: float) -> None:
    (stage,) = run(NarrowJob((256.0,), 15.0, loss=loss, clients=2))
    print(stage)
    assert stage.used >= USED
    assert stage.queue_ms_mean <= QUEUE_MS
    assert is_near_first(stage)


def test_a_link_that_narrows_and_widens_is_followed() -> None:
    before, narrow, after = run(NarrowJob((512.0, 128.0, 512.0), 15.0, movers=250, clients=1))
    for stage in (before, narrow, after):
        print(stage)
        assert stage.queue_ms_mean <= QUEUE_MS
        assert is_near_first(stage)
    assert before.used >= USED
    assert narrow.used >= USED
    # Some seconds pass until the wide link is found again; in this short stage they weigh more than in the benchmark's 20 s.
    assert after.used >= USED - 0.05


def test_random_loss_does_not_starve_a_link() -> None:
    (stage,) = run(NarrowJob((256.0,), 10.0, loss=0.2, clients=1))
    print(stage)
    assert stage.used >= 0.5
    assert stage.queue_ms_mean <= QUEUE_MS


def test_profiles_are_read() -> None:
    assert profile("1024,128,1024") == (1024.0, 128.0, 1024.0)
    for words in ("", "a", "1,-2", "inf"):
        with pytest.raises(ValueError):
            profile(words)
