"""The nodes of the addon in the real engine: what games are made of, against a real server and a Python peer."""

import asyncio
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import soiree
from tests.godot.pack import project
from tests.godot.rig import PROJECTS, ROOT, Game, Godot
from tests.party_server import Party, running_party
from tests.system.ways import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
TRANSPORTS = ("websocket", "webrtc")
RED, BLUE = "#ff0000ff", "#0000ffff"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def party(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Party]:
    """One server for all of these tests."""
    async with running_party(tmp_path_factory.mktemp("party")) as running:
        yield running


async def inside(godot: Godot, party: Party, code: str, transport: str = "auto") -> tuple[Game, int]:
    """A game in a room, and its peer's id."""
    game = await godot.run("nodes", driven=True, until="ready")
    peer = await game.call("enter", f"{party.url}/r/{code}", transport)
    assert isinstance(peer, int), peer
    return game, peer


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_is_ours_is_seen_and_what_is_theirs_follows(godot: Godot, party: Party, transport: str) -> None:
    code = await party.another_room()
    game, peer = await inside(godot, party, code, transport)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        cube = await game.call("make", "cube", 1.5, 0, -2)
        await until(lambda: cube in ada.entities, what="Ada sees the cube")
        seen = ada.entities[cube]
        assert (seen.kind, seen.owner, seen.rule, seen.position) == ("cube", peer, "ask", (1.5, 0, -2))
        assert seen.properties == {"Label:text": "nobody's", "Label:modulate": RED, "visible": True}
        assert await game.call("put", cube, 2, 3, -4)
        await game.call("label", cube, "mine")
        await game.call("nod", cube)
        await until(lambda: seen.position == pytest.approx((2, 3, -4), abs=0.004), what="it moves")
        await until(lambda: seen.properties["Label:text"] == "mine", what="its label changes")
        assert seen.properties["Label:modulate"] == BLUE
        await until(lambda: seen.pose is not None and seen.pose.head is not None, what="it nods")

        theirs = await ada.spawn(
            "cube", position=(5, 0, 5), rule="ask", properties={"Label:text": "Ada's", "visible": 1}
        )
        await game.line(rf"saw spawned {theirs.id} cube")
        theirs.set(position=(6, 0, 5))
        async with asyncio.timeout(10):
            while await game.call("where", theirs.id) != pytest.approx([6, 0, 5], abs=0.01):
                pass
        # What the property cannot be is not taken.
        assert await game.call("read", theirs.id) == ["Ada's", "ff0000ff", True, 0]
        await theirs.set_properties({"Label:text": 1, "Label:modulate": "#00ff00", "visible": False})
        async with asyncio.timeout(10):
            while (await game.call("read", theirs.id))[:3] != ["Ada's", "00ff00ff", False]:
                pass
        await theirs.despawn()
        await game.line("saw gone")


