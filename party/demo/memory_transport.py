"""A transport without sockets: connections between the relay and what lives in its own process."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

from soiree.transport import (
    CONTROL,
    DEFAULT_STATE_CAP_BYTES,
    MAX_CONTROL_BYTES,
    MAX_FRAME_BYTES,
    RELIABLE_QUEUE_BYTES,
    STATE,
    CloseReason,
    Packet,
    Rung,
    Sink,
    Transport,
    TransportStats,
)

_LIMIT = {CONTROL: MAX_CONTROL_BYTES, STATE: MAX_FRAME_BYTES}


class Peer(Protocol):
    """The other end of a connection."""

    def hear(self, stream: int, payload: bytes) -> None:
        """Something came."""

    def closed(self, reason: str) -> None:
        """Nothing comes any more."""


@dataclass(slots=True)
class _Connection:
    peer: Peer
    waiting: deque[tuple[int, bytes]] = field(default_factory=deque)
    queued: dict[int, int] = field(default_factory=lambda: {CONTROL: 0, STATE: 0})
    """Bytes waiting on each stream."""
    state_cap: int = DEFAULT_STATE_CAP_BYTES
    closing: str | None = None
    packets_in: int = 0
    packets_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    dropped_out: int = 0


class MemoryTransport(Transport):
    """The relay's end. What it sends arrives when the event loop next turns."""

    name = "memory"

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._connections: dict[int, _Connection] = {}

    def open(self, conn: int, peer: Peer) -> None:
        """A new connection, to `peer`."""
        self._connections[conn] = _Connection(peer)
        self._sink.opened(conn)

    def say(self, packets: list[Packet]) -> None:
        """What peers say to the relay, all at once."""
        heard = []
        for packet in packets:
            connection = self._connections.get(packet.conn)
            if connection is not None and connection.closing is None:
                connection.packets_in += 1
                connection.bytes_in += len(packet.payload)
                heard.append(packet)
        if heard:
            self._sink.packets(heard)

    def hang_up(self, conn: int) -> None:
        """A peer closes its connection."""
        self.close(conn, CloseReason.REMOTE)

    def send(self, conn: int, stream: int, payload: bytes) -> bool:
        if len(payload) > _LIMIT[stream]:
            raise ValueError(f"{len(payload)} bytes on stream {stream}, {_LIMIT[stream]} at most")
        connection = self._connections.get(conn)
        if connection is None or connection.closing is not None:
            return False
        if stream == STATE and connection.queued[STATE] > connection.state_cap:
            connection.dropped_out += 1
            return False
        if stream == CONTROL and connection.queued[CONTROL] + len(payload) > RELIABLE_QUEUE_BYTES:
            self.close(conn, CloseReason.BACKLOG)
            return False
        if not connection.waiting:
            self._loop.call_soon(self._deliver, connection)
        connection.waiting.append((stream, payload))
        connection.queued[stream] += len(payload)
        connection.packets_out += 1
        connection.bytes_out += len(payload)
        return True

    def _deliver(self, connection: _Connection) -> None:
        waiting, connection.waiting = connection.waiting, deque()
        connection.queued = {CONTROL: 0, STATE: 0}
        for stream, payload in waiting:
            connection.peer.hear(stream, payload)

    def set_state_cap(self, conn: int, cap_bytes: int) -> None:
        connection = self._connections.get(conn)
        if connection is not None:
            connection.state_cap = cap_bytes

    def rung(self, conn: int) -> Rung | None:
        return Rung.DIRECT if conn in self._connections else None

    def stats(self, conn: int) -> TransportStats | None:
        it = self._connections.get(conn)
        if it is None:
            return None
        return TransportStats(it.packets_in, it.packets_out, it.bytes_in, it.bytes_out, it.dropped_out)

    def close(self, conn: int, reason: str = CloseReason.LOCAL) -> None:
        connection = self._connections.get(conn)
        if connection is not None and connection.closing is None:
            connection.closing = reason
            # After what waits on CONTROL, which `call_soon` delivers first.
            self._loop.call_soon(self._closed, conn, connection, reason)

    def _closed(self, conn: int, connection: _Connection, reason: str) -> None:
        if self._connections.pop(conn, None) is None:
            return
        self._sink.closed(conn, reason)
        connection.peer.closed(reason)

    async def aclose(self) -> None:
        # What waits is delivered first.
        await asyncio.sleep(0)
        for conn, connection in list(self._connections.items()):
            self._closed(conn, connection, connection.closing or CloseReason.LOCAL)
