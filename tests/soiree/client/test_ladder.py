"""Which connection carries a session when ways in are shut."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from soiree import rtc
from soiree.client.carrier import Carrier, DialError
from soiree.client.errors import JoinError
from soiree.client.ladder import HEAD_START_S, Choice, Kind, Ladder, Renew
from soiree.client.lobby import Admission, IceServerInfo, Lobby
from soiree.client.room import Room
from soiree.rtc.engine import Engine, EngineConfig, EngineSink
from tests.party_server import Party

NOWHERE = "ws://127.0.0.1:9/"


@contextlib.asynccontextmanager
async def guest(party: Party, choice: Choice = "auto", **changed: str) -> AsyncIterator[Room]:
    """A room that is not open yet, whose admission was tampered with."""
    async with asyncio.timeout(20), ClientSession() as http:
        admission = await Lobby(http, party.url).join(party.room, name="guest")
        admission = msgspec.structs.replace(admission, **changed)
        room = room_of(admission, http, choice)
        try:
            yield room
        finally:
            await room.leave()


def room_of(admission: Admission, http: ClientSession, choice: Choice) -> Room:
    return Room(
        "guest",
        admission.resume,
        admission.identity,
        lambda lifeline: Ladder(lifeline, http, admission, choice, "auto", None),
    )


@contextlib.asynccontextmanager
async def black_hole() -> AsyncIterator[str]:
    """An address that takes connections and never says a word."""

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"ws://{host}:{port}/"
    finally:
        server.close()


async def test_with_every_way_open_webrtc_is_taken(party: Party) -> None:
    async with guest(party) as room:
        await room.open()
        assert room.transport == "webrtc"
        assert room.stats().connections == 1


async def test_where_webrtc_hangs_the_websocket_takes_over_after_its_head_start(party: Party) -> None:
    async with black_hole() as hole, guest(party, signal_url=hole) as room:
        begun = time.monotonic()
        await room.open()
        assert room.transport == "websocket"
        assert HEAD_START_S <= time.monotonic() - begun < HEAD_START_S + 3


async def test_where_webrtc_is_answered_and_hangs_the_first_websocket_serves(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where UDP is blocked: the ticket is used by then."""

    async def nothing_comes_through(_conn: int, _told: object) -> None: ...

    def deaf(name: str, config: EngineConfig, sink: EngineSink) -> Engine:
        engine = create(name, config, sink)
        for told in ("answered", "add_candidate"):
            monkeypatch.setattr(engine, told, nothing_comes_through)
        return engine

    async def counted(ladder: Ladder, kind: Kind) -> Carrier:
        dialled.append(kind)
        return await dial(ladder, kind)

    create, dial = rtc.create, Ladder.dial
    dialled: list[Kind] = []
    monkeypatch.setattr(Ladder, "dial", counted)
    monkeypatch.setattr(rtc, "create", deaf)
    async with guest(party) as room:
        await room.open()
        assert room.transport == "websocket"
        assert dialled == ["webrtc", "websocket"]


async def test_where_webrtc_fails_the_websocket_is_taken_at_once(party: Party) -> None:
    async with guest(party, signal_url=NOWHERE) as room:
        begun = time.monotonic()
        await room.open()
        assert room.transport == "websocket"
        assert time.monotonic() - begun < HEAD_START_S


async def test_where_nothing_opens_it_says_so(party: Party) -> None:
    async with guest(party, signal_url=NOWHERE, data_url=NOWHERE) as room:
        with pytest.raises(DialError, match="cannot be reached"):
            await room.open()


async def test_a_ticket_that_is_no_good_is_refused(party: Party) -> None:
    async with guest(party, "webrtc", ticket="forged", resume="forged") as room:
        with pytest.raises(DialError) as refused:
            await room.open()
        assert refused.value.code == "unauthorized"


async def test_a_ticket_that_another_way_has_used_is_followed_by_the_resume_token(party: Party) -> None:
    async with guest(party, "websocket") as room, ClientSession() as http:
        await room.open()
        ladder = room._lifeline.ladder
        again = room_of(msgspec.structs.replace(ladder._admission), http, "websocket")
        await again.open()
        assert again.peer_id == room.peer_id
        assert await room.wait_closed() == "superseded"
        await again.leave()


def ladder_of(admission: Admission, http: ClientSession, renew: Renew, bind_address: str | None = None) -> Ladder:
    nobody: Any = None
    return Ladder(nobody, http, admission, "webrtc", "auto", bind_address, renew=renew)


async def test_webrtc_that_begins_late_has_credentials_that_have_not_lapsed(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ClientSession() as http:
        admission = await Lobby(http, party.url).join(party.room, name="guest")
        admission = msgspec.structs.replace(admission, ice_servers=[IceServerInfo(["turn:a"], "u", "first")])
        answers: list[Admission | JoinError] = [
            msgspec.structs.replace(admission, ice_servers=[IceServerInfo(["turn:a"], "u", "renewed")]),
            JoinError("unreachable", "away"),
            JoinError("session-gone", "gone"),
        ]

        async def renew() -> Admission:
            answer = answers.pop(0)
            if isinstance(answer, JoinError):
                raise answer
            return answer

        ladder = ladder_of(admission, http, renew)
        await ladder._freshen()
        assert ladder._engine_config().ice_servers[0].credential == "first"
        monkeypatch.setattr("soiree.client.ladder.FRESH_S", 0.0)
        for _ in range(2):  # the second time nobody answers, and what is known has to do
            await ladder._freshen()
            assert ladder._engine_config().ice_servers[0].credential == "renewed"
        with pytest.raises(DialError, match="gone"):
            await ladder._freshen()


async def test_on_loopback_nobody_s_help_is_asked(party: Party) -> None:
    async with ClientSession() as http:
        admission = await Lobby(http, party.url).join(party.room, name="guest")
        admission = msgspec.structs.replace(admission, ice_servers=[IceServerInfo(["turn:a"], "u", "c")])

        async def renew() -> Admission:
            return admission

        for bind_address, servers in (("127.0.0.1", 0), ("::1", 0), ("192.0.2.1", 1), (None, 1)):
            assert len(ladder_of(admission, http, renew, bind_address)._engine_config().ice_servers) == servers
