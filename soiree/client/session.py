"""One stay in a room, as the client lives it (docs/PROTOCOL.md sections 3 to 6).

Pure core: bytes and commands with `now` (monotonic s) in; bytes to send, answers and changes out, through `drain()`.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from soiree.client import changes as ch
from soiree.client import downward
from soiree.client.clock import Clock
from soiree.client.downward import Frame
from soiree.client.entity import Entity, Hub
from soiree.client.errors import RoomClosedError
from soiree.client.pace import Pace
from soiree.client.placement import Held
from soiree.client.upward import Upward
from soiree.client.world import World
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.acks import ReceiveWindow
from soiree.wire.control import Unknown
from soiree.wire.errors import WireError
from soiree.wire.numbered import BacklogError, Inbox, Outbox
from soiree.wire.quantise import Vec3
from soiree.wire.records import Base
from soiree.wire.state import Slot

AGENT = "soiree-python"
IDLE_FRAME_S = 0.2
"""A side with nothing to say sends an empty frame this often."""
DOUBT_S = 10.0
"""How long after a welcome a hello that was given up before it may still reach the relay, which then takes it for the newer one."""
MALFORMED_LIMIT = 16
"""Frames of the relay that cannot be read, after which the connection is given up."""


class Phase(Enum):
    """Where the session stands; ENDED is final."""

    OFFLINE = "offline"
    """No connection, or none that has said hello."""
    GREETING = "greeting"
    """hello was said, welcome not yet heard."""
    LIVE = "live"
    ENDED = "ended"


class SendControl(NamedTuple):
    """Bytes for the control stream of the current connection."""

    payload: bytes


class SendState(NamedTuple):
    """Bytes for the state stream of the current connection."""

    payload: bytes


class Answered(NamedTuple):
    """The relay answered the command numbered `n`."""

    n: int
    message: m.Message


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The session is live on the current connection."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The current connection cannot be trusted any more; another one can take over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    reason: str
    words: str = ""


Output = SendControl | SendState | Answered | Welcomed | Broken | Ended | ch.Change


class Session:
    """The whole state of a stay: numbered control, who and what is here, what goes up and has come down.

    Attributes:
        phase: where it stands.
        peer: our peer id, 0 before the first welcome.
        host: whether we are a host of the room.
        room: what the relay told of the room, None before the first welcome.
        world: who and what is here.
        clock: the relay's clock.
        upward: what we own and the relay does not have yet.
        unacked: frames with records that came since our last one.
        frames_in, records_in: STATE frames and records applied so far.
    """

    def __init__(self, hub: Hub) -> None:
        self.phase = Phase.OFFLINE
        self.peer = 0
        self.host = False
        self.room: m.RoomInfo | None = None
        self.world = World(hub, self._answer)
        self.clock = Clock()
        self.upward = Upward()
        self.frames_in = 0
        self.records_in = 0
        self._outbox = Outbox()
        self._inbox = Inbox()
        self._window = ReceiveWindow()
        self._fresh = True
        self._unanswered = False
        """A hello was said that no welcome followed, on a connection given up since."""
        self._doubt_until = 0.0
        self._malformed = 0
        self._paces: dict[int, Pace] = {}
        """Of entities that we move, by id."""
        self._outputs: deque[Output] = deque()
        self.unacked = 0
        self._told_applied = 0
        self._frame_at = 0.0

    def drain(self) -> list[Output]:
        """Everything to be sent or told since the last call, in order."""
        outputs = list(self._outputs)
        self._outputs.clear()
        return outputs

    @property
    def untold(self) -> int:
        """Control messages applied that no frame has told the relay of."""
        return self._inbox.applied - self._told_applied

    # Connections.

    def attach(self) -> None:
        """A new connection is open: say hello on it. What is heard on an older one from now on must not be passed in."""
        if self.phase is Phase.ENDED:
            return
        self.detach()
        self.phase = Phase.GREETING
        self._malformed = 0
        hello = m.Hello(0, m.VERSION, 0 if self._fresh else self._inbox.applied, self._fresh, AGENT, [])
        self._outputs.append(SendControl(control.encode(hello)))

    def detach(self) -> None:
        """The current connection is gone."""
        self._unanswered |= self.phase is Phase.GREETING
        if self.phase is not Phase.ENDED:
            self.phase = Phase.OFFLINE

    def leave(self, reason: str) -> None:
        """Say bye and be done."""
        if self.phase is Phase.ENDED:
            return
        if self.phase is not Phase.OFFLINE:
            self._outputs.append(SendControl(control.encode(m.Bye(0, reason))))
        self.end(reason)

    def end(self, reason: str, words: str = "") -> None:
        """The session is over, for whatever reason came first."""
        if self.phase is not Phase.ENDED:
            self.phase = Phase.ENDED
            self._outputs.append(Ended(reason, words))

    # What the application says.

    def command(self, message_type: type[m.Message], *fields: Any) -> int:
        """Number a command and send it, now or as soon as there is a connection; returns its number.

        Raises:
            RoomClosedError: the session has ended, or just did since too much waits for the relay (`backlog`).
            ValueError: the message is too long to be sent.
        """
        if self.phase is Phase.ENDED:
            raise RoomClosedError("closed", "the session has ended")
        try:
            data = self._outbox.push(message_type, *fields)
        except BacklogError as error:
            self.end("backlog", str(error))
            raise RoomClosedError("backlog", str(error)) from error
        except (WireError, TypeError, OverflowError) as error:
            raise ValueError(str(error)) from error
        if self.phase is Phase.LIVE:
            self._outputs.append(SendControl(data))
        return self._outbox.last

    def write(
        self,
        entity: Entity,
        slot: Slot,
        held: Held,
        base: Base | None,
        now: float,
        *,
        resting: bool,
        teleport: bool,
        place: Vec3 | None,
    ) -> None:
        """Replicate a slot of an entity that we own, with the next frames. As `Hub.write`."""
        tick = self.clock.tick(now)
        if place is not None and self._is_too_fast(entity, place, tick):
            teleport = True
        self.upward.write(entity.id, slot, held.kind, base, held.record, tick, resting=resting, teleport=teleport)

    def _is_too_fast(self, entity: Entity, place: Vec3, tick: int) -> bool:
        """The relay would refuse it unless it is marked as a jump."""
        pace = self._paces.get(entity.id)
        if pace is None:
            pace = self._paces[entity.id] = Pace(entity.position, entity.ticks[Slot.TRANSFORM])
        return self.room is not None and pace.step(place, tick, self.room.max_speed_m_s)

    def frames(self, now: float) -> None:
        """A serving tick: put out what is due on the state stream."""
        if self.phase is not Phase.LIVE:
            return
        seq = self._window.seq
        header = st.Header(
            0 if seq is None else st.ACK_VALID,
            0,
            self.clock.tick(now),
            0,
            0,
            0,
            seq or 0,
            self._window.mask,
            self._inbox.applied & 0xFFFF,
        )
        owing = self.unacked > 0 or self.untold > 0 or now - self._frame_at >= IDLE_FRAME_S
        for frame in self.upward.frames(header, now, self.clock.rtt_s, at_least_one=owing):
            self._outputs.append(SendState(frame))
            self._frame_at = now
            self.unacked = 0
            self._told_applied = self._inbox.applied

    # What the relay says.

    def frame(self, payload: bytes, now: float) -> Frame | None:
        """A message of the state stream. Returns what moved, None when nothing could."""
        if self.phase is not Phase.LIVE:
            return None
        try:
            kind = st.frame_type(payload)
            if kind is st.FrameType.STATE:
                return self._on_state(payload)
            if kind is st.FrameType.PING:
                self._on_ping(st.unpack_ping(payload), now)
            elif kind is st.FrameType.DATA:
                peer, data = st.unpack_data(payload)
                self._outputs.append(ch.Data(peer, data, reliable=False))
        except WireError:
            self._malformed += 1
            if self._malformed == MALFORMED_LIMIT:
                self._outputs.append(Broken("malformed"))
        return None

    def _on_ping(self, ping: st.Ping, now: float) -> None:
        self._outputs.append(SendState(st.pack_pong(st.Pong(ping.seq, ping.relay_us, int(now * 1e6)))))
        self.clock.on_ping(ping, now)

    def _on_state(self, payload: bytes) -> Frame | None:
        header = st.unpack_header(payload)
        views = st.sections(payload)
        if not self._window.receive(header.seq):
            return None
        if header.flags & st.ACK_VALID:
            self.upward.on_acks(header.ack_seq, header.ack_mask)
        self._outbox.on_applied_low(header.control_applied)
        if not views:
            return None
        frame = downward.apply(payload, header, views, self.world.entities, self.peer)
        self.unacked += 1
        self.frames_in += 1
        self.records_in += len(frame.moved) + len(frame.posed) + len(frame.props)
        return frame

    def control(self, payload: bytes, now: float) -> None:
        """A message of the control stream of the current connection."""
        if self.phase not in (Phase.GREETING, Phase.LIVE):
            return
        try:
            message = control.decode_from_relay(payload)
            if isinstance(message, m.Welcome):
                self._on_welcome(message, now)
            elif isinstance(message, m.Error) and message.code == "superseded" and self._doubts(now):
                self._outputs.append(Broken("superseded"))
            elif isinstance(message, m.Error):
                self.end(message.code, message.message)
            elif isinstance(message, m.Bye):
                self.end(message.reason)
            elif self.phase is Phase.LIVE and self._inbox.admit(message.n):
                self._apply(message, now)
        except WireError:
            # Nothing numbered may be lost: a new connection begins again behind the last message that was applied.
            self._outputs.append(Broken("protocol"))

    def _doubts(self, now: float) -> bool:
        """Whether a hello of our own may have overtaken the one that was said on the current connection."""
        return self.phase is Phase.GREETING or now < self._doubt_until

    def _on_welcome(self, welcome: m.Welcome, now: float) -> None:
        if self.phase is Phase.LIVE:
            raise WireError("welcome twice")
        if welcome.version[0] != m.VERSION[0]:
            self.end("version", f"the relay speaks version {welcome.version[0]}, this client {m.VERSION[0]}")
            return
        if self._fresh:
            self._begin_anew()
        elif not self._outbox.on_applied(welcome.applied):
            self.end("protocol", "the relay has applied what was never said")
            return
        if self._unanswered:
            self._unanswered, self._doubt_until = False, now + DOUBT_S
        self._fresh = False
        self.phase = Phase.LIVE
        self.peer, self.host, self.room = welcome.peer, welcome.host, welcome.room
        self.clock.anchor(welcome.tick, now)
        self._outputs.append(Welcomed())
        self._outputs.extend(SendControl(data) for data in self._outbox.replay())

    def _begin_anew(self) -> None:
        self._inbox = Inbox()
        self._window = ReceiveWindow()
        self._told_applied = 0
        self.upward.restart()
        self._paces.clear()
        self.world.clear()

    def _apply(self, message: m.Message | Unknown, now: float) -> None:
        if isinstance(message, Unknown):
            return
        if isinstance(message, m.Despawned) or (isinstance(message, m.Granted) and self._is_news(message)):
            self.upward.forget(message.entity)
            self._paces.pop(message.entity, None)
        elif isinstance(message, m.ParentSet):
            self.upward.forget(message.entity, Slot.TRANSFORM)
            self._paces.pop(message.entity, None)
            self._say_again(message.entity, now, Slot.POSE, Slot.PROPS)
        elif isinstance(message, m.Refused) and not message.re and message.reason == "speed":
            self._say_again(message.entity, now, Slot.TRANSFORM)
        self._outputs.extend(self.world.apply(message))
        re = getattr(message, "re", 0)
        if re:
            # Frames tell it too, but later: a burst of long commands would fill the outbox though each was answered.
            self._outbox.on_applied(re)
            self._outputs.append(Answered(re, message))

    def _is_news(self, granted: m.Granted) -> bool:
        """Who assigns a thing to its owner is told so, and nothing has changed."""
        entity = self.world.entities.get(granted.entity)
        return entity is not None and entity.epoch != granted.epoch

    def _say_again(self, entity_id: int, now: float, *slots: Slot) -> None:
        """The relay has acknowledged frames and dropped what they said of slots of ours: a transform was too fast, and goes as a jump
        now; pose and props came before their sender had applied the entity's change of parent."""
        entity = self.world.entities.get(entity_id)
        if entity is None or entity.owner != self.peer:
            return
        tick = self.clock.tick(now)
        for slot in slots:
            held, jump = entity.slots[slot], slot is Slot.TRANSFORM
            if held is not None and entity.written[slot]:
                self.upward.write(entity_id, slot, held.kind, held.base, held.record, tick, resting=jump, teleport=jump)

    def _answer(self, ticket: int, allow: bool) -> None:
        if self.phase is not Phase.ENDED:
            self.command(m.Answer, ticket, allow)
