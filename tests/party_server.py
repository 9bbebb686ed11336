"""A whole party server in the test's own loop, with a room in it."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from party.config import PartyConfig
from party.server import PartyServer
from relay.config import RelayConfig
from signalling.config import HomeConfig
from soiree.client.lobby import Lobby
from soiree.rtc.engine import EngineConfig


@dataclass(frozen=True, slots=True)
class Party:
    """A running server."""

    server: PartyServer
    url: str
    room: str
    """Code of a room for 64."""

    async def another_room(self, *, capacity: int = 64, password: str | None = None) -> str:
        """Make a room; returns its code."""
        async with ClientSession() as http:
            created = await Lobby(http, self.url).create_room("Another", capacity=capacity, password=password)
            return created.room.code


@contextlib.asynccontextmanager
async def running_party(data_dir: Path, engine: str = "auto") -> AsyncIterator[Party]:
    """Serve on loopback, on a port of the system's choice, until the block ends."""
    relay = RelayConfig(engine=engine, rtc=EngineConfig(bind_address="127.0.0.1"))
    server = PartyServer(PartyConfig(HomeConfig(port=0, data_dir=data_dir), relay))
    await server.start()
    try:
        url = server.url.rstrip("/")
        async with ClientSession() as http:
            created = await Lobby(http, url).create_room("A room", capacity=64)
        yield Party(server, url, created.room.code)
    finally:
        await server.stop()
