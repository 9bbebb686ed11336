"""What keeps a session connected: one connection after another, each better or newer than the last."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import astuple
from typing import Protocol

from soiree.client.carrier import Carrier, DialError
from soiree.client.ladder import Choice, Ladder
from soiree.client.session import Session
from soiree.transport import Packet, Rung, TransportStats

log = logging.getLogger("soiree.client")

SILENCE_S = 3.5
"""The relay pings each second: without a word for so long the connection is given up and another one sought."""
HOLD_BACK_S = 1.0
"""After so long without a word nothing but signs of life is sent, since stacks queue what the network does not take."""
GIVE_UP_S = 60.0
"""How long another connection is sought; the relay gives up a session after 30 s."""
RETRY_FIRST_S = 0.1
RETRY_LAST_S = 2.0
FINAL = frozenset(
    (
        *("bye", "shutdown", "kicked", "closed", "session-gone", "superseded"),
        *("version", "protocol", "malformed", "oversized", "rate", "unauthorized"),
    )
)
"""Reasons after which the session is over, rather than only its connection."""
NO_STATS = TransportStats(0, 0, 0, 0, 0)


class Lived(Protocol):
    """Whose session it is."""

    def on_connection_packets(self, kind: str, packets: Sequence[Packet]) -> None:
        """Packets of the present connection."""

    def on_interrupted(self) -> None:
        """There is no connection any more."""

    def pump(self) -> None:
        """Act on what the session has put out."""


class Lifeline:
    """The connections of one session. Say with `ladder` how they come about before anything else.

    Attributes:
        carrier: the present connection, None while there is none.
        connections: how many there were, the present one included.
        heard_at: loop time of the last word.
    """

    ladder: Ladder

    def __init__(self, session: Session, lived: Lived) -> None:
        self.carrier: Carrier | None = None
        self.connections = 0
        self.heard_at = 0.0
        self._session = session
        self._lived = lived
        self._loop = asyncio.get_running_loop()
        self._ended = False
        self._lost = asyncio.Event()
        self._live = asyncio.Event()
        """The present connection has brought the welcome."""
        self._task: asyncio.Task[None] | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._past = NO_STATS

    @property
    def rung(self) -> Rung | None:
        """Where on the ladder the present connection stands, None while there is none."""
        return None if self.carrier is None else self.carrier.rung

    # What the room does.

    async def open(self) -> None:
        """Make the first connection, and keep one from then on. Raises DialError."""
        self._adopt(await self.ladder.climb())
        self._task = self._loop.create_task(self._supervise())

    async def switch(self, transport: Choice) -> None:
        """Go over to this transport, and let only it be used from now on ("auto": any). Raises DialError."""
        before = self.ladder.choice
        if transport != "auto" and (self.carrier is None or transport != self.carrier.kind):
            carrier = await self.ladder.dial(transport)
            self.ladder.choice = transport
            self._adopt(carrier)
        self.ladder.choice = transport
        if (before == "auto") != (transport == "auto"):
            self._lost.set()  # the supervisor looks anew at what is left to be done

    def send(self, stream: int, payload: bytes) -> bool:
        """On the present connection; False when it was not taken."""
        return self.carrier is not None and self.carrier.send(stream, payload)

    def welcomed(self) -> None:
        """The relay has said welcome on the present connection."""
        self.ladder.opened = True
        self._live.set()
        if self.carrier is not None:
            self.carrier.settle()

    def lose(self, why: str) -> None:
        """The present connection is of no use any more."""
        log.debug("connection lost: %s", why)
        if self.carrier is not None and self.carrier.kind == "webrtc" and not self._live.is_set():
            self.ladder.shun()
        self._session.detach()
        self.retire()
        self._lived.on_interrupted()
        self._lost.set()

    def may_speak(self, now: float, late_s: float) -> bool:
        """Judge the silence at a serving tick that came `late_s` too late; False when nothing should be sent into it."""
        silent_s = now - self.heard_at
        if late_s > HOLD_BACK_S:
            # It was we who slept: first hear what came meanwhile.
            self.heard_at = max(self.heard_at, now - HOLD_BACK_S)
        elif silent_s > SILENCE_S and self.carrier is not None:
            self.lose("silent")
        return silent_s < HOLD_BACK_S

    def stats(self) -> TransportStats:
        """Counters of all connections together."""
        now = None if self.carrier is None else self.carrier.stats
        return self._past if now is None else _sum(self._past, now)

    def end(self) -> None:
        """The session is over."""
        self._ended = True
        self._lost.set()
        self.retire()

    async def aclose(self) -> None:
        """Close everything; returns when nothing is left."""
        self.end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.ladder.stop()
        while self._retired:
            await asyncio.wait(self._retired)

    # How it goes on.

    async def _supervise(self) -> None:
        while not self._ended:
            if self.carrier is None and not await self._reconnect():
                return
            self._lost.clear()
            rising = None
            on_websocket = self.carrier is not None and self.carrier.kind == "websocket"
            if on_websocket and self.ladder.choice == "auto" and self.ladder.offers("webrtc"):
                rising = self._loop.create_task(self._rise())
            try:
                await self._lost.wait()
            finally:
                if rising is not None:
                    rising.cancel()
                    await asyncio.wait({rising})

    async def _rise(self) -> None:
        carrier = await self.ladder.rise()
        try:
            # One hello at a time: on two connections they can overtake each other.
            await self._live.wait()
        except asyncio.CancelledError:
            if self.carrier is None:
                self._adopt(carrier)
            else:
                self._close(carrier)
            raise
        self._adopt(carrier)

    async def _reconnect(self) -> bool:
        deadline, pause_s = self._loop.time() + GIVE_UP_S, RETRY_FIRST_S
        while not self._ended:
            try:
                self._adopt(await self.ladder.climb())
            except DialError as error:
                final = error.code in FINAL and self.ladder.opened
                if final or self._loop.time() + pause_s > deadline:
                    self._session.end(error.code if final else "unreachable", str(error))
                    self._lived.pump()
                    return False
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_LAST_S, 2 * pause_s)
            else:
                return True
        return False

    def _adopt(self, carrier: Carrier) -> None:
        """The session goes on over this connection."""
        if self._ended or not carrier.alive:
            self._close(carrier)
            self._lost.set()
            return
        self.retire()
        self.carrier = carrier
        self.connections += 1
        self.heard_at = self._loop.time()
        self._session.attach()
        self._lived.pump()

    def retire(self) -> None:
        """Close the present connection in the background."""
        carrier, self.carrier = self.carrier, None
        self._live.clear()
        if carrier is not None:
            stats = carrier.stats
            self._past = self._past if stats is None else _sum(self._past, stats)
            self._close(carrier)

    def _close(self, carrier: Carrier) -> None:
        closing = self._loop.create_task(carrier.aclose())
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)

    # CarrierSink

    def on_packets(self, carrier: Carrier, packets: Sequence[Packet]) -> None:
        """Only the present connection is heard: what came on an older one is told again on this one."""
        if carrier is self.carrier:
            self.heard_at = self._loop.time()
            self._lived.on_connection_packets(carrier.kind, packets)

    def on_closed(self, carrier: Carrier, reason: str) -> None:
        """A connection is gone; the session may be, too."""
        if carrier is not self.carrier:
            return
        if reason == "unauthorized" and not self.ladder.opened:
            # Another way was faster with the ticket.
            self.ladder.opened = True
        elif reason in FINAL and (self._live.is_set() or reason != "superseded"):
            self._session.end(reason)
            self._lived.pump()
            return
        self.lose(reason)
        self._lived.pump()


def _sum(one: TransportStats, other: TransportStats) -> TransportStats:
    return TransportStats(*(a + b for a, b in zip(astuple(one), astuple(other), strict=True)))
