"""The state stream of a session, both ways: frames, what they acknowledge, and the relay's clock (docs/PROTOCOL.md sections 5 and 6).

Pure core: bytes, writes and `now` (monotonic s) in; frames and what moved out.
"""

from collections.abc import Callable, Mapping

from soiree.client import downward
from soiree.client.clock import Clock
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.hub import Write
from soiree.client.pace import Pace
from soiree.client.upward import Upward
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.acks import ReceiveWindow
from soiree.wire.quantise import Vec3
from soiree.wire.state import Slot

IDLE_FRAME_S = 0.2
"""A side with nothing to say sends an empty frame this often."""


class StateStream:
    """What we own on its way up, and what comes down.

    Attributes:
        peer: our peer id.
        max_speed_m_s: of the room, None before the first welcome.
        clock: the relay's clock.
        upward: what we own and the relay does not have yet.
        unacked: frames with records that came since our last one.
        frames_in, records_in: STATE frames and records applied so far.
    """

    def __init__(self, entities: Mapping[int, Entity], on_applied_low: Callable[[int], object]) -> None:
        self.peer = 0
        self.max_speed_m_s: float | None = None
        self.clock = Clock()
        self.upward = Upward()
        self.unacked = 0
        self.frames_in = 0
        self.records_in = 0
        self._entities = entities
        self._on_applied_low = on_applied_low
        self._window = ReceiveWindow()
        self._paces: dict[int, Pace] = {}
        """Of entities that we move, by id."""
        self._told_applied = 0
        self._frame_at = 0.0

    def begin_anew(self) -> None:
        """Numbering begins again (a fresh hello)."""
        self._window = ReceiveWindow()
        self._told_applied = 0
        self.upward.restart()
        self._paces.clear()

    def untold(self, applied: int) -> int:
        """Control messages, of which `applied` is the last one applied, that no frame has told the relay of."""
        return applied - self._told_applied

    # Up.

    def write(self, write: Write, now: float) -> None:
        """Replicate a slot of an entity that we own, with the next frames."""
        tick, teleport = self.clock.date(now), write.teleport
        if write.place is not None and self._is_too_fast(write.entity.id, write.entity.position, write.place, tick):
            teleport = True
        held = write.held
        self.upward.write(
            write.entity.id, write.slot, held.kind, held.base, held.record, tick, resting=write.resting, teleport=teleport
        )  # fmt: skip

    def _is_too_fast(self, entity_id: int, here: Vec3, place: Vec3, tick: int) -> bool:
        """The relay would refuse it unless it is marked as a jump."""
        pace = self._paces.get(entity_id)
        if pace is None:
            pace = self._paces[entity_id] = Pace(here, self._entities[entity_id].ticks[Slot.TRANSFORM])
        return self.max_speed_m_s is not None and pace.step(place, tick, self.max_speed_m_s)

    def frames(self, now: float, applied: int) -> list[bytes]:
        """The frames of a serving tick; `applied` is the last control message applied."""
        seq = self._window.seq
        flags = 0 if seq is None else st.ACK_VALID
        tick = self.clock.tick(now)
        header = st.Header(flags, 0, tick, 0, 0, 0, seq or 0, self._window.mask, applied & 0xFFFF)
        owing = self.unacked > 0 or self.untold(applied) > 0 or now - self._frame_at >= IDLE_FRAME_S
        frames = self.upward.frames(header, now, self.clock.rtt_s, at_least_one=owing)
        if frames:
            self._frame_at = now
            self.unacked = 0
            self._told_applied = applied
        return frames

    def heed(self, message: m.Message, now: float) -> None:
        """What a control message, which is not applied yet, means for what we send."""
        if isinstance(message, m.Despawned) or (isinstance(message, m.Granted) and self._is_news(message)):
            self.upward.forget(message.entity)
            self._paces.pop(message.entity, None)
        elif isinstance(message, m.ParentSet):
            self.upward.forget(message.entity, Slot.TRANSFORM)
            self._paces.pop(message.entity, None)
            self._say_again(message.entity, now, Slot.POSE, Slot.PROPS)
        elif isinstance(message, m.Refused) and not message.re and message.reason == "speed":
            self._say_again(message.entity, now, Slot.TRANSFORM)

    def _is_news(self, granted: m.Granted) -> bool:
        """Who assigns a thing to its owner is told so, and nothing has changed."""
        entity = self._entities.get(granted.entity)
        return entity is not None and entity.epoch != granted.epoch

    def _say_again(self, entity_id: int, now: float, *slots: Slot) -> None:
        """The relay has acknowledged frames and dropped what they said of slots of ours: a transform was too fast, and goes as a jump
        now; pose and props came before their sender had applied the entity's change of parent."""
        entity = self._entities.get(entity_id)
        if entity is None or entity.owner != self.peer:
            return
        tick = self.clock.tick(now)
        for slot in slots:
            held, jump = entity.slots[slot], slot is Slot.TRANSFORM
            if held is not None and entity.written[slot]:
                self.upward.write(entity_id, slot, held.kind, held.base, held.record, tick, resting=jump, teleport=jump)

    # Down.

    def on_state(self, payload: bytes, now: float) -> Frame | None:
        """A STATE frame; None when nothing in it is new. Raises WireError."""
        header = st.unpack_header(payload)
        views = st.sections(payload)
        if not self._window.receive(header.seq):
            return None
        if header.flags & st.ACK_VALID:
            self.upward.on_acks(header.ack_seq, header.ack_mask)
        self._on_applied_low(header.control_applied)
        if not views:
            return None
        frame = downward.apply(payload, header, views, self._entities, self.peer, self.clock.seconds(now))
        self.unacked += 1
        self.frames_in += 1
        self.records_in += len(frame.moved) + len(frame.posed) + len(frame.props)
        return frame

    def on_ping(self, payload: bytes, now: float) -> bytes:
        """A PING; returns the PONG for it. Raises WireError."""
        ping = st.unpack_ping(payload)
        self.clock.on_ping(ping, now)
        return st.pack_pong(st.Pong(ping.seq, ping.relay_us, int(now * 1e6)))
