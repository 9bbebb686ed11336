"""The demo in the official engine, with the browser's SDK and a Python bot: what a party is, over each transport."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

import soiree
from soiree.client.ladder import Choice
from tests.godot.pack import project
from tests.godot.rig import ROOT, Godot
from tests.party_server import Party, running_party
from tests.system.ways import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
PROBE = ROOT / "tests" / "godot" / "probe.gd"
AGREE_TRIES = 100
Thing = tuple[str, int, int, float, float, float]
"""Kind, owner, parent, and where it is in the world."""
IN_A_PAGE = """
async ({url, room, transport}) => {
    const { join } = await import(url + "/static/soiree/index.js");
    window.room = await join({ url, room, name: "Eve", transport });
    window.room.on("refused", () => {});
    window.me = await window.room.spawn("avatar", { position: [1, 0, 1] });
    return window.room.peerId;
}
"""
THINGS_OF_A_PAGE = """
() => Object.fromEntries([...window.room.entities.values()].map((e) =>
    [e.id, [e.kind, e.owner, e.parentId, ...e.worldPosition()]]))
"""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def party(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Party]:
    """One server for all of these tests."""
    async with running_party(tmp_path_factory.mktemp("party")) as running:
        yield running


def played() -> dict[str, bytes]:
    """The demo with the probe as its scene's script."""
    files = project(ROOT / "godot")
    files["probe.gd"] = PROBE.read_bytes()
    files["demo/party.tscn"] = files["demo/party.tscn"].replace(b"res://demo/party.gd", b"res://probe.gd")
    return files


def things_of(room: soiree.Room) -> dict[int, Thing]:
    """What a Python client knows."""
    return {e.id: (e.kind, e.owner, e.parent, *e.world_transform().position) for e in room.entities.values()}


async def agree(*views: Callable[[], Any]) -> dict[int, Thing]:
    """Wait until all know the same things, in the same hands, in the same places; what they know."""
    told: list[dict[int, Thing]] = []
    for _ in range(AGREE_TRIES):
        told = [{int(key): tuple(thing) for key, thing in (await view()).items()} for view in views]
        if all(_is_same(told[0], other) for other in told[1:]):
            return told[0]
        await asyncio.sleep(0.1)
    raise AssertionError(f"they do not agree: {told}")


def _is_same(one: dict[int, Thing], other: dict[int, Thing]) -> bool:
    return one.keys() == other.keys() and all(
        one[key][:3] == other[key][:3] and math.dist(one[key][3:], other[key][3:]) < 0.02 for key in one
    )


TRANSPORTS: tuple[Choice, ...] = ("webrtc", "websocket")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_party(godot: Godot, party: Party, transport: Choice) -> None:
    code = await party.another_room()
    game = await godot.run(played(), addon=False, driven=True, until="ready")
    await game.call("set", "transport", transport)
    assert await game.call("go_in", f"{party.url}/r/{code}", "Ann") == ""
    page = await game.page.context.new_page()
    await page.goto(f"{party.url}/doctor")
    async with soiree.join(party.url, room=code, name="Bob", transport=transport) as bob:
        bobs = await bob.spawn("avatar", position=(-1, 0, 1))
        eve: int = await page.evaluate(IN_A_PAGE, {"url": party.url, "room": code, "transport": transport})

        async def bob_knows() -> dict[int, Thing]:
            return things_of(bob)

        async def eve_knows() -> dict[int, Thing]:
            told: dict[int, Thing] = await page.evaluate(THINGS_OF_A_PAGE)
            return told

        async def ann_knows() -> dict[int, Thing]:
            told: dict[int, Thing] = await game.call("things")
            return told

        everybody = (bob_knows, eve_knows, ann_knows)
        known = await agree(*everybody)
        kinds = sorted(thing[0] for thing in known.values())
        assert kinds == ["avatar"] * 3 + ["ball", "ball", "box", "gun", "statue", "vehicle"]
        assert await game.call("people") == ["Ann", "Bob", "Eve"]
        rungs = {str(bob.transport), (await game.call("stats"))["rung"], await page.evaluate("room.stats().transport")}
        assert rungs == {transport}

        # A ball is thrown by Ann, then taken and thrown by Bob.
        ball = next(key for key, thing in known.items() if thing[0] == "ball")
        before = known[ball][3:]
        assert await game.call("take_it", ball) == ""
        await game.call("throw_it")
        await until(
            lambda: math.dist(bob.entities[ball].world_transform().position, before) > 3, what="the ball flies for Bob"
        )
        await bob.entities[ball].request()
        bob.entities[ball].set(position=(0, 3, 0), velocity=(2, 0, 0))
        await asyncio.sleep(0.2)
        bob.entities[ball].set(position=(0.4, 3, 0))
        known = await agree(*everybody)
        assert known[ball][1] == bob.peer_id

        # The gun: Bob is refused, Eve gets it. The statue nobody gets.
        gun = next(key for key, thing in known.items() if thing[0] == "gun")
        asking = asyncio.create_task(bob.entities[gun].request("now!"))
        assert await game.call("say_to_ask", False) == "Bob gun"
        with pytest.raises(soiree.RefusedError):
            await asking
        granted = asyncio.create_task(page.evaluate("(gun) => room.entities.get(gun).request('please')", gun))
        assert await game.call("say_to_ask", True) == "Eve gun"
        await granted
        statue = next(key for key, thing in known.items() if thing[0] == "statue")
        with pytest.raises(soiree.RefusedError):
            await bob.entities[statue].request()
        known = await agree(*everybody)
        assert (known[gun][1], known[statue][1]) == (eve, known[statue][1])

        # Ann drives, Eve sits beside her.
        car = next(key for key, thing in known.items() if thing[0] == "vehicle")
        assert await game.call("board_it", car) == ""
        await page.evaluate("(car) => me.setParent(room.entities.get(car), { position: [0.45, 0.1, 0.2] })", car)
        before = known[car][3:]
        await game.call("steer", 1, 0.2)
        await until(
            lambda: math.dist(bob.entities[car].world_transform().position, before) > 5, what="the car drives for Bob"
        )
        await game.call("steer", 0, 0)
        known = await agree(*everybody)
        aboard = [thing for thing in known.values() if thing[2] == car]
        assert {thing[1] for thing in aboard} == {eve, known[car][1]}
        assert all(math.dist(thing[3:], known[car][3:]) < 1 for thing in aboard)
        assert (await game.call("shown", bobs.id)) == pytest.approx([-1, 0, 1], abs=0.01)
    await _leave(page)


async def _leave(page: Page) -> None:
    await page.evaluate("room.leave()")
    await page.close()
