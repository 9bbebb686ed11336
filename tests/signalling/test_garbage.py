"""10,000 random byte strings on each way in: nothing breaks, nothing is logged as broken, and the next honest client is served."""

import asyncio
import json
import logging
import random
from collections.abc import Iterator

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from yarl import URL

from signalling.config import HomeConfig
from tests.signalling.conftest import Lobby, running_lobby, until

STRINGS = 10_000
LANES = 20
"""Clients at a time."""
CLOSE_CODES = {4000, 4001, 4006, 4007, 4011}
PATHS = ("rooms", "rooms/{id}", "rooms/{id}/join", "rooms/{id}/kick", "signal", "openapi.json", "")
CONFIG = HomeConfig(
    joins_per_minute=10**6, creations_per_minute=10**6, misses_per_minute=10**6, max_rooms_per_address=10**6
)


def garbage(rng: random.Random) -> bytes:
    """Noise, JSON with a byte or two changed, or JSON of the wrong shape."""
    honest = json.dumps(
        rng.choice(
            [
                {"name": "Ada", "capacity": 5, "offer": "v=0", "resume": "x.y.z"},
                {"type": "offer", "token": "a.b.c", "sdp": "v=0"},
                {"type": "candidate", "candidate": "candidate:1 1 UDP 1 127.0.0.1 9 typ host", "mid": "0"},
                {"peer_id": 2**40, "reason": ["x"] * 5, "locked": None},
            ]
        )
    ).encode()
    match rng.randrange(4):
        case 0:
            return rng.randbytes(rng.randrange(200))
        case 1:
            return honest[: rng.randrange(len(honest))]
        case 2:
            return rng.randbytes(1).join([honest[: (at := rng.randrange(len(honest)))], honest[at + 1 :]])
        case _:
            return rng.choice([b"[" * 500, b"null", b"1e999", b'"\\ud800"', b"{}", b'{"type": 5}', b"\xff" * 50])


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing may be logged as a warning or worse."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


async def rest_lane(lobby: Lobby, room_id: str, rng: random.Random, count: int) -> None:
    for _ in range(count):
        data = garbage(rng)
        path = rng.choice(PATHS).replace("{id}", rng.choice([room_id, rng.randbytes(6).hex(), "%00", "%ff"]))
        headers = {"Authorization": f"Bearer {rng.randbytes(9).hex()}.x.y"} if rng.random() < 0.3 else {}
        method = rng.choice(["POST", "PATCH", "DELETE", "GET", "PUT"])
        url = URL(f"/api/v1/{path}", encoded=True)
        async with lobby.client.request(method, url, data=data, headers=headers) as response:
            assert response.status < 500
            if response.status >= 400:
                assert (await response.json())["error"]["code"]


async def say(ws: ClientWebSocketResponse, data: bytes, rng: random.Random) -> None:
    """One string as a text or a binary frame; the answer, if any, is an error and the end."""
    if rng.random() < 0.9:
        await ws.send_str(data.decode("utf-8", "replace"))
    else:
        await ws.send_bytes(data)
    frame = await ws.receive(timeout=20)
    assert frame.type is WSMsgType.TEXT
    assert frame.json()["type"] == "error"
    assert (await ws.receive(timeout=20)).type is WSMsgType.CLOSE
    assert ws.close_code in CLOSE_CODES


async def signal_lane(lobby: Lobby, rng: random.Random, count: int) -> None:
    for _ in range(count):
        async with lobby.client.ws_connect("/api/v1/signal") as ws:
            await say(ws, garbage(rng), rng)


async def serve_an_honest_client(lobby: Lobby) -> None:
    joined = await lobby.join((await lobby.create())["room"])
    async with lobby.client.ws_connect("/api/v1/signal") as ws:
        await ws.send_json({"type": "offer", "token": joined["ticket"], "sdp": "v=0"})
        assert (await ws.receive_json())["type"] == "answer"


@pytest.mark.usefixtures("quiet")
async def test_garbage_on_rest() -> None:
    async with running_lobby(CONFIG) as lobby:
        room = (await lobby.create())["room"]
        lanes = (rest_lane(lobby, room["id"], random.Random(n), STRINGS // LANES) for n in range(LANES))
        await asyncio.gather(*lanes)
        await serve_an_honest_client(lobby)


@pytest.mark.usefixtures("quiet")
async def test_garbage_on_signalling() -> None:
    async with running_lobby(CONFIG) as lobby:
        await asyncio.gather(*(signal_lane(lobby, random.Random(n), STRINGS // LANES) for n in range(LANES)))
        await until(lambda: not lobby.home.signal_lines and not len(lobby.home.signal_sockets))
        await serve_an_honest_client(lobby)


@pytest.mark.usefixtures("quiet")
async def test_garbage_instead_of_http() -> None:
    async with running_lobby() as lobby:
        server = lobby.client.server
        rng = random.Random(1)
        for _ in range(500):
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(rng.randbytes(rng.randrange(1, 200)) + b"\r\n\r\n")
            writer.write_eof()
            async with asyncio.timeout(20):
                await reader.read()
            writer.close()
        await serve_an_honest_client(lobby)
