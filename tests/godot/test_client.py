"""The client layer of the addon in the real engine, with a real server and Python peers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

import soiree
from tests.godot.rig import Game, Godot
from tests.party_server import Party, running_party
from tests.system.ways import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
TRANSPORTS = ("websocket", "webrtc")


class Cable:
    """A way to a server that can be cut.

    Attributes:
        url: of the server by this way.
    """

    def __init__(self, to_port: int) -> None:
        self.url = ""
        self._to_port = to_port
        self._writers: list[asyncio.StreamWriter] = []

    def cut(self) -> None:
        """Every connection is gone; new ones can be made."""
        writers, self._writers = self._writers, []
        for writer in writers:
            writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        inner, out = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._writers += [writer, out]
        await asyncio.gather(_copy(reader, out), _copy(inner, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def cable(party: Party) -> AsyncIterator[Cable]:
    """A way to the party until the block ends."""
    laid = Cable(int(party.url.rpartition(":")[2]))
    server = await asyncio.start_server(laid.carry, "127.0.0.1", 0)
    laid.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield laid
    finally:
        server.close()
        laid.cut()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def party(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Party]:
    """One server for all of these tests."""
    async with running_party(tmp_path_factory.mktemp("party")) as running:
        yield running


async def do(game: Game, what: str, *arguments: Any) -> Any:
    """Have the guest do something; what it answers."""
    said = await game.ask(json.dumps([what, *arguments]), rf"said {what} (.*)")
    return json.loads(said[1])


async def guest(godot: Godot, party: Party, room: str, transport: str) -> Game:
    """A Godot guest in a room."""
    game = await godot.run("guest", until="ready")
    assert (await do(game, "join", f"{party.url}/r/{room}", transport)).startswith("peer ")
    assert (await game.line(r"saw rung (\w+)"))[1] == transport if transport != "auto" else True
    return game


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_guest_shares_a_ball_with_python(godot: Godot, party: Party, transport: str) -> None:
    code = await party.another_room()
    game = await guest(godot, party, code, transport)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        ball = await do(game, "spawn", "ball", 1.5, 2.0, -3.0, {"rule": "allow", "properties": {"label": "hot"}})
        await until(lambda: ball in ada.entities, what="what Godot did is seen")
        seen = ada.entities[ball]
        assert (seen.kind, seen.position, seen.properties) == ("ball", (1.5, 2.0, -3.0), {"label": "hot"})
        assert await do(game, "move", ball, 2.0, 2.25, -3.5)
        await until(lambda: seen.position == (2.0, 2.25, -3.5), what="what Godot did is seen")
        await seen.request()
        await game.line(rf"saw owner {ball} \d+ {ada.peer_id} request")
        assert not await do(game, "move", ball, 0.0, 0.0, 0.0)
        seen.set(position=(-70.25, 3.0, 90.5), teleport=True)
        async with asyncio.timeout(10):
            while await do(game, "where", ball) != [-70.25, 3.0, 90.5]:
                pass
        assert await do(game, "request", ball, "") == ""
        await until(lambda: seen.owner != ada.peer_id, what="what Godot did is seen")
        assert await do(game, "properties", ball, {"label": None, "n": 7}) == ""
        await until(lambda: seen.properties == {"n": 7}, what="what Godot did is seen")
        assert await do(game, "despawn", ball) == ""
        await until(lambda: ball not in ada.entities, what="what Godot did is seen")


async def test_a_master_in_godot_is_asked(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game = await guest(godot, party, code, "auto")
    gun = await do(game, "spawn", "gun", 0.0, 0.0, 0.0, {"rule": "ask"})
    statue = await do(game, "spawn", "statue", 0.0, 0.0, 0.0, {"rule": "deny"})
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        await until(lambda: {gun, statue} <= ada.entities.keys(), what="what Godot did is seen")
        with pytest.raises(soiree.RefusedError, match=r"denied|said no"):
            await ada.entities[gun].request("mine!")
        await ada.entities[gun].request("please")
        with pytest.raises(soiree.RefusedError):
            await ada.entities[statue].request("please")
        theirs = await ada.spawn("box", position=(0, 0, 0), rule="deny")
        await game.line(rf"saw spawned box {theirs.id}")
        assert await do(game, "request", theirs.id, "") == "rule"


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_events_and_data_go_both_ways(godot: Godot, party: Party, transport: str) -> None:
    code = await party.another_room()
    game = await guest(godot, party, code, transport)
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        heard: list[Any] = []
        changes = asyncio.create_task(_collect(ada, heard))
        await until(lambda: len(ada.peers) == 2, what="what Godot did is seen")
        assert await do(game, "event", "chat", {"text": "Grüße", "n": [1, 2.5, None]}) == ""
        assert await do(game, "data", "quick", False)
        assert await do(game, "data", "sure", True)
        await ada.send_event("chat", {"text": "hello"})
        assert '{"text":"hello"}' in (await game.line(rf"saw event {ada.peer_id} chat (.*)"))[1]
        ada.send(b"bytes", reliable=True)
        await game.line(rf"saw data {ada.peer_id} bytes true")
        ada.send(b"fast")
        await game.line(rf"saw data {ada.peer_id} fast false")
        await until(lambda: {b"quick", b"sure"} <= {getattr(one, "payload", None) for one in _hashable(heard)})
        assert any(getattr(one, "payload", None) == {"text": "Grüße", "n": [1, 2.5, None]} for one in heard)
        assert await do(game, "peers") == ["Ada", "Godette"]
        changes.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await changes


async def test_a_group_and_a_rider(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game = await guest(godot, party, code, "webrtc")
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        # The second seat is too far from its car to be told.
        car, seat, refused = (await do(game, "group")) + [None]
        assert (car, refused) == (0, None)
        await until(lambda: seat in ada.entities, what="what Godot did is seen")
        box = await do(game, "spawn", "box", 3.0, 0.0, 4.0, {})
        assert await do(game, "attach", box, seat) == ""
        await until(lambda: box in ada.entities and ada.entities[box].parent == seat, what="what Godot did is seen")
        assert ada.entities[box].position == (3.0, 0.0, 4.0)
        assert await do(game, "pose", box)


async def test_a_lost_connection_is_resumed(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    async with cable(party) as way, soiree.join(party.url, room=code, name="Ada") as ada:
        game = await godot.run("guest", until="ready")
        assert (await do(game, "join", f"{way.url}/r/{code}", "websocket")).startswith("peer ")
        ball = await do(game, "spawn", "ball", 1.0, 0.0, 0.0, {})
        way.cut()
        await game.line("saw reconnecting")
        await game.line("saw resumed", 20)
        assert await do(game, "move", ball, 2.0, 0.0, 0.0)
        await until(
            lambda: ball in ada.entities and ada.entities[ball].position == (2.0, 0.0, 0.0),
            what="what Godot did is seen",
        )
        assert len(ada.peers) == 2


async def test_a_guest_leaves_in_order(godot: Godot, party: Party) -> None:
    code = await party.another_room()
    game = await guest(godot, party, code, "webrtc")
    async with soiree.join(party.url, room=code, name="Ada") as ada:
        await until(lambda: len(ada.peers) == 2, what="what Godot did is seen")
        assert await do(game, "leave") == "left"
        await until(lambda: len(ada.peers) == 1, what="what Godot did is seen")


async def test_who_may_not_enter_is_told_why(godot: Godot, party: Party) -> None:
    code = await party.another_room(password="sesame")
    game = await godot.run("guest", until="ready")
    assert await do(game, "join", f"{party.url}/r/{code}", "auto") == "wrong-password"
    game.errors.clear()


async def _collect(room: soiree.Room, into: list[Any]) -> None:
    async for change in room.changes(state=False):
        into.append(change)  # noqa: PERF401 (what came so far is to be there when this is cancelled)


def _hashable(changes: list[Any]) -> list[Any]:
    return [one for one in changes if isinstance(getattr(one, "payload", None), bytes)]
