"""Data channels for the load: libdatachannel below, nothing but a function call above for each message."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bench.errors import LoadError
from soiree.rtc.engine import Candidate, EngineConfig
from soiree.rtc.errors import RtcError
from soiree.rtc.libdatachannel import LibdatachannelEngine, _Peer
from soiree.rtc.sdp import has_all_candidates
from soiree.transport import Packet

GATHER_TIMEOUT_S = 5.0
OPEN_TIMEOUT_S = 30.0
COLLECT_S = 0.001
"""How often is looked at what came: it is dated up to so much late. To be called for each message costs the load's core more, and later."""
Hear = Callable[[int, int, bytes], None]
"""(client, stream, payload)"""
Exchange = Callable[[str], Awaitable[str]]
"""An SDP offer, with its candidates, to the server's answer."""


class _Comings:
    """Who awaits what of connections that are being made."""

    def __init__(self) -> None:
        self.open: dict[int, asyncio.Event] = {}
        self.gathered: dict[int, asyncio.Event] = {}
        self.found: dict[int, list[str]] = {}
        self.lost: list[str] = []

    def opened(self, conn: int) -> None:
        self.open[conn].set()

    def packets(self, packets: Sequence[Packet]) -> None:
        """Never called: the engine below hands over what it gets by itself."""

    def closed(self, conn: int, reason: str) -> None:
        self.lost.append(f"client {conn}: {reason}")

    def candidate(self, conn: int, candidate: Candidate) -> None:
        if candidate.candidate:
            self.found[conn].append(candidate.candidate)
        else:
            self.gathered[conn].set()


class _Direct(LibdatachannelEngine):
    """The engine without limits, batches and counters."""

    def __init__(self, comings: _Comings, hear: Hear) -> None:
        config = EngineConfig(bind_address="127.0.0.1", connect_timeout_s=OPEN_TIMEOUT_S, collect_s=COLLECT_S)
        super().__init__(config, comings)
        self._hear = hear
        self.deaf = False
        """Whether what comes is no longer handed over."""

    def _received(self, connection: _Peer, stream: int, payload: bytes) -> None:
        if not self.deaf:
            self._hear(connection.conn, stream, payload)


class Channels:
    """The data channels of all clients."""

    def __init__(self, hear: Hear) -> None:
        self._comings = _Comings()
        self._engine = _Direct(self._comings, hear)

    async def connect(self, client: int, exchange: Exchange) -> None:
        """Open both channels of one client. Raises LoadError."""
        comings = self._comings
        comings.open[client], comings.gathered[client], comings.found[client] = asyncio.Event(), asyncio.Event(), []
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                offer = await self._engine.offer(client)
                await self._engine.answered(client, await exchange(await self._complete(client, offer)))
                await comings.open[client].wait()
        except TimeoutError as error:
            raise LoadError(f"client {client} had no data channel after {OPEN_TIMEOUT_S:.0f} s") from error
        except RtcError as error:
            raise LoadError(f"client {client} had no data channel: {error}") from error

    async def _complete(self, client: int, offer: str) -> str:
        """The offer with candidates that were found after it was made."""
        if has_all_candidates(offer):
            return offer
        async with asyncio.timeout(GATHER_TIMEOUT_S):
            await self._comings.gathered[client].wait()
        return offer + "".join(f"a={found}\r\n" for found in self._comings.found[client])

    def send(self, client: int, stream: int, payload: bytes) -> None:
        """Send one message. Raises LoadError when a connection is gone."""
        if not self._engine.send(client, stream, payload) and self._comings.lost:
            raise LoadError(f"lost {len(self._comings.lost)} data channels, first {self._comings.lost[0]}")

    async def aclose(self) -> None:
        """Close all; what still comes is not heard."""
        self._engine.deaf = True
        await self._engine.aclose()
