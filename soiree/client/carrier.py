"""One connection of a session, over whichever transport: opened, sent on, watched, closed."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import msgspec
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from soiree import rtc
from soiree.client.errors import SoireeError
from soiree.client.websocket import WebSocketClient, WebSocketConnectError
from soiree.rtc.engine import Candidate, EngineConfig
from soiree.transport import Packet, Rung, Transport, TransportStats

CONN = 1
"""Each carrier has a transport of its own, with this one connection."""
OPEN_TIMEOUT_S = 15.0
SIGNAL_CLOSE_TIMEOUT_S = 1.0
MAX_SIGNAL_BYTES = 64 * 1024


class DialError(SoireeError):
    """A connection did not come up; the code is a reason of docs/PROTOCOL.md section 9 where the server named one, else "failed"."""


class CarrierSink(Protocol):
    """Who hears of a carrier, in the event loop's thread."""

    def on_packets(self, carrier: "Carrier", packets: Sequence[Packet]) -> None:
        """Packets arrived."""

    def on_closed(self, carrier: "Carrier", reason: str) -> None:
        """The carrier has opened once, and is gone."""


class Carrier(ABC):
    """A connection that belongs to a session. `dial` opens it; it is dead once `on_closed` was called, or `dial` failed."""

    kind: str
    """"webrtc" or "websocket"."""

    def __init__(self, sink: CarrierSink) -> None:
        self._sink = sink
        self._transport: Transport | None = None
        self._opening: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reason: str | None = None

    @abstractmethod
    async def dial(self, token: str) -> None:
        """Open it with a ticket or resume token. Raises DialError; nothing is left behind then but what `aclose` frees."""

    @property
    def alive(self) -> bool:
        """Whether it is open."""
        return self._opening.done() and not self._opening.cancelled() and self._reason is None

    @property
    def rung(self) -> Rung | None:
        """Where on the ladder it stands."""
        return None if self._transport is None else self._transport.rung(CONN)

    @property
    def engine(self) -> str | None:
        """Name of what carries it."""
        return None if self._transport is None else self._transport.name

    @property
    def stats(self) -> TransportStats | None:
        """Its counters, None once it is gone."""
        return None if self._transport is None else self._transport.stats(CONN)

    def send(self, stream: int, payload: bytes) -> bool:
        """As `Transport.send`."""
        return self._transport is not None and self._transport.send(CONN, stream, payload)

    def settle(self) -> None:  # noqa: B027 (not every carrier has something to let go of)
        """The relay has said welcome on it: what was needed to open it may go."""

    async def aclose(self) -> None:
        """Close it and free everything."""
        if self._transport is not None:
            await self._transport.aclose()
        if self._opening.done() and not self._opening.cancelled():
            self._opening.exception()  # nobody may be waiting for it any more

    # What the transport tells.

    def opened(self, _conn: int) -> None:
        """Part of `soiree.transport.Sink`."""
        if not self._opening.done():
            self._opening.set_result(None)

    def packets(self, packets: Sequence[Packet]) -> None:
        """Part of `soiree.transport.Sink`."""
        self._sink.on_packets(self, packets)

    def closed(self, _conn: int, reason: str) -> None:
        """Part of `soiree.transport.Sink`."""
        self._reason = reason
        if self._opening.done():
            self._sink.on_closed(self, reason)
        else:
            self._opening.set_exception(DialError(reason, f"the connection did not come up: {reason}"))


class WebSocketCarrier(Carrier):
    """Over the data WebSocket."""

    kind = "websocket"

    def __init__(self, sink: CarrierSink, http: ClientSession, data_url: str) -> None:
        super().__init__(sink)
        self._url = data_url
        self._client = WebSocketClient(self, http)
        self._transport = self._client

    async def dial(self, token: str) -> None:
        separator = "&" if "?" in self._url else "?"
        try:
            await self._client.connect(CONN, f"{self._url}{separator}token={token}")
            await self._opening
        except WebSocketConnectError as error:
            code = "unauthorized" if error.status in (401, 403) else "session-gone" if error.status == 410 else "failed"
            raise DialError(code, f"the data WebSocket: {error}") from error


