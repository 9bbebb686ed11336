"""Two ends of one transport, real stacks back to back over 127.0.0.1, and what each end's user hears."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web

from relay.transports.websocket import WebSocketServer
from soiree.client.websocket import WebSocketClient
from soiree.connections import Connection, ConnectionTable
from soiree.rtc import Candidate, Engine, EngineConfig, available, create
from soiree.transport import Packet
from tests.relay.transports.valve import Valve, valve

TRANSPORTS = (*available(), "websocket")
"""Every transport that this Python has."""
ENGINE_PAIRS = [(server, client) for server in available() for client in available()]
LOOPBACK = EngineConfig(bind_address="127.0.0.1")


class Recorder:
    """A sink that remembers, and wakes whoever waits for something to have happened."""

    def __init__(self) -> None:
        self.opens: list[int] = []
        self.received: list[Packet] = []
        self.batches = 0
        self.closes: list[tuple[int, str]] = []
        self.late: list[Packet] = []
        """Packets told after their connection was closed: always a defect."""
        self.candidates: list[tuple[int, Candidate]] = []
        self._changed = asyncio.Event()

    def opened(self, conn: int) -> None:
        self.opens.append(conn)
        self._changed.set()

    def packets(self, packets: Sequence[Packet]) -> None:
        gone = {conn for conn, _ in self.closes}
        self.late.extend(packet for packet in packets if packet.conn in gone)
        self.received.extend(packets)
        self.batches += 1
        self._changed.set()

    def closed(self, conn: int, reason: str) -> None:
        self.closes.append((conn, reason))
        self._changed.set()

    def candidate(self, conn: int, candidate: Candidate) -> None:
        self.candidates.append((conn, candidate))

    async def until(self, happened: Callable[[], bool], within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not happened():
                self._changed.clear()
                await self._changed.wait()

    async def until_closed(self, conn: int, within_s: float = 10.0) -> str:
        await self.until(lambda: any(closed == conn for closed, _ in self.closes), within_s)
        return next(reason for closed, reason in self.closes if closed == conn)

    def payloads(self, stream: int) -> list[bytes]:
        return [packet.payload for packet in self.received if packet.stream == stream]


class Stage(ABC):
    """A server's end and a client's end; a connection has the same number at both."""

    server: ConnectionTable[Any]
    client: ConnectionTable[Any]

    def __init__(self) -> None:
        self.heard = Recorder()
        """What the server's user hears."""
        self.told = Recorder()
        """What the client's user hears."""

    @abstractmethod
    async def join(self, conn: int) -> None:
        """Open a connection; both ends have it open afterwards."""

    @abstractmethod
    async def join_stallable(self, conn: int) -> Callable[[bool], None]:
        """As `join`, over a path that the returned function stalls (True) and lets go on (False)."""

    @abstractmethod
    def stall(self, *, stalled: bool) -> None:
        """Stall or let go on every path that `join_stallable` made."""

    async def aclose(self) -> None:
        """Close both ends."""
        self.stall(stalled=False)  # to wait for each other's timeouts proves nothing
        await asyncio.gather(self.client.aclose(), self.server.aclose())

    def end_of(self, table: ConnectionTable[Any], conn: int) -> Connection:
        connection: Connection = table._connections[conn]
        return connection

    async def _both_open(self, conn: int) -> None:
        await self.told.until(lambda: conn in self.told.opens)
        await self.heard.until(lambda: conn in self.heard.opens)


class WebRtcStage(Stage):
    def __init__(
        self, server: str, client: str, path: Valve, config: EngineConfig = LOOPBACK, offering: EngineConfig = LOOPBACK
    ) -> None:
        super().__init__()
        self.answering = create(server, config, self.heard)
        self.offering = create(client, offering, self.told)
        self.server = _table(self.answering)
        self.client = _table(self.offering)
        self._path = path

    async def join(self, conn: int) -> None:
        answer = await self.answering.accept(conn, await self.offering.offer(conn))
        await self.offering.answered(conn, answer)
        await self._both_open(conn)

    async def join_stallable(self, conn: int) -> Callable[[bool], None]:
        answer = await self.answering.accept(conn, self._path.offer(await self.offering.offer(conn)))
        await self.offering.answered(conn, self._path.answer(answer))
        await self._both_open(conn)
        return lambda stalled: self.stall(stalled=stalled)

    def stall(self, *, stalled: bool) -> None:
        self._path.shut = stalled


def _table(engine: Engine) -> ConnectionTable[Any]:
    assert isinstance(engine, ConnectionTable)
    return engine


class WebSocketStage(Stage):
    def __init__(self, session: ClientSession) -> None:
        super().__init__()
        self.websockets = WebSocketServer(self.heard)
        self.server = self.websockets
        self.dialling = WebSocketClient(self.told, session)
        self.client = self.dialling
        self.session = session
        self.url = ""
        self._stallable: list[asyncio.ReadTransport] = []

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        return await self.websockets.serve(int(request.query["conn"]), request)

    async def join(self, conn: int) -> None:
        await self.dialling.connect(conn, f"{self.url}?conn={conn}")
        await self._both_open(conn)

    async def join_stallable(self, conn: int) -> Callable[[bool], None]:
        await self.join(conn)
        self._stallable += [end._connections[conn]._socket for end in (self.client, self.server)]
        return lambda stalled: self.stall(stalled=stalled)

    def stall(self, *, stalled: bool) -> None:
        for sock in self._stallable:
            if not sock.is_closing():
                (sock.pause_reading if stalled else sock.resume_reading)()


@asynccontextmanager
async def webrtc_stage(
    server: str, client: str, config: EngineConfig = LOOPBACK, offering: EngineConfig = LOOPBACK
) -> AsyncIterator[WebRtcStage]:
    async with valve() as path:
        stage = WebRtcStage(server, client, path, config, offering)
        try:
            yield stage
        finally:
            await stage.aclose()


@asynccontextmanager
async def websocket_stage() -> AsyncIterator[WebSocketStage]:
    async with ClientSession() as session:
        stage = WebSocketStage(session)
        app = web.Application()
        app.router.add_get("/ws", stage.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        stage.url = f"http://{host}:{port}/ws"
        try:
            yield stage
        finally:
            await stage.aclose()
            await runner.cleanup()


@asynccontextmanager
async def stage_of(transport: str) -> AsyncIterator[Stage]:
    """A stage of a transport of `TRANSPORTS`, the same stack at both ends."""
    if transport == "websocket":
        async with websocket_stage() as sockets:
            yield sockets
    else:
        async with webrtc_stage(transport, transport) as engines:
            yield engines
