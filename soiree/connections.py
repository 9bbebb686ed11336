"""What every transport keeps of its connections: phases, counters, the batch of received packets, and one orderly end.

A stack (libdatachannel, aiortc, WebSocket) supplies a `Connection` with the few things that only it can do, and reports what happens to
the `ConnectionTable` that holds it. The promises of `soiree.transport` are kept here, once: STATE is dropped over its cap, CONTROL is
bounded, packets are told in batches, and each connection ends exactly once.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from soiree.channels import SOIREE, Layout
from soiree.transport import (
    CONTROL,
    DEFAULT_STATE_CAP_BYTES,
    RELIABLE_QUEUE_BYTES,
    CloseReason,
    Packet,
    Rung,
    Sink,
    Transport,
    TransportStats,
)

log = logging.getLogger("soiree.transport")

FLUSH_TIMEOUT_S = 2.5
"""How long a closing connection may take to get through what waits on CONTROL: SCTP says again after 1 s what got lost."""
FLUSH_POLL_S = 0.005
"""How often a closing connection looks whether it has: no stack tells when its peer has acknowledged everything."""

MAX_EARLY_PACKETS = 64
"""Messages kept that come in before our own end is open: the other side's may be, and a reliable message is never lost."""


class Phase(Enum):
    """Life of a connection; it only ever moves downwards."""

    OPENING = "opening"
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


class Connection(ABC):
    """One connection as its stack sees it."""

    def __init__(self, conn: int, layout: Layout = SOIREE) -> None:
        self.conn = conn
        self.layout = layout
        self.phase = Phase.OPENING
        self.spoke_early = False
        """Something was sent before our side reported it open."""
        self.reason: str = CloseReason.FAILED
        """Why it ended, once it is CLOSING."""
        self.state_cap_bytes = DEFAULT_STATE_CAP_BYTES
        self.packets_in = 0
        self.packets_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.dropped_out = 0
        self.timeout: asyncio.TimerHandle | None = None
        self.early: list[tuple[int, bytes]] = []
        """What came before it was open, at most `MAX_EARLY_PACKETS`."""

    @abstractmethod
    def buffered(self, stream: int) -> int:
        """Bytes handed to the stack on `stream` and not yet taken by the network."""

    @abstractmethod
    def transmit(self, stream: int, payload: bytes) -> bool:
        """Hand one message to the stack; False when the stack has already lost the connection."""

    @abstractmethod
    def flushed(self) -> bool:
        """Whether nothing reliable is left to send, be it because the connection is already lost."""

    @abstractmethod
    def rung(self) -> Rung | None:
        """The rung of the path in use, None while there is none."""

    @abstractmethod
    async def shut(self) -> None:
        """Free everything that the stack holds for this connection. Called once; never raises for a connection already lost."""


C = TypeVar("C", bound=Connection)


