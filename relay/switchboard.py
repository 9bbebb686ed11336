"""Where all transports of a relay report: connections to sessions, packets to rooms."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from relay.connections import Connection, Connections
from relay.hosted import HostedRoom, waits_for_a_tick
from relay.metrics import Metrics
from soiree.link import HomeLink
from soiree.rtc import Candidate
from soiree.transport import CONTROL, STATE, Packet, Transport

log = logging.getLogger("soiree.relay")

STREAMS = (CONTROL, STATE)
HELLO_TIMEOUT_S = 10.0
"""A connection that has not said hello by then, counted from its opening, is closed `timeout` (PROTOCOL 3)."""


class Switchboard:
    """The sink (`soiree.rtc.EngineSink`) of a relay's transports."""

    def __init__(self, metrics: Metrics, fail: Callable[[HostedRoom, Exception], None]) -> None:
        self.connections = Connections()
        self.home: HomeLink | None = None
        self._metrics = metrics
        self._fail = fail
        """Closes a room whose core has raised."""
        self._loop = asyncio.get_running_loop()

    def connect(self, transport: Transport, hosted: HostedRoom, peer: int) -> Connection:
        """A new connection for a session; crowds out what the session has too many of."""
        now = self._loop.time()
        connection = self.connections.add(transport, hosted, peer, since=now, hello_by=now + HELLO_TIMEOUT_S)
        for old in self.connections.surplus(connection):
            old.transport.close(old.conn, "superseded")
        self._metrics.connections.set(len(self.connections))
        return connection

    def forget(self, connection: Connection) -> None:
        """A connection that never came to be."""
        self.connections.remove(connection.conn)
        self._metrics.connections.set(len(self.connections))

    def dismiss(self, hosted: HostedRoom, reason: str) -> None:
        """A room has ended: tell whoever has a connection there that has not said hello, or whose hello is still on its way."""
        for connection in self.connections.waiting(hosted):
            hosted.dismiss(connection, reason)

    def close_silent(self) -> None:
        """Close what should have said hello by now."""
        for connection in self.connections.silent(self._loop.time()):
            if not connection.refused:
                connection.hosted.refuse(connection, "timeout", "No hello came in time.")

    # EngineSink

    def opened(self, conn: int) -> None:
        connection = self.connections.by_number.get(conn)
        if connection is not None:
            connection.opened = True
            connection.hello_by = self._loop.time() + HELLO_TIMEOUT_S

    def packets(self, packets: Sequence[Packet]) -> None:
        now = self._loop.time()
        by_number = self.connections.by_number
        rooms: set[HostedRoom] = set()
        for conn, stream, payload in packets:
            connection = by_number.get(conn)
            if connection is None:
                continue
            hosted = connection.hosted
            if stream == STATE and connection.attached and waits_for_a_tick(payload):
                hosted.keep(connection.peer, payload)
                continue
            rooms.add(hosted)
            try:
                self._take(connection, stream, payload, now)
            except Exception as error:  # noqa: BLE001 (what a room cannot bear must not take the other rooms' packets along)
                self._fail(hosted, error)
        for hosted in rooms:
            hosted.flush()
        for stream in STREAMS:
            sizes = [len(payload) for _, came_on, payload in packets if came_on == stream]
            if sizes:
                self._metrics.received(stream, len(sizes), sum(sizes))

    @staticmethod
    def _take(connection: Connection, stream: int, payload: bytes, now: float) -> None:
        hosted = connection.hosted
        if connection.attached:
            if stream == CONTROL:
                hosted.room.control(connection.peer, payload, now)
            else:
                hosted.room.frames([(connection.peer, payload)], now)
        elif stream == CONTROL and not connection.refused:
            hosted.first_message(connection, payload, now)

    def candidate(self, conn: int, candidate: Candidate) -> None:
        connection = self.connections.by_number.get(conn)
        if connection is not None and self.home is not None:
            self.home.candidate(connection.name, candidate)

    def closed(self, conn: int, reason: str) -> None:
        connection = self.connections.remove(conn)
        if connection is None:
            return
        self._metrics.connections.set(len(self.connections))
        log.debug("connection %s closed: %s", connection.name, reason)
        connection.hosted.lost(connection, self._loop.time())
        if self.home is not None and not connection.opened:
            # An open one has been told why over its own streams, and what comes by way of the homeserver could overtake that.
            self.home.connection_closed(connection.name, reason)
