"""The golden vectors in the real engine."""

import json

import pytest

from tests.godot.pack import project
from tests.godot.rig import PROJECTS, ROOT, Godot

pytestmark = pytest.mark.asyncio(loop_scope="session")

VECTORS = ROOT / "tests" / "vectors"
FILES = ("records", "frames", "control", "placed", "malformed")


async def test_every_vector_reads_and_writes_as_in_python(godot: Godot) -> None:
    vectors = {f"vectors/{name}.json": (VECTORS / f"{name}.json").read_bytes() for name in FILES}
    cases = sum(len(json.loads(data)["cases"]) for data in vectors.values())
    game = await godot.run(project(PROJECTS / "vectors") | vectors)
    passed = int((await game.line(r"passed (\d+)"))[1])
    assert [line for line in game.lines if line.startswith("failed")] == []
    assert passed == cases


async def test_playback_shows_the_same_as_in_python(godot: Godot) -> None:
    vectors = (VECTORS / "interpolation.json").read_bytes()
    game = await godot.run(project(PROJECTS / "playback") | {"interpolation.json": vectors})
    passed = int((await game.line(r"passed (\d+)"))[1])
    assert [line for line in game.lines if line.startswith("failed")] == []
    assert passed == len(json.loads(vectors)["cases"])
