"""The relay's end of the data WebSocket."""

from aiohttp import web

from soiree.websocket_connections import CLOSE_TIMEOUT_S, MAX_MESSAGE_BYTES, WebSocketTransport


class WebSocketServer(WebSocketTransport):
    """Takes up WebSockets that an aiohttp handler has let in; what their query says is the handler's to check."""

    async def serve(self, conn: int, request: web.Request) -> web.WebSocketResponse:
        """Upgrade a request and carry the connection until it ends, as the body of an aiohttp handler."""
        ws = await self.upgrade(request)
        await self.run(conn, ws)
        return ws

    @staticmethod
    async def upgrade(request: web.Request) -> web.WebSocketResponse:
        """Upgrade a request alone, for a handler that closes with a code rather than refuse with a status (browsers hide that)."""
        # Compression costs CPU for each frame and memory for each peer, and packed frames hardly shrink.
        ws = web.WebSocketResponse(
            compress=False, max_msg_size=MAX_MESSAGE_BYTES, autoclose=False, timeout=CLOSE_TIMEOUT_S
        )
        await ws.prepare(request)
        return ws