class ConnectionTable(Transport, Generic[C]):
    """The connections of one transport, and the way from their stack to the sink."""

    def __init__(self, sink: Sink, may_wait: Callable[[bytes], bool] | None = None) -> None:
        """Args: may_wait: which messages on lossy channels are kept until something else is told, or `collect` is called; None: none."""
        self._sink = sink
        self._may_wait = may_wait
        self._loop = asyncio.get_running_loop()
        self._connections: dict[int, C] = {}
        self._ends: set[asyncio.Task[None]] = set()
        self._inbox: list[Packet] = []
        self._delivering = False
        self._closed = False
        self.ignored: Counter[str] = Counter()
        """What peers sent that was ignored, by kind: "text", "candidate", "channel"."""

    # What the user calls.

    def send(self, conn: int, stream: int, payload: bytes) -> bool:
        connection = self._connections.get(conn)
        if connection is None:
            return False
        size, channel = len(payload), connection.layout[stream]
        if size > channel.max_bytes:
            raise ValueError(f"payload of {size} bytes on stream {stream}, which takes {channel.max_bytes}")
        if connection.phase is Phase.OPENING and not channel.lossy:
            # The other side may have it open already, and is told why it ends if ours only has not said so yet.
            connection.spoke_early |= (spoke := connection.transmit(stream, payload))
            return spoke
        if connection.phase is not Phase.OPEN:
            return False
        waiting = connection.buffered(stream)
        if channel.lossy:
            if waiting > connection.state_cap_bytes:
                connection.dropped_out += 1
                return False
        elif waiting + size > RELIABLE_QUEUE_BYTES:
            self._end(connection, CloseReason.BACKLOG, flush=False)
            return False
        if not connection.transmit(stream, payload):
            return False
        connection.packets_out += 1
        connection.bytes_out += size
        return True

    def set_state_cap(self, conn: int, cap_bytes: int) -> None:
        if (connection := self._connections.get(conn)) is not None:
            connection.state_cap_bytes = cap_bytes

    def rung(self, conn: int) -> Rung | None:
        connection = self._connections.get(conn)
        return connection.rung() if connection is not None and connection.phase is Phase.OPEN else None

    def stats(self, conn: int) -> TransportStats | None:
        connection = self._connections.get(conn)
        if connection is None:
            return None
        return TransportStats(
            packets_in=connection.packets_in,
            packets_out=connection.packets_out,
            bytes_in=connection.bytes_in,
            bytes_out=connection.bytes_out,
            dropped_out=connection.dropped_out,
        )

    def close(self, conn: int, reason: str = CloseReason.LOCAL) -> None:
        if (connection := self._connections.get(conn)) is not None:
            self._end(connection, reason, flush=connection.phase is Phase.OPEN or connection.spoke_early)

    async def aclose(self) -> None:
        self._closed = True
        for conn in list(self._connections):
            self.close(conn)
        while self._ends:
            await asyncio.wait(self._ends)

    # What a stack reports.

    def _begin(self, connection: C, timeout_s: float | None = None) -> None:
        """Take up a connection; past `timeout_s` without `_opened` it has failed. Raises ValueError for a number in use."""
        if self._closed or connection.conn in self._connections:
            raise ValueError(f"connection {connection.conn} is in use, or the transport is closed")
        self._connections[connection.conn] = connection
        if timeout_s is not None:
            connection.timeout = self._loop.call_later(timeout_s, self._end, connection, CloseReason.FAILED)

    def _opened(self, connection: C) -> None:
        if connection.phase is not Phase.OPENING:
            return
        connection.phase = Phase.OPEN
        self._stop_timeout(connection)
        self._sink.opened(connection.conn)
        early, connection.early = connection.early, []
        for stream, payload in early:
            self._received(connection, stream, payload)

    def _received(self, connection: C, stream: int, payload: bytes) -> None:
        if connection.phase is not Phase.OPEN:
            self._came_early(connection, stream, payload)
            return
        size, channel = len(payload), connection.layout[stream]
        if size > channel.max_bytes:
            if self.last_words is not None:
                connection.transmit(CONTROL, self.last_words(CloseReason.OVERSIZED))
            self._end(connection, CloseReason.OVERSIZED, flush=True)
            return
        connection.packets_in += 1
        connection.bytes_in += size
        self._inbox.append(Packet(connection.conn, stream, payload))
        if not self._delivering and not (channel.lossy and self._may_wait is not None and self._may_wait(payload)):
            self._delivering = True
            self._loop.call_soon(self._deliver)

    def _came_early(self, connection: C, stream: int, payload: bytes) -> None:
        if connection.phase is not Phase.OPENING:
            return
        if len(connection.early) < MAX_EARLY_PACKETS:
            connection.early.append((stream, payload))
        else:
            self._end(connection, CloseReason.BACKLOG)

    def _end(self, connection: C, reason: str, *, flush: bool = False) -> None:
        """Begin the end of a connection, for whatever reason came first."""
        if connection.phase in (Phase.CLOSING, Phase.CLOSED):
            return
        connection.phase = Phase.CLOSING
        connection.reason = reason
        self._stop_timeout(connection)
        task = self._loop.create_task(self._finish(connection, flush))
        self._ends.add(task)
        task.add_done_callback(self._ends.discard)

    async def _forget(self, connection: C) -> None:
        """Drop a connection that never came to be, without a word to the sink."""
        connection.phase = Phase.CLOSED
        self._stop_timeout(connection)
        self._remove(connection)
        await connection.shut()

    def collect(self) -> None:
        self._deliver()

    def _deliver(self) -> None:
        self._delivering = False
        if self._inbox:
            packets, self._inbox = self._inbox, []
            self._sink.packets(packets)

    async def _finish(self, connection: C, flush: bool) -> None:
        deadline = self._loop.time() + FLUSH_TIMEOUT_S
        while flush and not connection.flushed() and self._loop.time() < deadline:  # noqa: ASYNC110 (no stack has an event for it)
            await asyncio.sleep(FLUSH_POLL_S)
        connection.phase = Phase.CLOSED
        self._remove(connection)
        try:
            self._deliver()
            self._sink.closed(connection.conn, connection.reason)
        finally:
            await connection.shut()

    def _remove(self, connection: C) -> None:
        if self._connections.get(connection.conn) is connection:
            del self._connections[connection.conn]

    @staticmethod
    def _stop_timeout(connection: C) -> None:
        if connection.timeout is not None:
            connection.timeout.cancel()
            connection.timeout = None
