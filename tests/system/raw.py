"""A client that says what it is told to, well-formed or not, over a real transport, and keeps what it hears."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import ClientSession

from soiree.client.carrier import Carrier, DialError, WebRtcCarrier, WebSocketCarrier
from soiree.client.lobby import Admission, Lobby
from soiree.rtc import EngineConfig
from soiree.transport import CONTROL, STATE, Packet
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.records import Placed, PlacedRecord, Transform, base_for, encode_move, pack_placed
from soiree.wire.state import Section, Slot

M = TypeVar("M", bound=m.Message)


def place(x: float, y: float = 0.0, z: float = 0.0) -> bytes:
    """A placed record in the world, metres."""
    record = PlacedRecord(Section.MOVE, encode_move(0, Transform((x, y, z))))
    return pack_placed(Placed(base_for((x, y, z)), {Slot.TRANSFORM: record}))


def hello(*, fresh: bool = True, applied: int = 0, version: tuple[int, int] = m.VERSION) -> bytes:
    """The first message of a connection."""
    return control.encode(m.Hello(0, version, applied, fresh, "raw", []))


def spawn(number: int, kind: str = "box", x: float = 0.0, rule: m.Rule = "allow") -> bytes:
    """A command to make an entity."""
    return control.encode(m.Spawn(number, kind, place(x), rule, "with-master", {}, 0, "owner", None))


def header(seq: int, applied: int = 0) -> bytes:
    """An empty STATE frame."""
    return st.pack_header(st.Header(0, seq & 0xFFFF, 0, 0, 0, 0, 0, 0, applied & 0xFFFF))


class Raw:
    """One connection.

    Attributes:
        heard: control messages of the relay, in order.
        frames: how many messages came on the state stream.
        acked: `seq` of the newest frame of ours that the relay has acknowledged, None before the first.
        reason: why the connection ended, as the transport saw it; None while it is open.
    """

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.carrier: Carrier
        self.heard: list[Any] = []
        self.heard_bytes: list[int] = []
        self.frames = 0
        self.acked: int | None = None
        self.reason: str | None = None
        self._news = asyncio.Event()

    def on_packets(self, _carrier: Carrier, packets: Sequence[Packet]) -> None:
        """Part of `CarrierSink`."""
        for _, stream, payload in packets:
            if stream == CONTROL:
                self.heard.append(control.decode_from_relay(payload))
                self.heard_bytes.append(len(payload))
            else:
                self.frames += 1
                self._follow(payload)
        self._news.set()

    def _follow(self, payload: bytes) -> None:
        if payload[0] == st.FrameType.STATE:
            header = st.unpack_header(payload)
            if header.flags & st.ACK_VALID:
                self.acked = header.ack_seq

    def on_closed(self, _carrier: Carrier, reason: str) -> None:
        """Part of `CarrierSink`."""
        self.reason = reason
        self._news.set()

    def say(self, payload: bytes, stream: int = CONTROL) -> bool:
        """Send bytes as they are, however long."""
        transport: Any = self.carrier._transport
        connection = transport._connections.get(1)
        return connection is not None and connection.transmit(stream, payload)

    def state(self, payload: bytes) -> bool:
        """Send bytes on the state stream."""
        return self.say(payload, STATE)

    def all(self, kind: type[M]) -> list[M]:
        """What was heard of a kind, by itself or in a group."""
        found: list[M] = []
        for message in self.heard:
            parts = control.grouped_from_relay(message) if isinstance(message, m.Group) else [message]
            found += [part for part in parts if isinstance(part, kind)]
        return found

    async def hear(self, kind: type[M], count: int = 1, within_s: float = 10.0) -> M:
        """The count-th message of a kind, as soon as it has come. Raises DialError when the connection ends before."""
        async with asyncio.timeout(within_s):
            while len(self.all(kind)) < count:
                if self.reason is not None:
                    raise DialError(self.reason, f"closed {self.reason} after {self.heard[-3:]}")
                self._news.clear()
                await self._news.wait()
        return self.all(kind)[count - 1]

    async def end(self, within_s: float = 10.0) -> str:
        """Why the relay ended the connection: its last words, or the close code where it had none."""
        async with asyncio.timeout(within_s):
            while self.reason is None:
                self._news.clear()
                await self._news.wait()
        last = self.heard[-1] if self.heard else None
        if isinstance(last, m.Error):
            return last.code
        return last.reason if isinstance(last, m.Bye) else self.reason


@asynccontextmanager
async def raw(url: str, room: str, way: str, admission: Admission | None = None, token: str = "") -> AsyncIterator[Raw]:
    """Open a connection that has not said hello yet: of a new session, or of that of `admission`.

    Args:
        token: what to show instead of the ticket, or the resume token when it is not the first connection.
    """
    async with ClientSession() as http:
        resumed = admission is not None
        if admission is None:
            admission = await Lobby(http, url).join(room, name="raw")
        client = Raw(admission)
        if way == "websocket":
            client.carrier = WebSocketCarrier(client, http, admission.data_url)
        else:
            client.carrier = WebRtcCarrier(client, http, admission.signal_url, way, EngineConfig("127.0.0.1"))
        try:
            await client.carrier.dial(token or (admission.resume if resumed else admission.ticket) or "")
            yield client
        finally:
            await client.carrier.aclose()
