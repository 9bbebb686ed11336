"""The signalling WebSocket: one socket, one negotiation. A reader here, a writer with a bounded outbox beside it."""

import asyncio
import logging
from dataclasses import dataclass

import msgspec
from aiohttp import WSMsgType, web

from signalling.errors import CLOSE_CODES, InvalidError, ShutdownError, SignalError
from signalling.homeserver import Homeserver
from signalling.limits import FIRST_OFFER_TIMEOUT_S, MAX_SIGNAL_BYTES, SIGNAL_HEARTBEAT_S, SIGNAL_OUTBOX
from signalling.negotiation import (
    AnswerMessage,
    CandidateMessage,
    ClosedMessage,
    ErrorMessage,
    Negotiation,
    OfferMessage,
    Told,
)
from signalling.switchboard import Event
from soiree.link import LinkError
from soiree.rtc.engine import Candidate
from soiree.ticket import TicketError

log = logging.getLogger("soiree.home.signal")

HARD_LIMIT_BYTES = 2 * MAX_SIGNAL_BYTES
"""Past it aiohttp itself gives up reading a frame, with close code 1009; between the two bounds the client is told why."""
GOODBYE_TIMEOUT_S = 2.0
"""How long a client may take to return a close frame."""

_REASONS = {
    "unauthorized": "unauthorized",
    "session-gone": "session-gone",
    "unknown-room": "session-gone",
    "bad-sdp": "malformed",
    "draining": "shutdown",
    "room-full": "unauthorized",
    "busy": "rate",
}
"""The relay's refusals of an offer as reasons of docs/PROTOCOL.md section 9; all others are `unavailable`."""


async def serve_signal(home: Homeserver, request: web.Request, client_key: str) -> web.StreamResponse:
    """Carry one negotiation until either side ends it. Raises ApiError before the WebSocket is there."""
    if home.stopping.is_set():
        raise ShutdownError
    with home.signal_sockets.place(client_key):
        websocket = web.WebSocketResponse(
            max_msg_size=HARD_LIMIT_BYTES, heartbeat=SIGNAL_HEARTBEAT_S, compress=False, timeout=GOODBYE_TIMEOUT_S
        )
        if not websocket.can_prepare(request):
            raise InvalidError("This address speaks WebSocket: open it with one.")
        await websocket.prepare(request)
        await SignalSocket(home, websocket).run()
        return websocket


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The last thing in an outbox."""

    reason: str


class SignalSocket:
    """One client's negotiation. A `Line` of the switchboard."""

    def __init__(self, home: Homeserver, websocket: web.WebSocketResponse) -> None:
        self._home = home
        self._websocket = websocket
        self._negotiation = Negotiation(home.monotonic())
        self._outbox: asyncio.Queue[Told | Goodbye] = asyncio.Queue(SIGNAL_OUTBOX)
        self._connections: set[str] = set()
        self._newest: str | None = None

    async def run(self) -> None:
        """Read until the end, then forget everything of this socket."""
        writer = asyncio.create_task(self._write())
        self._home.signal_lines.add(self)
        try:
            await self._read()
        except SignalError as error:
            self._tell(ErrorMessage(error.reason, error.message))
            self._tell(Goodbye(error.reason))
            await asyncio.wait([writer], timeout=2 * GOODBYE_TIMEOUT_S)
        finally:
            self._home.signal_lines.discard(self)
            writer.cancel()
            # Nothing awaited here: the handler may be ended because its client has gone.
            self._home.hang_up(self._connections)

    def stop(self) -> None:
        """The server stops."""
        self._tell(Goodbye("shutdown"))

    def tell(self, connection: str, event: Event) -> None:
        """What the relay has to say about a connection."""
        if isinstance(event, Candidate):
            if connection == self._newest:
                self._tell(CandidateMessage(event.candidate, event.mid))
            return
        self._connections.discard(connection)
        self._home.switchboard.disconnect(connection)
        self._tell(ClosedMessage(connection, event))

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(FIRST_OFFER_TIMEOUT_S):
                frame = await self._websocket.receive()
        except TimeoutError:
            raise SignalError("timeout", "No offer came in time.") from None
        while frame.type is WSMsgType.TEXT:
            message = self._negotiation.hear(frame.data, self._home.monotonic())
            if isinstance(message, OfferMessage):
                await self._offer(message)
            elif self._newest is not None:
                await self._candidate(self._newest, message)
            frame = await self._websocket.receive()
        if frame.type is WSMsgType.BINARY:
            raise SignalError("malformed", "Signalling messages are text frames.")

    async def _offer(self, message: OfferMessage) -> None:
        home = self._home
        try:
            claims = home.verifier.session_token(message.token, home.wall())
        except TicketError as error:
            raise SignalError("unauthorized", error.message) from None
        self._negotiation.belongs(claims.room, claims.session)
        with home.switchboard.offering():
            try:
                accepted = await home.link.offer(message.token, message.sdp)
            except LinkError as error:
                raise SignalError(_REASONS.get(error.code, "unavailable"), error.message) from None
            self._connections.add(accepted.connection)
            self._newest = accepted.connection
            self._tell(AnswerMessage(accepted.sdp, accepted.connection))
            home.switchboard.connect(accepted.connection, self)

    async def _candidate(self, connection: str, message: CandidateMessage) -> None:
        try:
            await self._home.link.candidate(connection, Candidate(message.candidate, message.mid))
        except LinkError as error:
            log.debug("the relay took no candidate: %s", error.code)

    def _tell(self, message: Told | Goodbye) -> None:
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            # The client reads nothing: nothing said in words would reach it.
            self._outbox.get_nowait()
            self._outbox.put_nowait(Goodbye("rate"))

    async def _write(self) -> None:
        while True:
            message = await self._outbox.get()
            try:
                if isinstance(message, Goodbye):
                    await self._websocket.close(code=CLOSE_CODES[message.reason], message=message.reason.encode())
                    return
                await self._websocket.send_str(msgspec.json.encode(message).decode())
            except (ConnectionError, RuntimeError):
                return  # The client is gone; the reader hears of it too.
