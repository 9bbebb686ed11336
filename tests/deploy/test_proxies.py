"""A party behind the proxies of `deploy/`: pages, API, live events and both WebSockets, over TLS, and whose address counts."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import aiohttp
import pytest

from tests.deploy.proxies import Proxy, caddy, nginx
from tests.system.party_process import party

PROXIES: dict[str, Callable[[Path, int], AbstractContextManager[Proxy]]] = {"nginx": nginx, "caddy": caddy}


@pytest.mark.parametrize("kind", PROXIES)
async def test_all_of_a_party_passes(kind: str, tmp_path: Path) -> None:
    (tmp_path / "proxy").mkdir()
    env = {"SOIREE_TRUSTED_PROXIES": "127.0.0.1", "SOIREE_CREATIONS_PER_MINUTE": "1"}
    with party("auto", tmp_path, env=env) as server:
        port = int(server.url.rpartition(":")[2])
        with PROXIES[kind](tmp_path / "proxy", port) as proxy:
            trusting = ssl.create_default_context(cafile=str(proxy.certificate))
            trusting.check_hostname = False
            async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting)) as http:
                await _visit(http, proxy.url)
        assert server.complaints() == []


async def _visit(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}/") as page:
        assert page.status == 200
        assert "text/html" in page.headers["Content-Type"]
    async with http.get(f"{url}/api/v1/rooms/events") as events:
        await _event(events, b"event: rooms")  # not gathered in a buffer
        room = await _create(http, url, 201)
        await _event(events, room["code"].encode())
    assert room["invite_url"].startswith(f"{url}/r/")
    await _create(http, url, 429)  # the limit is of one address: this machine's, and it was told
    async with http.post(f"{url}/api/v1/rooms/{room['code']}/join", json={"name": "Ada"}) as answer:
        join = await answer.json()
    assert join["data_url"] == f"{url.replace('https', 'wss')}/ws"
    assert join["signal_url"].startswith(url.replace("https", "wss"))
    async with http.ws_connect(f"{join['data_url']}?token={join['ticket']}") as data:
        hello = bytes.fromhex("01 97 01 00 92 01 00 00 c3 a7 6578616d706c65 90")
        await data.send_bytes(hello)
        welcome = await asyncio.wait_for(data.receive(), 3)
        assert welcome.type is aiohttp.WSMsgType.BINARY
        assert welcome.data[0] == 1  # the control stream
    async with http.ws_connect(join["signal_url"]) as signalling:
        await signalling.send_str("nonsense")
        told_off = await asyncio.wait_for(signalling.receive(), 3)
        assert told_off.json()["type"] == "error"


async def _event(events: aiohttp.ClientResponse, wanted: bytes) -> None:
    async with asyncio.timeout(3):
        while wanted not in await events.content.readuntil(b"\n\n"):
            pass


async def _create(http: aiohttp.ClientSession, url: str, expected: int) -> dict[str, str]:
    async with http.post(f"{url}/api/v1/rooms", json={"name": "Behind"}) as answer:
        assert answer.status == expected, await answer.text()
        said = await answer.json()
    room: dict[str, str] = said.get("room", {})
    return room