async def test_ownership_goes_by_the_rule(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game, peer = await inside(godot, party, code)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        cube = await game.call("make", "cube", 0, 0, 0)
        await until(lambda: cube in ada.entities, what="Ada sees the cube")
        seen = ada.entities[cube]
        with pytest.raises(soiree.RefusedError):
            await seen.request("now!")
        await game.line("saw asked Ada now!")
        await seen.request("please")
        await game.line(rf"saw owner {ada.peer_id} answer")
        assert await game.call("facts", cube) == [ada.peer_id, peer, "ask", "with-master", 0]
        assert not await game.call("put", cube, 9, 9, 9)
        await game.call("set_rule_of", cube, "deny")
        await until(lambda: seen.rule == "deny", what="the rule has changed")
        theirs = await ada.spawn("cube", position=(1, 0, 0), rule="deny")
        await game.line(rf"saw spawned {theirs.id}")
        assert await game.call("ask", theirs.id, "please") == "rule"
        await theirs.set_rule("allow")
        async with asyncio.timeout(10):
            while (await game.call("facts", theirs.id))[2] != "allow":
                pass
        assert await game.call("ask", theirs.id, "") == ""
        assert theirs.owner == peer
        await game.call("remove", cube)
        await game.line("saw gone")
        assert cube not in ada.entities


async def test_a_body_is_moved_by_physics_of_its_owner_alone(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game, _ = await inside(godot, party, code)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        ball = await game.call("make", "ball", 0, 0, 0)
        await until(lambda: ball in ada.entities, what="Ada sees the ball")
        await game.call("push", ball, 2)
        await until(lambda: ada.entities[ball].position[0] > 0.5, what="it rolls")
        assert ada.entities[ball].velocity == pytest.approx((2, 0, 0), abs=0.6)  # a body is damped
        await ada.entities[ball].request()
        await game.line(rf"saw owner {ada.peer_id}")
        assert await game.call("is_frozen", ball)
        ada.entities[ball].set(position=(-3, 0, 0), teleport=True)
        async with asyncio.timeout(10):
            while await game.call("where", ball) != pytest.approx([-3, 0, 0], abs=0.01):
                pass
        assert await game.call("ask", ball, "") == ""
        assert not await game.call("is_frozen", ball)


async def test_what_rides_goes_along(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game, _ = await inside(godot, party, code)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        car = await ada.spawn("cube", position=(10, 0, 0), attach_rule="allow")
        await game.line(rf"saw spawned {car.id}")
        rider = await game.call("make", "cube", 11, 1, 0)
        assert await game.call("ride", rider, car.id) == ""
        assert (await game.call("facts", rider))[4] == car.id
        assert ada.entities[rider].parent == car.id
        await until(lambda: ada.entities[rider].position == pytest.approx((1, 1, 0), abs=0.01), what="it sits")
        await game.call("put", rider, 10, 2, 0)
        await until(lambda: ada.entities[rider].position == pytest.approx((0, 2, 0), abs=0.01), what="it moves inside")
        car.set(position=(20, 0, 0), teleport=True)
        async with asyncio.timeout(10):
            while await game.call("where", rider) != pytest.approx([20, 2, 0], abs=0.01):
                pass
        assert ada.entities[rider].position == pytest.approx((0, 2, 0), abs=0.01)
        assert await game.call("ride", rider, 0) == ""
        await until(lambda: ada.entities[rider].parent == 0, what="it gets out")


async def test_far_from_the_origin_nothing_is_lost(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game, _ = await inside(godot, party, code)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        cube = await game.call("make", "cube", 1, 2, 3)
        await game.call("go_far", 1_000_000)
        assert any(line.startswith("saw shift (64000000") for line in game.lines)
        # What is ours has stayed where it was: so far behind.
        assert await game.call("where", cube) == pytest.approx([1 - 64e6, 2, 3], abs=4)
        await game.call("remove", cube)
        await game.line("saw gone")
        near = await ada.spawn("cube", position=(64e6 + 0.125, 0, 0))
        await game.line(rf"saw spawned {near.id}")
        assert await game.call("where", near.id) == pytest.approx([0.125, 0, 0], abs=0.004)


async def test_one_may_chat_settle_and_leave(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game, _ = await inside(godot, party, code)
    assert await game.call("settle") == [True, 1]
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        things = [await ada.spawn("cube", position=(n, 0, 0)) for n in range(20)]
        await ada.send_event("chat", {"text": "Grüße"})
        await game.line("saw chat Ada Grüße")
        assert await game.call("settle") == [True, 2]
        assert await game.call("count") == len(things)
        assert await game.call("say", "hello") == ""
        assert await game.call("go") == "gone"
        assert await game.call("count") == 0
        await until(lambda: len(ada.peers) == 1, what="Ada is alone")


async def test_of_several_who_bring_the_one_thing_one_does(godot: Godot, party: Party) -> None:
    game, _ = await inside(godot, party, await party.another_room())
    assert await game.call("make_once", "cube")
    assert not await game.call("make_once", "cube")
    assert await game.call("count") == 1
    assert not any("refused" in line for line in game.lines)


async def test_what_has_no_scene_is_refused(godot: Godot, party: Party) -> None:
    game, _ = await inside(godot, party, await party.another_room())
    assert await game.call("make", "dragon", 0, 0, 0) == 0
    assert json.dumps(game.lines).count("saw refused dragon no-scene") == 1


async def test_a_game_may_call_its_own_classes_what_it_likes(godot: Godot, party: Party) -> None:
    """Classes with a name are seen everywhere, also by scripts that call something of theirs the same."""
    scripts = "".join(path.read_text() for path in (ROOT / "godot" / "addons").rglob("*.gd"))
    named = re.findall(r"^\t*(?:const (\w+) := preload|class (\w+):|enum (\w+))", scripts, re.MULTILINE)
    taken = {name for names in named for name in names if name}
    assert {name for name in taken if not name.startswith("Soiree")} == set()
    own = {name.removeprefix("Soiree") for name in taken}
    files = project(PROJECTS / "nodes") | {f"own/{n.lower()}.gd": f"class_name {n}\n".encode() for n in sorted(own)}
    game = await godot.run(files, driven=True, until="ready")
    assert isinstance(await game.call("enter", f"{party.url}/r/{await party.another_room()}", "auto"), int)
    assert await game.call("make", "cube", 0, 0, 0)
