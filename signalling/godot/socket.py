"""The WebSocket at `/godot`: a reader, and a writer with a bounded outbox beside it."""

import asyncio

from aiohttp import WSMsgType, web

from signalling.errors import InvalidError, NotFoundError, ShutdownError
from signalling.godot.desk import LobbyDesk
from signalling.godot.limits import MAX_MESSAGE_CHARS, OUTBOX, PING_INTERVAL_S
from signalling.godot.names import wish_of
from signalling.godot.words import LobbyError, Words
from soiree.link import LobbyMode

PATH = "/godot"
HARD_LIMIT_BYTES = 8 * MAX_MESSAGE_CHARS
"""Past it aiohttp itself gives up reading a frame, with close code 1009."""
GOODBYE_TIMEOUT_S = 2.0
"""How long a client may take to return a close frame."""

DESK = web.AppKey("lobby_desk", LobbyDesk)


async def serve_lobbies(request: web.Request, client_key: str, base_url: str) -> web.StreamResponse:
    """Carry one socket until either side ends it. Raises ApiError before the WebSocket is there."""
    desk = request.app[DESK]
    if desk.home.stopping.is_set():
        raise ShutdownError
    mode = desk.home.config.godot_mode
    if mode == "off":
        raise NotFoundError
    try:
        wish = wish_of(request.query, LobbyMode(mode))
    except ValueError as error:
        raise InvalidError(str(error)) from None
    websocket = web.WebSocketResponse(
        max_msg_size=HARD_LIMIT_BYTES, heartbeat=PING_INTERVAL_S, compress=False, timeout=GOODBYE_TIMEOUT_S
    )
    if not websocket.can_prepare(request):
        raise InvalidError(
            "This address speaks WebSocket: give it to a Godot game, as docs/PROTOCOL.md tells, section 11."
        )
    await websocket.prepare(request)
    socket = LobbySocket(websocket, request.transport, base_url)
    conn = desk.arrive(socket, client_key, wish)
    try:
        await socket.run(desk, conn)
    finally:
        desk.depart(conn)
    return websocket


class LobbySocket:
    """One client's socket. A `Line` of the desk."""

    def __init__(self, websocket: web.WebSocketResponse, transport: asyncio.Transport | None, base_url: str) -> None:
        self.base_url = base_url
        self._websocket = websocket
        self._transport = transport
        self._outbox: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue(OUTBOX)
        self._parting = False

    def tell(self, text: str) -> None:
        """Send a message."""
        try:
            self._outbox.put_nowait(text)
        except asyncio.QueueFull:
            # The client reads nothing: no reason given would reach it.
            if self._transport is not None:
                self._transport.abort()

    def hang_up(self, code: int, words: str) -> None:
        """Close it, once what was told before is sent."""
        self._parting = True
        if self._outbox.full():
            self._outbox.get_nowait()
        self._outbox.put_nowait((code, words))

    async def run(self, desk: LobbyDesk, conn: int) -> None:
        """Read until the end."""
        writer = asyncio.create_task(self._write())
        try:
            async for frame in self._websocket:
                if frame.type is WSMsgType.TEXT:
                    await desk.hear(conn, frame.data)
                elif frame.type is WSMsgType.BINARY:
                    desk.refuse(conn, LobbyError(Words.INVALID_TRANSFER_MODE))
            if self._parting:  # the reason is still on its way
                await asyncio.wait([writer], timeout=2 * GOODBYE_TIMEOUT_S)
        finally:
            writer.cancel()

    async def _write(self) -> None:
        while True:
            said = await self._outbox.get()
            try:
                if isinstance(said, str):
                    await self._websocket.send_str(said)
                else:
                    await self._websocket.close(code=said[0], message=said[1].encode())
                    return
            except (ConnectionError, RuntimeError):
                return  # The client is gone; the reader hears of it too.
