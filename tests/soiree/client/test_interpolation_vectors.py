"""The vectors of tests/vectors/interpolation.json, which the JavaScript SDK runs too."""

import json
from typing import Any

import pytest

from soiree.client.interpolation import Playback
from soiree.client.motion import Sample
from soiree.wire.records import Transform
from tests.vectors import make_interpolation

CASES = json.loads(make_interpolation.FILE.read_text(encoding="utf-8"))["cases"]
NEAR = 1e-6


def transform(fields: dict[str, Any]) -> Transform:
    return Transform(tuple(fields["position"]), tuple(fields["rotation"]), tuple(fields["velocity"]))


def sample(fields: dict[str, Any]) -> Sample:
    there = transform(fields)
    return Sample(fields["at_s"], fields["parent"], there.position, there.rotation, there.velocity, jump=fields["jump"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_shown_is_what_the_vector_says(case: dict[str, Any]) -> None:
    first, *steps = case["steps"]
    playback = Playback(sample(first["add"]))
    for step in steps:
        if "add" in step:
            playback.add(sample(step["add"]), step["add"]["arrived_s"])
            continue
        asked, expected = step["play"], transform(step["shown"])
        parents = {int(key): transform(fields) for key, fields in asked["parents"].items()}
        shown = playback.play(asked["now"], asked["relay_s"], parents.get)
        assert playback.delay_s == pytest.approx(step["delay_s"], abs=NEAR)
        assert shown.position == pytest.approx(expected.position, abs=NEAR)
        assert shown.velocity == pytest.approx(expected.velocity, abs=NEAR)
        dot = sum(a * b for a, b in zip(shown.rotation, expected.rotation, strict=True))
        assert abs(dot) == pytest.approx(1.0, abs=NEAR)


def test_the_file_holds_what_its_maker_writes() -> None:
    """Names and inputs to the letter; outputs may differ in the last digits from one mathematical library to another."""
    made = list(make_interpolation.cases())
    assert [case["name"] for case in made] == [case["name"] for case in CASES]
    for case, kept in zip(made, CASES, strict=True):
        told = [step.get("add") or step["play"] for step in case["steps"]]
        assert json.loads(json.dumps(told)) == [step.get("add") or step["play"] for step in kept["steps"]]
