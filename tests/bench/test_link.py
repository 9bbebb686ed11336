"""`soiree bench link` tells what its simulations found, as tables and as JSON."""

import msgspec
import pytest
from click.testing import CliRunner

from bench.link import link
from bench.narrow_link import Stage
from bench.rest_to_correct import LossOutcome


def said(*words: str) -> str:
    result = CliRunner().invoke(link, words)
    assert result.exit_code == 0, result.output
    return result.output


def test_lossy_links_are_told_as_json_and_the_same_seed_tells_the_same() -> None:
    words = ("--loss", "0.2", "--trials", "20", "--json")
    outcome = msgspec.json.decode(said(*words), type=LossOutcome)
    assert (outcome.trials, outcome.never) == (20, 0)
    assert 50 < outcome.correct_ms.p50 <= outcome.correct_ms.p99 <= outcome.correct_ms.max
    assert msgspec.json.decode(said(*words), type=LossOutcome) == outcome
    assert msgspec.json.decode(said(*words, "--seed", "2"), type=LossOutcome) != outcome


def test_narrow_links_are_told_as_json() -> None:
    words = ("--profile", "256,64", "--stage-s", "1", "--movers", "40", "--json")
    stages = msgspec.json.decode(said(*words), type=list[Stage])
    assert [stage.kbit_s for stage in stages] == [256, 64]


def test_tables_name_what_they_tell() -> None:
    assert "wrong for ever: 0" in said("--trials", "5")
    assert "A busy scene" in said("--kbit-s", "256", "--stage-s", "1", "--movers", "20")


@pytest.mark.parametrize("words", ["x", "1,-1", ""])
def test_what_is_no_profile_is_refused(words: str) -> None:
    result = CliRunner().invoke(link, ["--profile", words])
    assert result.exit_code == 2
    assert "1024,128,1024" in result.output
