"""The client's end of the data WebSocket."""

import asyncio

from aiohttp import ClientError, ClientSession, ClientWSTimeout, WSServerHandshakeError

from soiree.transport import Sink
from soiree.websocket import reason_of
from soiree.websocket_connections import CLOSE_TIMEOUT_S, MAX_MESSAGE_BYTES, WebSocketTransport

CONNECT_TIMEOUT_S = 15.0


class WebSocketConnectError(Exception):
    """The WebSocket did not open.

    Attributes:
        status: HTTP status of the refusal, None when it did not come to one.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class WebSocketClient(WebSocketTransport):
    """Opens data WebSockets. `Sink.closed` hears the reason that the relay's close code names, where it names one."""

    def __init__(self, sink: Sink, session: ClientSession | None = None) -> None:
        super().__init__(sink)
        self._session = session or ClientSession()
        self._owns_session = session is None
        self._runs: set[asyncio.Task[None]] = set()

    async def connect(self, conn: int, url: str) -> None:
        """Open a connection; it is open when this returns, and `Sink.opened` has been called.

        Raises WebSocketConnectError, and ValueError for a number in use.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                ws = await self._session.ws_connect(
                    url,
                    compress=0,
                    max_msg_size=MAX_MESSAGE_BYTES,
                    autoclose=False,
                    timeout=ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                )
        except WSServerHandshakeError as error:
            raise WebSocketConnectError(error.message, error.status) from error
        except (ClientError, OSError, TimeoutError) as error:
            raise WebSocketConnectError(f"the relay cannot be reached: {error}") from error
        try:
            connection = self._adopt(conn, ws)
        except ValueError:
            await ws.close()
            raise
        task = asyncio.create_task(self._carry(connection))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)

    async def aclose(self) -> None:
        await super().aclose()
        if self._runs:
            await asyncio.wait(self._runs)
        if self._owns_session:
            await self._session.close()

    def _told_reason(self, code: int) -> str:
        return reason_of(code)
