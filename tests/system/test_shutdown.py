"""The end of a server, and its next beginning."""

import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from joserfc import jws

import soiree
from party.server import GOODBYE_S
from soiree import rtc
from soiree.wire import messages as m
from tests.system.party_process import party
from tests.system.raw import raw
from tests.system.ways import join, server_engine

SOON_S = 5.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("engine", [*rtc.available(), "none"])
async def test_peers_are_told_and_the_process_ends_in_order(
    tmp_path: Path, engine: str, number: signal.Signals
) -> None:
    ways = ["websocket"] if engine == "none" else [engine, "websocket"]
    with party(engine, tmp_path, "--demo", "party") as server:
        code = server.room()
        async with AsyncExitStack() as stack:
            rooms = [await stack.enter_async_context(join(server.url, code, way)) for way in ways]
            box = await rooms[0].spawn("box")
            server.process.send_signal(number)
            assert [await room.wait_closed() for room in rooms] == ["shutdown"] * len(rooms)
            with pytest.raises(soiree.RoomClosedError) as refused:
                await box.set_rule("deny")
            assert refused.value.reason == "shutdown"
        assert server.process.wait(SOON_S) == 0
        assert server.complaints() == []


async def test_who_is_about_to_say_hello_is_told_too(tmp_path: Path, way: str) -> None:
    """A client changes over to a connection by a hello: what is told on the older one while that is on its way, it does not hear."""
    with party(server_engine(way), tmp_path) as server:
        async with raw(server.url, server.room(), way) as client:
            server.process.send_signal(signal.SIGTERM)
            assert await client.end() == "shutdown"
            assert client.all(m.Bye)


async def test_a_server_without_guests_ends_at_once(tmp_path: Path) -> None:
    with party("auto", tmp_path) as server:
        code, took_s = server.stop()
        assert code == 0
        assert took_s < GOODBYE_S, "it waits for nobody"


def _subject(identity: str) -> bytes:
    """Who an identity names, unverified."""
    return jws.extract_compact(identity.encode()).payload


async def test_the_secret_outlives_the_server_and_so_do_identities(tmp_path: Path) -> None:
    seen: list[str] = []
    for folder in ("first", "first", "other"):
        data = tmp_path / folder
        data.mkdir(exist_ok=True)
        with party("none", data, env={}) as server:
            code = server.room()
            identity = seen[0] if seen else None
            async with soiree.join(server.url, room=code, transport="websocket", identity=identity) as room:
                seen.append(room.identity)
            assert server.stop()[0] == 0
            assert (data / "data" / "secret").stat().st_mode & 0o077 == 0
    subjects = [_subject(identity).split(b'"exp"')[0] for identity in seen]
    assert subjects[0] == subjects[1]
    assert subjects[0] != subjects[2]


async def test_a_session_of_a_server_that_was_restarted_is_gone(tmp_path: Path) -> None:
    with party("none", tmp_path) as server:
        async with soiree.join(server.url, room=server.room(), transport="websocket") as room:
            resume = room.resume_token
            server.stop()
    with party("none", tmp_path) as server:
        with pytest.raises(soiree.JoinError) as refused:
            async with soiree.join(server.url, room=server.room(), transport="websocket", resume=resume):
                pass
        assert refused.value.code == "session-gone"
