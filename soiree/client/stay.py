"""A stay in a room: the driver of a session (`soiree.client.session`) over its connections."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from soiree.client import changes as ch
from soiree.client.answers import Answers
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.errors import RefusedError, RoomClosedError
from soiree.client.hub import Write
from soiree.client.ladder import Ladder
from soiree.client.lifeline import Lifeline
from soiree.client.outputs import Answered, Broken, Ended, SendControl, SendState, Welcomed
from soiree.client.readers import Readers
from soiree.client.serving_tick import ServingTick
from soiree.client.session import Phase, Session
from soiree.transport import CONTROL, STATE, Packet
from soiree.wire import messages as m

PROMPT_APPLIED = 16
"""So many control messages applied are told at once rather than with the next serving tick: snapshots are paced by it."""
PROMPT_FRAMES = 2
"""So many frames are acknowledged at once over a WebSocket, where the relay lets only a few be under way unacknowledged."""

BYE_S = 1.0
"""How long one who leaves without a connection waits for the next, to say bye on it: unsaid, others see us for 40 s more."""


class Stay:
    """Carries bytes between a session and its connections, and what happens to those who wait for it.

    Attributes:
        on_frame, before_frame, on_ask: as `soiree.client.room.Room` says.
    """

    def __init__(self, ladder_of: Callable[[Lifeline], Ladder]) -> None:
        self.on_frame: Callable[[Frame], None] | None = None
        self.before_frame: Callable[[float], None] | None = None
        self.on_ask: Callable[[ch.Asked], bool | None] | None = None
        self._loop = asyncio.get_running_loop()
        self._session = Session(self)
        self._lifeline = Lifeline(self._session, self)
        self._lifeline.ladder = ladder_of(self._lifeline)
        self._answers = Answers()
        self._readers = Readers()
        self._serving = ServingTick(self._serve)
        self._welcome = asyncio.Event()
        self._over = asyncio.Event()
        self._ended: Ended | None = None
        self._pumping = False

    async def _welcomed(self) -> None:
        while self._ended is None and self._session.phase is not Phase.LIVE:
            self._welcome.clear()
            await self._welcome.wait()
        if self._ended is not None:
            raise RoomClosedError(self._ended.reason, self._ended.words)

    async def open(self) -> None:
        """Connect, and wait until the relay has said welcome. Raises DialError and RoomClosedError."""
        await self._lifeline.open()
        self._serving.start()
        await self._welcomed()

    async def leave(self, reason: str = "bye") -> None:
        """Say bye, close everything; returns when nothing is left."""
        try:
            if self._session.peer and self._session.phase is Phase.OFFLINE:
                with suppress(TimeoutError, RoomClosedError):
                    async with asyncio.timeout(BYE_S):
                        await self._welcomed()
        finally:
            self._session.leave(reason)
            self.pump()
            await self._lifeline.aclose()

    # What entities need (`soiree.client.hub.Hub`).

    @property
    def peer_id(self) -> int:
        """Our own peer id."""
        return self._session.peer

    @property
    def entities(self) -> Mapping[int, Entity]:
        """Everything in sight, by id."""
        return MappingProxyType(self._session.world.entities)

    async def command(self, message_type: type[m.Message], *fields: Any) -> m.Message:
        """Send any command of docs/PROTOCOL.md section 4; returns the relay's answer. Raises RefusedError, RoomClosedError, ValueError."""
        (answer,) = await self._answers.wait(self._say(message_type, *fields))
        if isinstance(answer, m.Refused):
            raise RefusedError.of(answer)
        return answer

    def _say(self, message_type: type[m.Message], *fields: Any) -> int:
        if self._ended is not None:
            raise RoomClosedError(self._ended.reason, self._ended.words)
        try:
            return self._session.command(message_type, *fields)
        finally:
            self.pump()

    def write(self, write: Write) -> None:
        """Part of `soiree.client.hub.Hub`; use `Entity.set` and its like."""
        self._session.write(write, self._loop.time())

    def time(self) -> float:
        """Part of `soiree.client.hub.Hub`: the event loop's clock."""
        return self._loop.time()

    def relay_s(self, now: float) -> float:
        """Part of `soiree.client.hub.Hub`: the relay's ticks, in seconds, at a time of the event loop's clock."""
        return self._session.state.clock.seconds(now)

    # What the lifeline tells.

    def on_connection_packets(self, kind: str, packets: Sequence[Packet]) -> None:
        """Part of `soiree.client.lifeline.Lived`."""
        session, now = self._session, self._loop.time()
        for _, stream, payload in packets:
            if stream == CONTROL:
                session.control(payload, now)
            else:
                frame = session.frame(payload, now)
                if frame is not None:
                    self._take_frame(frame)
        if session.untold >= PROMPT_APPLIED or (session.state.unacked >= PROMPT_FRAMES and kind == "websocket"):
            session.frames(now)
        self.pump()

    def on_interrupted(self) -> None:
        """Part of `soiree.client.lifeline.Lived`."""
        self._readers.publish(ch.Interrupted())

    def _take_frame(self, frame: Frame) -> None:
        if self._readers:
            self.pump()  # what was told before the frame comes before it
            self._readers.publish_state(frame)
        if self.on_frame is not None:
            self.on_frame(frame)

    # The serving tick, and what the session has to tell.

    def _serve(self, now: float, late_s: float, second: bool) -> None:
        if self.before_frame is not None and self._session.phase is Phase.LIVE:
            self.before_frame(now)
        # Into silence one frame a second is enough.
        if self._lifeline.may_speak(now, late_s) or second:
            self._session.frames(now)
        self.pump()

    def pump(self) -> None:
        """Act on everything that the session has put out."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while outputs := self._session.drain():
                for output in outputs:
                    self._act(output)
        finally:
            self._pumping = False

    def _act(self, output: object) -> None:
        if isinstance(output, SendState):
            self._lifeline.send(STATE, output.payload)
        elif isinstance(output, SendControl):
            self._lifeline.send(CONTROL, output.payload)
        elif isinstance(output, Answered):
            self._answers.take(output.n, output.message)
        elif isinstance(output, ch.Change):
            self._tell(output)
        elif isinstance(output, Welcomed):
            self._lifeline.welcomed()
            self._welcome.set()
            self._readers.publish(ch.Connected(self._lifeline.rung or ""))
        elif isinstance(output, Broken):
            self._lifeline.lose(output.reason)
        elif isinstance(output, Ended):
            self._finish(output)

    def _tell(self, change: ch.Change) -> None:
        if isinstance(change, ch.Asked) and self.on_ask is not None:
            try:
                allowed = self.on_ask(change)
            except Exception as error:  # noqa: BLE001 (the application's; what else the relay has said must not be lost with it)
                self._loop.call_exception_handler({"message": "on_ask failed", "exception": error})
                allowed = None
            if allowed is not None:
                (change.allow if allowed else change.deny)()
        self._readers.publish(change)

    def _finish(self, ended: Ended) -> None:
        self._ended = ended
        self._serving.stop()
        self._answers.fail(RoomClosedError(ended.reason, ended.words))
        self._readers.end(True if ended.reason == "bye" else RoomClosedError(ended.reason, ended.words))
        self._welcome.set()
        self._over.set()
        self._lifeline.end()
