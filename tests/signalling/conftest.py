"""A running homeserver for each test, on a loopback port."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signalling.app import make_app
from signalling.config import HomeConfig
from signalling.homeserver import Homeserver
from signalling.operations import HOME
from soiree.link import LobbyLink, RelayLink
from soiree.ticket import TicketIssuer
from tests.signalling.relays import SmallRelay

SECRET = b"the secret of the tests"
Json = dict[str, Any]


@dataclass
class Lobby:
    """A homeserver and how to talk to it."""

    client: "TestClient[web.Request, web.Application]"
    relay: SmallRelay
    home: Homeserver
    issuer: TicketIssuer = field(default_factory=lambda: TicketIssuer(SECRET))

    async def call(self, method: str, path: str, body: object = None, key: str | None = None) -> tuple[int, Json]:
        """One API call: status and JSON, empty where there is no body."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.client.request(method, f"/api/v1{path}", json=body, headers=headers) as response:
            return response.status, await response.json() if response.status != 204 else {}

    async def create(self, **wish: object) -> Json:
        """A new room: its `room` and `host_key`."""
        status, made = await self.call("POST", "/rooms", {"name": "Den", **wish})
        assert status == 201, made
        return made

    async def join(self, room: Json, key: str | None = None, **wish: object) -> Json:
        """A join that must succeed."""
        status, joined = await self.call("POST", f"/rooms/{room['id']}/join", {"name": "Ada", **wish}, key)
        assert status == 200, joined
        return joined

    async def enter(self, room: Json, key: str | None = None, **wish: object) -> Json:
        """Join, and use the ticket."""
        joined = await self.join(room, key, **wish)
        self.relay.enter(joined["ticket"])
        return joined


@asynccontextmanager
async def running_lobby(
    config: HomeConfig | None = None, link: RelayLink | None = None, *, lobbies: LobbyLink | None = None
) -> AsyncIterator[Lobby]:
    """A homeserver with this configuration."""
    issuer = TicketIssuer(SECRET)
    relay = SmallRelay(issuer.verifier())
    app = make_app(config or HomeConfig(), link or relay, issuer, lobbies=lobbies)
    async with TestClient(TestServer(app)) as client:
        yield Lobby(client, relay, app[HOME], issuer)


async def until(holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
    """Let the loop turn until something holds."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 (what is waited for has no event of its own)
            await asyncio.sleep(0)


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections are given up without delay when their signalling socket is gone."""
    monkeypatch.setattr("signalling.homeserver.HANG_UP_GRACE_S", 0.0)


@pytest_asyncio.fixture
async def lobby() -> AsyncIterator[Lobby]:
    """A homeserver as it is without any setting."""
    async with running_lobby() as running:
        yield running
