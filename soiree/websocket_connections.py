"""The data WebSocket as a transport, the same at both ends: TCP made to behave like a channel that never queues stale state.

TCP delivers everything, however late, so whatever waits must wait where it can still be dropped. The kernel is told to hold little
(`NOTSENT_LOWAT_BYTES`); a message is written only while the socket takes it; past that it waits here: control in order and bounded, state
up to the connection's cap and not for long. How many frames may be on their way is the replication's to limit, since it hears the acks.
"""

import asyncio
import logging
import socket
from collections import deque
from typing import Any

from aiohttp import ClientError, ClientWebSocketResponse, WebSocketError, WSMsgType, web

from soiree.connections import FLUSH_POLL_S, Connection, ConnectionTable
from soiree.transport import CONTROL, MAX_CONTROL_BYTES, CloseReason, Rung
from soiree.websocket import MALFORMED, TOO_BIG, FramingError, close_frame, frame, unframe

log = logging.getLogger("soiree.websocket")

NOTSENT_LOWAT_BYTES = 8 * 1024
"""Unsent bytes in the kernel above which the socket takes no more (TCP_NOTSENT_LOWAT)."""
SEND_BUFFER_BYTES = 64 * 1024
"""SO_SNDBUF: bounds what is sent and unacknowledged, and so the rate, to this much each round trip."""
MAX_STATE_AGE_S = 0.25
"""State that waited longer than this for a stalled socket is dropped: newer has been made since."""
BURST_BYTES = 16 * 1024
"""What may be written in one turn of the loop before it counts as waiting: uvloop hands it to the kernel only when the turn ends."""
MAX_MESSAGE_BYTES = 4 * MAX_CONTROL_BYTES
"""Most that aiohttp reads; above our limits, so that a message over those is seen and its sender told why it is closed."""
CLOSE_TIMEOUT_S = 3.0
"""How long the other side may take to answer a close frame before its socket is aborted. If it still sends by then, its own stack
throws away what it has not read of our last words, so who is merely busy for a moment is waited for."""

AnyWebSocket = web.WebSocketResponse | ClientWebSocketResponse


