"""The signalling WebSocket: one negotiation on each, and every misuse told with its code and close code."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from signalling import signal
from signalling.config import HomeConfig
from signalling.limits import (
    MAX_CANDIDATE_CHARS,
    MAX_CANDIDATES,
    MAX_MID_CHARS,
    MAX_OFFER_CHARS,
    MAX_OFFERS,
    MAX_SIGNAL_BYTES,
    SIGNAL_BURST,
    SIGNAL_OUTBOX,
)
from soiree.link import LinkError
from soiree.rtc.engine import Candidate
from tests.signalling.conftest import Json, Lobby, running_lobby, until


@asynccontextmanager
async def socket(lobby: Lobby) -> AsyncIterator[ClientWebSocketResponse]:
    async with lobby.client.ws_connect("/api/v1/signal") as ws:
        yield ws


async def offered(lobby: Lobby, ws: ClientWebSocketResponse) -> Json:
    """A join whose ticket was used by an offer on this socket, answered."""
    joined = await lobby.join((await lobby.create())["room"])
    await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
    answer = await ws.receive_json()
    assert answer["type"] == "answer"
    return joined


async def ending(ws: ClientWebSocketResponse) -> tuple[str, int]:
    """The code of the error message and the close code, after whatever came before."""
    code = ""
    while (frame := await ws.receive(timeout=10)).type is WSMsgType.TEXT:
        message = frame.json()
        if message["type"] == "error":
            assert message["message"]
            code = message["code"]
    assert frame.type is WSMsgType.CLOSE
    assert ws.close_code is not None
    return code, ws.close_code


async def test_an_offer_is_answered_and_candidates_travel_both_ways(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        joined = await lobby.join((await lobby.create())["room"])
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
        assert await ws.receive_json() == {"type": "answer", "sdp": "v=0 answer", "connection": "c1"}
        await ws.send_json({"type": "candidate", "candidate": "candidate:1", "mid": "0"})
        await ws.send_json({"type": "candidate", "candidate": ""})
        lobby.home.candidate("c1", Candidate("candidate:2", "0"))
        assert await ws.receive_json() == {"type": "candidate", "candidate": "candidate:2", "mid": "0"}
        lobby.home.connection_closed("c1", "failed")
        assert await ws.receive_json() == {"type": "closed", "connection": "c1", "reason": "failed"}
        assert lobby.relay.candidates == [("c1", Candidate("candidate:1")), ("c1", Candidate(""))]


async def test_candidates_that_the_relay_has_before_its_answer_follow_the_answer(lobby: Lobby) -> None:
    lobby.relay.early = (Candidate("candidate:1"), Candidate("candidate:2"))
    async with socket(lobby) as ws:
        joined = await lobby.join((await lobby.create())["room"])
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
        told = [await ws.receive_json() for _ in range(3)]
    assert [message["type"] for message in told] == ["answer", "candidate", "candidate"]
    assert [message.get("candidate") for message in told[1:]] == ["candidate:1", "candidate:2"]


async def test_a_second_offer_with_the_resume_token_is_an_ice_restart(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        joined = await offered(lobby, ws)
        await ws.send_json({"type": "offer", "token": joined["resume"], "sdp": "v=0"})
        assert (await ws.receive_json())["connection"] == "c2"
        lobby.home.candidate("c1", Candidate("candidate:of the older"))
        lobby.home.candidate("c2", Candidate("candidate:of the newer"))
        assert (await ws.receive_json())["candidate"] == "candidate:of the newer"


@pytest.mark.usefixtures("prompt")
async def test_a_socket_that_leaves_gives_up_its_connections(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        await offered(lobby, ws)
    await until(lambda: lobby.relay.hung_up == ["c1"])
    assert not lobby.home.signal_lines
    assert len(lobby.home.switchboard) == len(lobby.home.signal_sockets) == 0


MISUSES: list[tuple[str, Any, tuple[str, int]]] = [
    ("no JSON", "{", ("malformed", 4000)),
    ("no object", "[]", ("malformed", 4000)),
    ("no type", "{}", ("malformed", 4000)),
    ("a binary frame", b"{}", ("malformed", 4000)),
    ("fields missing", {"type": "offer"}, ("malformed", 4000)),
    ("a field of another type", {"type": "offer", "token": 1, "sdp": "v=0"}, ("malformed", 4000)),
    ("a token above its bound", {"type": "offer", "token": "x" * 3000, "sdp": "v=0"}, ("malformed", 4000)),
    (
        "an offer above its bound",
        {"type": "offer", "token": "x", "sdp": "x" * (MAX_OFFER_CHARS + 1)},
        ("malformed", 4000),
    ),
    (
        "a candidate above its bound",
        {"type": "candidate", "candidate": "x" * (MAX_CANDIDATE_CHARS + 1)},
        ("malformed", 4000),
    ),
    (
        "a mid above its bound",
        {"type": "candidate", "candidate": "", "mid": "x" * (MAX_MID_CHARS + 1)},
        ("malformed", 4000),
    ),
    ("a lone surrogate", '{"type": "offer", "token": "\\ud800", "sdp": "v=0"}', ("malformed", 4000)),
    ("an unknown type", {"type": "hello"}, ("protocol", 4011)),
    ("a type of the server's", {"type": "answer", "sdp": "v=0", "connection": "c1"}, ("protocol", 4011)),
    ("a candidate before any offer", {"type": "candidate", "candidate": ""}, ("protocol", 4011)),
    ("a forged token", {"type": "offer", "token": "x", "sdp": "v=0"}, ("unauthorized", 4001)),
    ("a message above its bound", "x" * (MAX_SIGNAL_BYTES + 1), ("oversized", 4006)),
]


@pytest.mark.parametrize(("said", "expected"), [row[1:] for row in MISUSES], ids=[row[0] for row in MISUSES])
async def test_a_misuse_is_told_and_closes(lobby: Lobby, said: Any, expected: tuple[str, int]) -> None:
    async with socket(lobby) as ws:
        if isinstance(said, bytes):
            await ws.send_bytes(said)
        else:
            await ws.send_str(said if isinstance(said, str) else json.dumps(said))
        assert await ending(ws) == expected


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        ("unauthorized", ("unauthorized", 4001)),
        ("session-gone", ("session-gone", 4002)),
        ("unknown-room", ("session-gone", 4002)),
        ("bad-sdp", ("malformed", 4000)),
        ("unavailable", ("unavailable", 4012)),
        ("draining", ("shutdown", 1001)),
        ("busy", ("rate", 4007)),
        ("room-full", ("unauthorized", 4001)),
        ("something new", ("unavailable", 4012)),
    ],
)
async def test_what_the_relay_refuses_is_told_and_closes(lobby: Lobby, refusal: str, expected: tuple[str, int]) -> None:
    joined = await lobby.join((await lobby.create())["room"])
    lobby.relay.refuses = LinkError(refusal, "no")
    async with socket(lobby) as ws:
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
        assert await ending(ws) == expected


async def test_a_ticket_opens_once(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        joined = await offered(lobby, ws)
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
        assert await ending(ws) == ("unauthorized", 4001)


async def test_one_socket_carries_one_session(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        joined = await offered(lobby, ws)
        other = await lobby.join(joined["room"])
        await ws.send_json({"type": "offer", "token": other["ticket"], "sdp": "v=0"})
        assert await ending(ws) == ("protocol", 4011)


async def test_candidates_of_a_connection_are_bounded(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        await offered(lobby, ws)
        for n in range(MAX_CANDIDATES + 1):
            await ws.send_json({"type": "candidate", "candidate": f"candidate:{n}"})
        assert await ending(ws) == ("rate", 4007)
    assert len(lobby.relay.candidates) == MAX_CANDIDATES


async def test_messages_are_bounded_in_rate(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalling.negotiation.MAX_CANDIDATES", 10 * SIGNAL_BURST)
    monkeypatch.setattr(lobby.home, "monotonic", lambda: 0.0)
    async with socket(lobby) as ws:
        await offered(lobby, ws)
        for _ in range(SIGNAL_BURST):
            await ws.send_json({"type": "candidate", "candidate": ""})
        assert await ending(ws) == ("rate", 4007)
    assert len(lobby.relay.candidates) == SIGNAL_BURST - 1


async def test_offers_of_a_socket_are_bounded(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalling.negotiation.SIGNAL_BURST", 2 * MAX_OFFERS)
    async with socket(lobby) as ws:
        joined = await offered(lobby, ws)
        for _ in range(MAX_OFFERS):
            await ws.send_json({"type": "offer", "token": joined["resume"], "sdp": "v=0"})
        assert await ending(ws) == ("rate", 4007)
    assert lobby.relay.connections == MAX_OFFERS


async def test_what_waits_for_a_client_is_bounded(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        await offered(lobby, ws)
        for n in range(SIGNAL_OUTBOX + 10):
            lobby.home.candidate("c1", Candidate(f"candidate:{n}"))
        (line,) = lobby.home.signal_lines
        assert isinstance(line, signal.SignalSocket)
        assert line._outbox.qsize() <= SIGNAL_OUTBOX
        assert (await ending(ws))[1] == 4007


async def test_a_socket_that_offers_nothing_is_closed(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "FIRST_OFFER_TIMEOUT_S", 0.01)
    async with socket(lobby) as ws:
        assert await ending(ws) == ("timeout", 4010)


async def test_a_frame_above_the_hard_limit_is_not_even_read(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        await ws.send_str("x" * (signal.HARD_LIMIT_BYTES + 1))
        assert await ending(ws) == ("", 1009)


@pytest.mark.usefixtures("prompt")
async def test_a_client_that_answers_no_ping_is_given_up(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "SIGNAL_HEARTBEAT_S", 0.05)
    async with lobby.client.ws_connect("/api/v1/signal", autoping=False) as ws:
        await offered(lobby, ws)
        await until(lambda: lobby.relay.hung_up == ["c1"])
    assert not lobby.home.signal_lines


async def test_sockets_are_bounded_in_all_and_for_one_address() -> None:
    for config in (HomeConfig(max_signal_sockets=1), HomeConfig(max_signal_sockets_per_address=1)):
        async with running_lobby(config) as lobby, socket(lobby), lobby.client.get("/api/v1/signal") as response:
            assert (response.status, (await response.json())["error"]["code"]) == (503, "busy")


async def test_a_stopping_server_says_so(lobby: Lobby) -> None:
    async with socket(lobby) as ws:
        await offered(lobby, ws)
        lobby.home.stop()
        assert await ending(ws) == ("", 1001)
    async with lobby.client.get("/api/v1/signal") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (503, "shutdown")


async def test_a_request_that_is_no_websocket_is_refused_in_the_one_shape(lobby: Lobby) -> None:
    async with lobby.client.get("/api/v1/signal") as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "invalid")
    assert len(lobby.home.signal_sockets) == 0
