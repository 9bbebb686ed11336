"""A room that one is in: the driver of a session (`soiree.client.session`) over its connections."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from soiree.client import changes as ch
from soiree.client.carrier import Carrier, DialError
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.errors import RefusedError, RoomClosedError
from soiree.client.feed import Feed
from soiree.client.ladder import Choice, Ladder
from soiree.client.placement import Held, placed_bytes
from soiree.client.session import Answered, Broken, Ended, Phase, SendControl, SendState, Session, Welcomed
from soiree.transport import CONTROL, STATE, Packet, Rung
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.limits import MAX_DATA_BYTES, MAX_EVENT_BYTES
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import ZERO, Base, Transform
from soiree.wire.state import Slot

log = logging.getLogger("soiree.client")

DEFAULT_SEND_HZ = 20.0
MAX_SEND_HZ = 60.0
SILENCE_S = 3.5
"""The relay pings each second: without a word for so long the connection is given up and another one sought."""
HOLD_BACK_S = 1.0
"""After so long without a word nothing but signs of life is sent, since stacks queue what the network does not take."""
GIVE_UP_S = 60.0
"""How long another connection is sought; the relay gives up a session after 30 s."""
RETRY_FIRST_S = 0.1
RETRY_LAST_S = 2.0
PROMPT_APPLIED = 16
"""So many control messages applied are told at once rather than with the next serving tick: snapshots are paced by it."""
PROMPT_FRAMES = 2
"""So many frames are acknowledged at once over a WebSocket, where the relay lets only a few be under way unacknowledged."""
MAX_FEEDS = 64
"""Readers of changes at a time."""
FINAL = frozenset(
    (
        *("bye", "shutdown", "kicked", "closed", "session-gone", "superseded"),
        *("version", "protocol", "malformed", "oversized", "rate", "unauthorized"),
    )
)
"""Reasons after which the session is over, rather than only its connection."""


@dataclass(frozen=True, slots=True)
class RoomStats:
    """Counters of a stay."""

    rung: str | None
    """Where on the ladder the connection stands, None while there is none."""
    engine: str | None
    """What carries it."""
    rtt_s: float
    connections: int
    """How many there were, the present one included."""
    frames_in: int
    records_in: int
    records_out: int
    packets_in: int
    packets_out: int
    bytes_in: int
    """Payloads of all connections, without any header."""
    bytes_out: int
    dropped_out: int
    """State frames that the transport would not take."""
    unacked_records: int
    """Records of ours that the relay does not have yet."""


class Room:
    """A room that one is in. Made by `soiree.join`.

    Attributes:
        on_frame: called with each frame that moved something, from the handler that received it.
        before_frame: called at the beginning of each serving tick: what is set here goes out with the very next frame.
        on_ask: decides on requests for what we are master of: True allows, False denies, None leaves it to the readers of `changes()`.
    """

    def __init__(self, ladder_of: Callable[["Room"], Ladder], name: str, resume: str, identity: str) -> None:
        self.name = name
        self.resume_token = resume
        self.identity = identity
        self.on_frame: Callable[[Frame], None] | None = None
        self.before_frame: Callable[[float], None] | None = None
        self.on_ask: Callable[[ch.Asked], bool | None] | None = None
        self._loop = asyncio.get_running_loop()
        self._session = Session(self)
        self._ladder = ladder_of(self)
        self._carrier: Carrier | None = None
        self._retired: set[asyncio.Task[None]] = set()
        self._answers: dict[int, asyncio.Future[m.Message]] = {}
        self._feeds: dict[Feed, asyncio.Event] = {}
        self._welcome = asyncio.Event()
        self._lost = asyncio.Event()
        self._over = asyncio.Event()
        self._ended: Ended | None = None
        self._heard_at = 0.0
        self._connections = 0
        self._past = [0, 0, 0, 0, 0]
        self._pumping = False
        self._period_s = 1 / DEFAULT_SEND_HZ
        self._phase_s = 0.0
        self._ticking: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    # What is known.

    @property
    def peer_id(self) -> int:
        """Our own peer id."""
        return self._session.peer

    @property
    def host(self) -> bool:
        """Whether we host the room."""
        return self._session.host

    @property
    def info(self) -> m.RoomInfo:
        """Id, code and name of the room, and its speed limit."""
        assert self._session.room is not None, "set by the welcome that `join` waits for"
        return self._session.room

    @property
    def peers(self) -> Mapping[int, ch.Peer]:
        """Everybody here, oneself included, by id."""
        return MappingProxyType(self._session.world.peers)

    @property
    def entities(self) -> Mapping[int, Entity]:
        """Everything in sight, by id."""
        return MappingProxyType(self._session.world.entities)

    @property
    def rung(self) -> Rung | None:
        """Where on the ladder the connection stands, None while there is none."""
        return None if self._carrier is None else self._carrier.rung

    @property
    def transport(self) -> str | None:
        """ "webrtc" or "websocket", None while there is no connection."""
        return None if self._carrier is None else self._carrier.kind

    @property
    def tick(self) -> int:
        """The relay's 60 Hz tick now, as estimated here."""
        return self._session.clock.tick(self._loop.time())

    @property
    def relay_time_us(self) -> int | None:
        """The relay's clock now, None before its first ping."""
        return self._session.clock.relay_us(self._loop.time())

    @property
    def closed(self) -> str | None:
        """Why the session has ended, None as long as it has not."""
        return None if self._ended is None else self._ended.reason

    def stats(self) -> RoomStats:
        """Counters so far."""
        now = self._carrier.stats if self._carrier is not None else None
        session, past = self._session, self._past
        if now is not None:
            counts = (now.packets_in, now.packets_out, now.bytes_in, now.bytes_out, now.dropped_out)
            past = [before + count for before, count in zip(past, counts, strict=True)]
        return RoomStats(
            rung=self.rung,
            engine=None if self._carrier is None else self._carrier.engine,
            rtt_s=session.clock.rtt_s,
            connections=self._connections,
            frames_in=session.frames_in,
            records_in=session.records_in,
            records_out=session.upward.records_sent,
            packets_in=past[0],
            packets_out=past[1],
            bytes_in=past[2],
            bytes_out=past[3],
            dropped_out=past[4],
            unacked_records=len(session.upward),
        )

    # What one does.

    async def spawn(
        self,
        kind: str,
        position: Vec3 = ZERO,
        rotation: Quat = IDENTITY,
        *,
        rule: m.Rule = "ask",
        lifetime: m.Lifetime = "with-master",
        properties: Mapping[str, m.PropertyValue] | None = None,
        upright: bool = False,
        parent: Entity | None = None,
        attach_rule: m.AttachRule = "owner",
        only_if: Entity | None = None,
    ) -> Entity:
        """Make an entity, of which we are master and owner.

        Args:
            kind: what it is, 1 to 32 characters; from an "avatar" one looks.
            position: metres, in the world or in the frame of `parent`.
            rotation: (x, y, z, w).
            rule: what becomes of requests for it.
            lifetime: whether it goes when its master leaves.
            properties: at most 32 keys.
            upright: send only its turn about +Y: shorter.
            parent: what it rides in.
            attach_rule: who may ride in it.
            only_if: refused "stale" unless we own this entity at the epoch known here: one gun fires one bullet.

        Raises:
            RefusedError: with the reason.
            ValueError: a position, rotation or message that cannot be sent.
        """
        state = placed_bytes(
            Transform(position, rotation), upright=upright and parent is None, child=parent is not None
        )
        condition = None if only_if is None else m.Condition(only_if.id, only_if.epoch)
        parent_id = 0 if parent is None else parent.id
        answer = await self.command(
            m.Spawn, kind, state, rule, lifetime, dict(properties or {}), parent_id, attach_rule, condition
        )
        assert isinstance(answer, m.Spawned), "what spawn is answered with"
        entity = self.entities[answer.entity]
        entity.upright = upright
        return entity

    async def send_event(
        self,
        name: str,
        payload: Any = None,
        *,
        to: int = 0,
        entity: Entity | None = None,
        only_if: Entity | None = None,
    ) -> None:
        """Send an event, reliably and in order.

        Args:
            name: 1 to 64 characters.
            payload: anything that MessagePack can hold, up to 8 KiB.
            to: 0 for everybody (oneself included), a peer id, or −n for all but peer n.
            entity: what it is about; who does not see it does not hear of it.
            only_if: refused "stale" unless we own this entity at the epoch known here.

        Raises:
            RefusedError: with the reason.
            ValueError: a payload that cannot be sent.
        """
        try:
            raw = msgspec.msgpack.encode(payload)
        except (TypeError, OverflowError, msgspec.MsgspecError) as error:
            raise ValueError(f"an event's payload must be plain data: {error}") from error
        if len(raw) > MAX_EVENT_BYTES:
            raise ValueError(f"an event's payload of {len(raw)} bytes, {MAX_EVENT_BYTES} at most")
        condition = None if only_if is None else m.Condition(only_if.id, only_if.epoch)
        await self.command(m.SendEvent, name, msgspec.Raw(raw), to, 0 if entity is None else entity.id, condition)

    def send(self, data: bytes, *, to: int = 0, reliable: bool = False) -> bool:
        """Send up to 1024 opaque bytes, relayed unread: to 0 for all others, a peer id, or −n for all but peer n.

        Returns:
            False when the network did not take it (never so if `reliable`).
        """
        if len(data) > MAX_DATA_BYTES:
            raise ValueError(f"{len(data)} bytes, {MAX_DATA_BYTES} at most")
        if reliable:
            self._say(m.SendData, to, data)
            return True
        live = self._session.phase is Phase.LIVE and self._carrier is not None
        return live and self._carrier.send(STATE, st.pack_data(to, data))  # type: ignore[union-attr]  # live only with one

    async def set_view(self, x: float, y: float, z: float, radius_m: float) -> None:
        """Look from here rather than from one's avatar; radius 0: from the avatar again."""
        await self.command(m.View, x, y, z, radius_m)

    async def set_budget(self, kbit_s: int) -> None:
        """Cap what is sent down to us, IP and UDP headers included; 0: the relay adapts."""
        await self.command(m.Budget, kbit_s)

    def set_rate(self, hz: float, phase_s: float = 0.0) -> None:
        """Serve `hz` times a second, up to 60, at multiples of the period on the loop's clock plus `phase_s`."""
        if not 1.0 <= hz <= MAX_SEND_HZ:
            raise ValueError(f"a rate of {hz} Hz, 1 to {MAX_SEND_HZ:g}")
        self._period_s, self._phase_s = 1 / hz, phase_s
        self._schedule()

    async def command(self, message_type: type[m.Message], *fields: Any) -> m.Message:
        """Send any command of docs/PROTOCOL.md section 4; returns the relay's answer. Raises RefusedError, RoomClosedError, ValueError."""
        number = self._say(message_type, *fields)
        answered = self._answers[number] = self._loop.create_future()
        try:
            answer: m.Message = await answered
        finally:
            self._answers.pop(number, None)
        if isinstance(answer, m.Refused):
            raise RefusedError(answer.reason, answer.entity, answer.owner, answer.epoch)
        return answer

    def _say(self, message_type: type[m.Message], *fields: Any) -> int:
        if self._ended is not None:
            raise RoomClosedError(self._ended.reason, self._ended.words)
        try:
            return self._session.command(message_type, *fields)
        finally:
            self._pump()

    def write(
        self, entity: Entity, slot: Slot, held: Held, base: Base | None, *, resting: bool, teleport: bool
    ) -> None:
        """Part of `soiree.client.entity.Hub`; use `Entity.set` and its like."""
        self._session.write(entity, slot, held, base, self._loop.time(), resting=resting, teleport=teleport)

    def changes(self, *, state: bool = True) -> AsyncIterator[ch.Change]:
        """What happens from this call on, in order; state of an entity is coalesced, and left out unless `state`.

        The iteration ends when the room is left, raises RoomClosedError when the session ends otherwise, and SlowReaderError when
        more than `feed.MAX_UNREAD_CHANGES` wait unread.
        """
        if len(self._feeds) >= MAX_FEEDS:
            raise ValueError(f"{MAX_FEEDS} readers of changes already")
        feed = Feed(state=state)
        if self._ended is not None:
            feed.end(_how_it_ended(self._ended))
        self._feeds[feed] = asyncio.Event()
        return self._read(feed)

    async def _read(self, feed: Feed) -> AsyncIterator[ch.Change]:
        wake = self._feeds[feed]
        try:
            while True:
                while (change := feed.take()) is not None:
                    yield change
                if feed.over is True:
                    return
                if feed.over is not False:
                    raise feed.over
                wake.clear()
                await wake.wait()
        finally:
            self._feeds.pop(feed, None)

    async def wait_closed(self) -> str:
        """Wait for the end of the session; returns its reason."""
        await self._over.wait()
        assert self._ended is not None, "that is what was waited for"
        return self._ended.reason

    async def switch(self, transport: Choice) -> None:
        """Carry the session on over this transport (and, but for "auto", only over this one from now on).

        Raises:
            DialError: it does not come up; the session goes on as it was.
        """
        before = self._ladder.choice
        if transport != "auto" and transport != self.transport:
            carrier = await self._ladder.dial(transport)
            self._ladder.choice = transport
            self._adopt(carrier)
        self._ladder.choice = transport
        if (before == "auto") != (transport == "auto"):
            self._lost.set()  # the supervisor looks anew at what is left to be done
        await self._welcomed()

    async def _welcomed(self) -> None:
        waiting = {asyncio.ensure_future(self._welcome.wait()), asyncio.ensure_future(self._over.wait())}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if self._ended is not None:
            raise RoomClosedError(self._ended.reason, self._ended.words)

    # Connections.

    async def open(self) -> None:
        """Connect, and wait until the relay has said welcome. Raises DialError and RoomClosedError."""
        carrier = await self._ladder.climb()
        self._adopt(carrier)
        self._schedule()
        self._task = self._loop.create_task(self._supervise())
        await self._welcomed()

    async def leave(self, reason: str = "bye") -> None:
        """Say bye, close everything; returns when nothing is left."""
        self._session.leave(reason)
        self._pump()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._ladder.stop()
        self._retire()
        while self._retired:
            await asyncio.wait(self._retired)

    async def _supervise(self) -> None:
        """Keep the session connected until it ends."""
        while self._ended is None:
            if self._carrier is None and not await self._reconnect():
                return
            self._lost.clear()
            climber = None
            if self._ladder.choice == "auto" and self.transport == "websocket" and self._ladder.offers("webrtc"):
                climber = self._loop.create_task(self._rise())
            try:
                await self._lost.wait()
            finally:
                if climber is not None:
                    climber.cancel()
                    await asyncio.wait({climber})

    async def _rise(self) -> None:
        self._adopt(await self._ladder.rise())

    async def _reconnect(self) -> bool:
        deadline, pause_s = self._loop.time() + GIVE_UP_S, RETRY_FIRST_S
        while self._ended is None:
            try:
                self._adopt(await self._ladder.climb())
            except DialError as error:
                if self._loop.time() + pause_s > deadline or (error.code in FINAL and self._ladder.opened):
                    self._session.end(error.code if error.code in FINAL else "unreachable", str(error))
                    self._pump()
                    return False
                await asyncio.sleep(pause_s)
                pause_s = min(RETRY_LAST_S, 2 * pause_s)
            else:
                return True
        return False

    def _adopt(self, carrier: Carrier) -> None:
        """The session goes on over this connection."""
        if self._ended is not None or not carrier.alive:
            self._retire(carrier)
            self._lost.set()
            return
        self._retire()
        self._carrier = carrier
        self._connections += 1
        self._heard_at = self._loop.time()
        self._welcome.clear()
        self._session.attach()
        self._pump()

    def _retire(self, carrier: Carrier | None = None) -> None:
        """Close a connection, the present one by default, in the background."""
        if carrier is None:
            carrier, self._carrier = self._carrier, None
        if carrier is None:
            return
        stats = carrier.stats
        if stats is not None:
            counts = (stats.packets_in, stats.packets_out, stats.bytes_in, stats.bytes_out, stats.dropped_out)
            self._past = [before + count for before, count in zip(self._past, counts, strict=True)]
        closing = self._loop.create_task(carrier.aclose())
        self._retired.add(closing)
        closing.add_done_callback(self._retired.discard)

    def _lose(self, why: str) -> None:
        """The present connection is of no use any more."""
        log.debug("connection lost: %s", why)
        self._session.detach()
        self._retire()
        self._publish(ch.Interrupted())
        self._lost.set()

    def on_packets(self, carrier: Carrier, packets: Sequence[Packet]) -> None:
        """Part of `soiree.client.carrier.CarrierSink`."""
        if carrier is not self._carrier:
            return
        session, now = self._session, self._loop.time()
        self._heard_at = now
        for _, stream, payload in packets:
            if stream == CONTROL:
                session.control(payload, now)
            else:
                frame = session.frame(payload, now)
                if frame is not None:
                    self._on_frame(frame)
        if session.untold >= PROMPT_APPLIED or (session.unacked >= PROMPT_FRAMES and carrier.kind == "websocket"):
            session.frames(now)
        self._pump()

    def _on_frame(self, frame: Frame) -> None:
        if self._feeds:
            self._pump()  # what was told before the frame comes before it
            self._publish_state(frame)
        if self.on_frame is not None:
            self.on_frame(frame)

    def _publish_state(self, frame: Frame) -> None:
        wanting = [(feed, wake) for feed, wake in self._feeds.items() if feed.state]
        entities = frame.entities() if wanting else ()
        for feed, wake in wanting:
            for entity in entities:
                feed.put_state(entity)
            wake.set()

    def on_closed(self, carrier: Carrier, reason: str) -> None:
        """Part of `soiree.client.carrier.CarrierSink`."""
        if carrier is not self._carrier:
            return
        if reason == "unauthorized" and not self._ladder.opened:
            # Another way was faster with the ticket.
            self._ladder.opened = True
        elif reason in FINAL:
            self._session.end(reason)
        if self._ended is None:
            self._lose(reason)
        self._pump()

    # The serving tick, and what the session has to tell.

    def _schedule(self, after: float | None = None) -> None:
        """Set the timer for the first multiple of the period past `after` (timers may fire a little early) and past now."""
        if self._ticking is not None:
            self._ticking.cancel()
        period_s = self._period_s
        past = self._loop.time() if after is None else max(self._loop.time(), after + period_s / 2)
        due = ((past - self._phase_s) // period_s + 1) * period_s + self._phase_s
        self._ticking = self._loop.call_at(due, self._serve, due)

    def _serve(self, due: float) -> None:
        if self._ended is not None:
            return
        self._schedule(due)
        now = self._loop.time()
        if self.before_frame is not None and self._session.phase is Phase.LIVE:
            self.before_frame(now)
        silent_s = now - self._heard_at
        if now - due > HOLD_BACK_S:
            self._heard_at = max(
                self._heard_at, now - HOLD_BACK_S
            )  # it was we who slept: first hear what came meanwhile
        elif silent_s > SILENCE_S and self._carrier is not None:
            self._lose("silent")
        elif silent_s < HOLD_BACK_S or int(due) != int(due - self._period_s):
            self._session.frames(now)
        self._pump()

    def _pump(self) -> None:
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
            if self._carrier is not None:
                self._carrier.send(STATE, output.payload)
        elif isinstance(output, SendControl):
            if self._carrier is not None:
                self._carrier.send(CONTROL, output.payload)
        elif isinstance(output, Answered):
            waiting = self._answers.get(output.n)
            if waiting is not None and not waiting.done():
                waiting.set_result(output.message)
        elif isinstance(output, ch.Change):
            self._tell(output)
        elif isinstance(output, Welcomed):
            self._ladder.opened = True
            if self._carrier is not None:
                self._carrier.settle()
            self._welcome.set()
            self._publish(ch.Connected(self.rung or ""))
        elif isinstance(output, Broken):
            self._lose(output.reason)
        elif isinstance(output, Ended):
            self._finish(output)

    def _tell(self, change: ch.Change) -> None:
        if isinstance(change, ch.Asked) and self.on_ask is not None:
            allowed = self.on_ask(change)
            if allowed is not None:
                (change.allow if allowed else change.deny)()
        self._publish(change)

    def _publish(self, change: ch.Change) -> None:
        for feed, wake in self._feeds.items():
            feed.put(change)
            wake.set()

    def _finish(self, ended: Ended) -> None:
        self._ended = ended
        if self._ticking is not None:
            self._ticking.cancel()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(RoomClosedError(ended.reason, ended.words))
        for feed, wake in self._feeds.items():
            feed.end(_how_it_ended(ended))
            wake.set()
        self._over.set()
        self._lost.set()
        self._retire()


def _how_it_ended(ended: Ended) -> RoomClosedError | bool:
    return True if ended.reason == "bye" else RoomClosedError(ended.reason, ended.words)