class WebSocketConnection(Connection):
    """One WebSocket with what waits for it."""

    def __init__(self, conn: int, ws: AnyWebSocket) -> None:
        super().__init__(conn)
        writer = ws._writer  # noqa: SLF001 (aiohttp has no other way to see how much is buffered)
        if writer is None:
            raise ValueError("the WebSocket must be prepared")
        self.ws = ws
        self.deaf = asyncio.Event()
        """Set when nothing more comes from the other side."""
        self.ended = asyncio.Event()
        """Set when everything of the connection is freed."""
        self._loop = asyncio.get_running_loop()
        self._writer = writer
        self._socket = writer.transport
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._state: deque[tuple[float, bytes]] = deque()
        self._state_bytes = 0
        self._unsent_this_turn = 0
        """Bytes of messages that the socket did not take at once."""
        self._relief: asyncio.Task[None] | None = None
        """Runs while the socket is congested; without it messages are written at once."""
        self._socket.set_write_buffer_limits(high=0)
        self._keep_kernel_queue_short()

    def _keep_kernel_queue_short(self) -> None:
        sock = self._socket.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            if hasattr(socket, "TCP_NOTSENT_LOWAT"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, NOTSENT_LOWAT_BYTES)

    def buffered(self, stream: int) -> int:
        waiting = self._control_bytes if stream == CONTROL else self._state_bytes
        unsent = self._socket.get_write_buffer_size() - min(self._unsent_this_turn, BURST_BYTES)
        return waiting + unsent if unsent > 0 else waiting

    def transmit(self, stream: int, payload: bytes) -> bool:
        if self._socket.is_closing():
            return False
        message = frame(stream, payload)
        if self._relief is None:
            self._write(message)
            if self._socket.get_write_buffer_size():
                self._note_unsent(len(message))
        elif stream == CONTROL:
            self._control.append(message)
            self._control_bytes += len(message)
        else:
            self._state.append((self._loop.time(), message))
            self._state_bytes += len(message)
        return True

    def _note_unsent(self, size: int) -> None:
        """The socket did not take all of a message at once, as TLS may not; whether it is congested is seen when this turn is over."""
        if not self._unsent_this_turn:
            self._loop.call_soon(self._look_for_congestion)
        self._unsent_this_turn += size

    def _look_for_congestion(self) -> None:
        self._unsent_this_turn = 0
        if self._relief is None and self._socket.get_write_buffer_size():
            self._relief = self._loop.create_task(self._relieve())

    def _write(self, message: bytes) -> None:
        """Write without waiting: what aiohttp's coroutine does in its first step, without a coroutine for each message."""
        writer = self._writer
        if not writer._closing:  # noqa: SLF001
            try:
                writer._write_websocket_frame(message, WSMsgType.BINARY, 0)  # noqa: SLF001
            except ClientError:
                return

    async def _relieve(self) -> None:
        """Feed a congested socket, one message each time that it has taken the last: control first, state while it is fresh."""
        try:
            while True:
                await self._writer.protocol._drain_helper()  # noqa: SLF001 (the drain of aiohttp's own writer)
                message = self._next()
                if message is None or self._socket.is_closing():
                    return
                self._write(message)
        except (OSError, ClientError):
            return
        finally:
            self._relief = None

    def _next(self) -> bytes | None:
        if self._control:
            message = self._control.popleft()
            self._control_bytes -= len(message)
            return message
        oldest = self._loop.time() - MAX_STATE_AGE_S
        while self._state:
            queued_at, message = self._state.popleft()
            self._state_bytes -= len(message)
            if queued_at >= oldest:
                return message
            self.dropped_out += 1
        return None

    def flushed(self) -> bool:
        return self._socket.is_closing() or self.buffered(CONTROL) == 0

    def rung(self) -> Rung:
        return Rung.WEBSOCKET

    async def shut(self) -> None:
        code, text = close_frame(self.reason)
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                # aiohttp's own `close` does not wait for the answer while somebody reads.
                await self._writer.close(code, text)
                await self.deaf.wait()
                while self._socket.get_write_buffer_size():  # noqa: ASYNC110 (aiohttp's drain waits for less to be left, not for nothing)
                    await asyncio.sleep(FLUSH_POLL_S)
        except (TimeoutError, OSError, ClientError) as error:
            log.debug("connection %d did not close in order: %r", self.conn, error)
        # A reader that has stalled would hold the socket for as long as it likes.
        self._socket.abort()
        await self.ws.close()  # nothing can be sent any more: it only lets go of what aiohttp keeps
        if self._relief is not None:
            self._relief.cancel()
            await asyncio.wait([self._relief])
        self.ended.set()


class WebSocketTransport(ConnectionTable[WebSocketConnection]):
    """The data WebSockets of one end."""

    name = "websocket"

    async def run(self, conn: int, ws: AnyWebSocket) -> None:
        """Carry one connection from now until nothing of it is left. Raises ValueError for a number in use."""
        await self._carry(self._adopt(conn, ws))

    def _adopt(self, conn: int, ws: AnyWebSocket) -> WebSocketConnection:
        connection = WebSocketConnection(conn, ws)
        self._begin(connection)
        self._opened(connection)
        return connection

    async def _carry(self, connection: WebSocketConnection) -> None:
        try:
            while self._take(connection, await connection.ws.receive()):
                pass
        except ClientError:  # a ping that came too late to be answered
            self._end(connection, CloseReason.FAILED)
        except asyncio.CancelledError:
            self._end(connection, CloseReason.FAILED)
            raise
        finally:
            connection.deaf.set()
        await connection.ended.wait()

    def _take(self, connection: WebSocketConnection, message: Any) -> bool:
        """Act on what aiohttp received; False when it was the last."""
        if message.type is WSMsgType.BINARY:
            return self._take_binary(connection, message.data)
        self._end(connection, self._reason_for(message))
        return False

    def _take_binary(self, connection: WebSocketConnection, message: bytes) -> bool:
        try:
            stream, payload = unframe(message)
        except FramingError:
            self._end(connection, MALFORMED)
            return False
        self._received(connection, stream, payload)
        return True

    def _reason_for(self, message: Any) -> str:
        if message.type is WSMsgType.TEXT:
            return MALFORMED
        if message.type is WSMsgType.CLOSE:
            return self._told_reason(message.data)
        if isinstance(message.data, WebSocketError):
            return CloseReason.OVERSIZED if message.data.code == TOO_BIG else MALFORMED
        return CloseReason.FAILED

    def _told_reason(self, code: int) -> str:  # noqa: ARG002 (the relay believes no stranger's reason; the client does)
        return CloseReason.REMOTE
