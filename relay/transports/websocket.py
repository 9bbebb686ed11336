"""The relay's end of the data WebSocket."""

from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import WSMsgType, web
from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.http_websocket import WebSocketReader, WebSocketWriter, WSMessage, WSMessageTextBytes

from soiree.websocket_connections import CLOSE_TIMEOUT_S, MAX_MESSAGE_BYTES, WebSocketConnection, WebSocketTransport

QUEUE_BYTES: Final = 64 * 1024
"""What aiohttp's own queue may hold, twice over, before the socket is read no further."""
MOST_AT_ONCE: Final = 4096
"""Messages of all connections that may wait to be told together. What comes then goes through aiohttp's queues, which stop reading."""


class WebSocketServer(WebSocketTransport):
    """Takes up WebSockets that an aiohttp handler has let in; what their query says is the handler's to check."""

    async def serve(self, conn: int, request: web.Request) -> web.WebSocketResponse:
        """Upgrade a request and carry the connection until it ends, as the body of an aiohttp handler."""
        ws = await self.upgrade(request)
        connection = self._adopt(conn, ws)
        ws.listen(partial(self._take_at_once, connection))
        await self._carry(connection)
        return ws

    @staticmethod
    async def upgrade(request: web.Request) -> "Upgraded":
        """Upgrade a request alone, for a handler that closes with a code rather than refuse with a status (browsers hide that)."""
        # Compression costs CPU for each frame and memory for each peer, and packed frames hardly shrink.
        ws = Upgraded(compress=False, max_msg_size=MAX_MESSAGE_BYTES, autoclose=False, timeout=CLOSE_TIMEOUT_S)
        await ws.prepare(request)
        return ws

    def _take_at_once(self, connection: WebSocketConnection, message: bytes) -> bool:
        if len(self._inbox) >= MOST_AT_ONCE:
            return False
        self._take_binary(connection, message)
        return True


class Upgraded(web.WebSocketResponse):
    """A WebSocket that can hand on binary messages where they are parsed: waking a task for each would cost more than all else."""

    def listen(self, listener: Callable[[bytes], bool]) -> None:
        """Have `listener` called with each binary message from now on. It never raises, and says False to leave it to `receive`."""
        self._express.listener = listener

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: WebSocketWriter) -> None:
        """Of aiohttp, which offers no other place for a queue of our own: nothing may have been parsed before."""
        self._ws_protocol = protocol
        self._writer = writer
        assert self._loop is not None
        self._reader = self._express = _Express(request.protocol, QUEUE_BYTES, loop=self._loop)
        self._parser = WebSocketReader(self._reader, self._max_msg_size, compress=False, decode_text=True)
        request.protocol.set_parser(self._parser)
        request.protocol.keep_alive(False)


class _Express(WebSocketDataQueue):
    """aiohttp's queue, which binary messages pass by while nothing waits in it: what comes stays in order."""

    listener: Callable[[bytes], bool] | None = None

    def feed_data(self, data: "WSMessage | WSMessageTextBytes", size: int) -> None:
        listener = self.listener
        if listener is None or data.type is not WSMsgType.BINARY or self._buffer or not listener(data.data):
            super().feed_data(data, size)
