"""A client of the lobby protocol, written from its description: what it is told, and what it says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientWebSocketResponse, WSMsgType

from tests.signalling.conftest import Lobby

JOIN, ID, PEER_CONNECT, PEER_DISCONNECT, OFFER, ANSWER, CANDIDATE, SEAL, ICE = range(9)
Told = tuple[int, int, str]
"""Type, id and data of a message."""


@dataclass
class Guest:
    """One client."""

    ws: ClientWebSocketResponse
    peer: int = 0
    """The id that it was given."""
    lobby: str = ""
    """The name of the lobby that it is in."""

    async def say(self, kind: int, peer: int = 0, data: str = "") -> None:
        """A message, with its keys in the order in which Godot writes them."""
        await self.ws.send_str(json.dumps({"data": data, "id": peer, "type": kind}))

    async def told(self) -> Told:
        """The next message."""
        frame = await self.ws.receive(timeout=15)
        assert frame.type is WSMsgType.TEXT, (frame, self.ws.close_code)
        said = json.loads(frame.data)
        assert sorted(said) == ["data", "id", "type"]
        return said["type"], said["id"], said["data"]

    async def join(self, name: str = "", *, mesh: bool = False) -> list[Told]:
        """Join, and give all that is told up to the echo."""
        await self.say(JOIN, 0 if mesh else 1, name)
        heard = [await self.told()]
        while heard[-1][0] != JOIN:
            heard.append(await self.told())
        assert heard[0][0] == ID
        self.peer, self.lobby = heard[0][1], heard[-1][2]
        return heard

    async def parted(self) -> tuple[int | None, str]:
        """Code and reason with which the server closes; whatever it says before is skipped."""
        while (frame := await self.ws.receive(timeout=15)).type is WSMsgType.TEXT:
            pass
        assert frame.type is WSMsgType.CLOSE, frame
        return self.ws.close_code, str(frame.extra)

    async def is_in_peace(self) -> bool:
        """Whether nothing at all is told, for a moment."""
        try:
            await self.ws.receive(timeout=0.1)
        except TimeoutError:
            return True
        return False


class Guests:
    """Makes clients of one server."""

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._open: list[ClientWebSocketResponse] = []

    async def come(self, query: str = "") -> Guest:
        """A client that has joined nothing."""
        ws = await self._lobby.client.ws_connect(f"/godot{query}")
        self._open.append(ws)
        return Guest(ws)

    async def hosting(self, name: str = "", *, mesh: bool = False, query: str = "") -> Guest:
        """A client in a lobby of its own."""
        host = await self.come(query)
        await host.join(name, mesh=mesh)
        return host

    async def joining(self, host: Guest, *, query: str = "") -> Guest:
        """A client in that lobby."""
        guest = await self.come(query)
        await guest.join(host.lobby)
        return guest

    async def aclose(self) -> None:
        """All leave."""
        await asyncio.gather(*(ws.close() for ws in self._open))


@asynccontextmanager
async def guests_of(lobby: Lobby) -> AsyncIterator[Guests]:
    """Clients of a server, until the block ends."""
    guests = Guests(lobby)
    try:
        yield guests
    finally:
        await guests.aclose()
