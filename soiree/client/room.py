"""A room that one is in: the driver of a session (`soiree.client.session`) over its connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from soiree.client import changes as ch
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.errors import RefusedError, RoomClosedError
from soiree.client.ladder import Choice, Ladder
from soiree.client.lifeline import Lifeline
from soiree.client.placement import Held, placed_bytes
from soiree.client.readers import Readers
from soiree.client.session import Answered, Broken, Ended, Phase, SendControl, SendState, Session, Welcomed
from soiree.transport import CONTROL, STATE, Packet, Rung
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.limits import MAX_DATA_BYTES, MAX_EVENT_BYTES
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import ZERO, Base, Transform
from soiree.wire.state import Slot

DEFAULT_SEND_HZ = 20.0
MAX_SEND_HZ = 60.0
PROMPT_APPLIED = 16
"""So many control messages applied are told at once rather than with the next serving tick: snapshots are paced by it."""
PROMPT_FRAMES = 2
"""So many frames are acknowledged at once over a WebSocket, where the relay lets only a few be under way unacknowledged."""


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

    def __init__(self, name: str, resume: str, identity: str, ladder_of: Callable[[Lifeline], Ladder]) -> None:
        self.name = name
        self.resume_token = resume
        self.identity = identity
        self.on_frame: Callable[[Frame], None] | None = None
        self.before_frame: Callable[[float], None] | None = None
        self.on_ask: Callable[[ch.Asked], bool | None] | None = None
        self._loop = asyncio.get_running_loop()
        self._session = Session(self)
        self._lifeline = Lifeline(self._session, self)
        self._lifeline.ladder = ladder_of(self._lifeline)
        self._answers: dict[int, asyncio.Future[m.Message]] = {}
        self._readers = Readers()
        self._welcome = asyncio.Event()
        self._over = asyncio.Event()
        self._ended: Ended | None = None
        self._pumping = False
        self._period_s = 1 / DEFAULT_SEND_HZ
        self._phase_s = 0.0
        self._ticking: asyncio.TimerHandle | None = None

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
        carrier = self._lifeline.carrier
        return None if carrier is None else carrier.rung

    @property
    def transport(self) -> str | None:
        """ "webrtc" or "websocket", None while there is no connection."""
        carrier = self._lifeline.carrier
        return None if carrier is None else carrier.kind

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
        session, lifeline = self._session, self._lifeline
        carried = lifeline.stats()
        return RoomStats(
            rung=self.rung,
            engine=None if lifeline.carrier is None else lifeline.carrier.engine,
            rtt_s=session.clock.rtt_s,
            connections=lifeline.connections,
            frames_in=session.frames_in,
            records_in=session.records_in,
            records_out=session.upward.records_sent,
            packets_in=carried.packets_in,
            packets_out=carried.packets_out,
            bytes_in=carried.bytes_in,
            bytes_out=carried.bytes_out,
            dropped_out=carried.dropped_out,
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
        return self._session.phase is Phase.LIVE and self._lifeline.send(STATE, st.pack_data(to, data))

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
            self.pump()

    def write(
        self,
        entity: Entity,
        slot: Slot,
        held: Held,
        base: Base | None,
        *,
        resting: bool,
        teleport: bool,
        place: Vec3 | None,
    ) -> None:
        """Part of `soiree.client.entity.Hub`; use `Entity.set` and its like."""
        now = self._loop.time()
        self._session.write(entity, slot, held, base, now, resting=resting, teleport=teleport, place=place)

    def changes(self, *, state: bool = True) -> AsyncIterator[ch.Change]:
        """What happens from this call on, in order; state of an entity is coalesced, and left out unless `state`.

        The iteration ends when the room is left, raises RoomClosedError when the session ends otherwise, and SlowReaderError when
        more than `feed.MAX_UNREAD_CHANGES` wait unread. Raises ValueError for more than `readers.MAX_READERS` at a time.
        """
        return self._readers.add(state=state)

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
        await self._lifeline.switch(transport)
        await self._welcomed()

    async def _welcomed(self) -> None:
        while self._ended is None and self._session.phase is not Phase.LIVE:
            self._welcome.clear()
            await self._welcome.wait()
        if self._ended is not None:
            raise RoomClosedError(self._ended.reason, self._ended.words)

    async def open(self) -> None:
        """Connect, and wait until the relay has said welcome. Raises DialError and RoomClosedError."""
        await self._lifeline.open()
        self._schedule()
        await self._welcomed()

    async def leave(self, reason: str = "bye") -> None:
        """Say bye, close everything; returns when nothing is left."""
        self._session.leave(reason)
        self.pump()
        await self._lifeline.aclose()

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
        if session.untold >= PROMPT_APPLIED or (session.unacked >= PROMPT_FRAMES and kind == "websocket"):
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
        # Into silence one frame a second is enough.
        if self._lifeline.may_speak(now, now - due) or int(due) != int(due - self._period_s):
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
            waiting = self._answers.get(output.n)
            if waiting is not None and not waiting.done():
                waiting.set_result(output.message)
        elif isinstance(output, ch.Change):
            self._tell(output)
        elif isinstance(output, Welcomed):
            self._lifeline.welcomed()
            self._welcome.set()
            self._readers.publish(ch.Connected(self.rung or ""))
        elif isinstance(output, Broken):
            self._lifeline.lose(output.reason)
        elif isinstance(output, Ended):
            self._finish(output)

    def _tell(self, change: ch.Change) -> None:
        if isinstance(change, ch.Asked) and self.on_ask is not None:
            allowed = self.on_ask(change)
            if allowed is not None:
                (change.allow if allowed else change.deny)()
        self._readers.publish(change)

    def _finish(self, ended: Ended) -> None:
        self._ended = ended
        if self._ticking is not None:
            self._ticking.cancel()
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(RoomClosedError(ended.reason, ended.words))
        self._readers.end(True if ended.reason == "bye" else RoomClosedError(ended.reason, ended.words))
        self._welcome.set()
        self._over.set()
        self._lifeline.end()