class _Signal(msgspec.Struct):
    """A message of the signalling WebSocket (docs/PROTOCOL.md section 1.2)."""

    type: str
    sdp: str = ""
    candidate: str = ""
    mid: str | None = None
    reason: str = ""
    code: str = ""
    message: str = ""


class WebRtcCarrier(Carrier):
    """Over WebRTC data channels, negotiated through the signalling WebSocket."""

    kind = "webrtc"

    def __init__(
        self, sink: CarrierSink, http: ClientSession, signal_url: str, engine: str, config: EngineConfig
    ) -> None:
        super().__init__(sink)
        self.answered = False
        """The relay has taken the offer, so the token that came with it is used."""
        self._http = http
        self._url = signal_url
        self._found: asyncio.Queue[Candidate] = asyncio.Queue()
        self._settled = asyncio.Event()
        self._signalling: asyncio.Task[None] | None = None
        self._engine = rtc.create(engine, config, self)
        self._transport = self._engine

    def candidate(self, _conn: int, candidate: Candidate) -> None:
        """Part of `soiree.rtc.engine.EngineSink`."""
        if not self._opening.done():
            self._found.put_nowait(candidate)

    async def dial(self, token: str) -> None:
        signalling = self._signalling = asyncio.create_task(self._negotiate(token))
        await asyncio.wait((signalling, self._opening), timeout=OPEN_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        if self._opening.done():
            self._opening.result()
        elif signalling.done():
            signalling.result()
            raise DialError("failed", "the signalling server hung up")
        else:
            raise DialError("failed", f"no WebRTC connection within {OPEN_TIMEOUT_S:g} s")

    def settle(self) -> None:
        self._settled.set()

    async def aclose(self) -> None:
        if self._signalling is not None:
            self._signalling.cancel()
            await asyncio.gather(self._signalling, return_exceptions=True)
        await super().aclose()

    async def _negotiate(self, token: str) -> None:
        """Exchange offer, answer and candidates, until the connection has settled: hanging up before would give it up at the relay."""
        try:
            offer = await self._engine.offer(CONN)
            async with self._http.ws_connect(
                self._url, max_msg_size=MAX_SIGNAL_BYTES, timeout=ClientWSTimeout(ws_close=SIGNAL_CLOSE_TIMEOUT_S)
            ) as ws:
                await ws.send_json({"type": "offer", "token": token, "sdp": offer})
                await self._converse(ws)
        except (ClientError, OSError, rtc.RtcError) as error:
            raise DialError("failed", f"the negotiation failed: {error}") from error

    async def _converse(self, ws: ClientWebSocketResponse) -> None:
        ends = [asyncio.ensure_future(part) for part in (self._hear(ws), self._tell(ws), self._settled.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                if end.done():
                    end.result()
        finally:
            for end in ends:
                end.cancel()
            await asyncio.gather(*ends, return_exceptions=True)

    async def _tell(self, ws: ClientWebSocketResponse) -> None:
        while not ws.closed:
            found = await self._found.get()
            await ws.send_json({"type": "candidate", "candidate": found.candidate, "mid": found.mid})

    async def _hear(self, ws: ClientWebSocketResponse) -> None:
        """Follow what the server says. Returns when it hangs up; by then its candidates may have been enough."""
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                continue
            try:
                signal = msgspec.json.decode(message.data, type=_Signal)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise DialError("malformed", "the signalling server says what cannot be read") from error
            if signal.type == "answer":
                self.answered = True
                await self._engine.answered(CONN, signal.sdp)
            elif signal.type == "candidate":
                await self._engine.add_candidate(CONN, Candidate(signal.candidate, signal.mid or "0"))
            elif signal.type == "error":
                raise DialError(signal.code, signal.message)
            elif signal.type == "closed":
                raise DialError(signal.reason or "failed", f"the relay gave the connection up: {signal.reason}")
        if not self.answered:
            raise DialError("failed", f"the signalling server hung up (code {ws.close_code})")
        await self._settled.wait()
