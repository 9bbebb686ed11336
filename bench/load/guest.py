"""Pure core: a client that speaks Soiree's protocol and keeps no world: it spawns an avatar, walks, acknowledges, and answers pings."""

from typing import Final

from bench.errors import LoadError
from bench.walkers import LAP, UPDATES, YAW_UNITS, standpoint
from soiree.wire import control
from soiree.wire.acks import ReceiveWindow
from soiree.wire.messages import (
    VERSION,
    Bye,
    Despawned,
    Error,
    FromRelay,
    Group,
    Hello,
    Refused,
    Spawn,
    Spawned,
    Welcome,
)
from soiree.wire.numbered import Inbox, Outbox
from soiree.wire.records import (
    Base,
    Placed,
    PlacedRecord,
    Transform,
    base_for,
    encode_upright,
    pack_placed,
)
from soiree.wire.state import (
    ACK_VALID,
    STATE_HEADER,
    FrameType,
    Pong,
    Section,
    Slot,
    pack_pong,
    pack_section,
    unpack_ping,
)

YAW_AT: Final = 10
"""Where in an UPRIGHT record its yaw lies (PROTOCOL 5.2)."""
NO_BASE: Final = Base(0, 0, 0)


class Guest:
    """One client.

    Attributes:
        entity: id of its avatar, 0 before it is spawned.
        known: ids of the avatars of others that it was told of.
    """

    def __init__(self, walker: int, hz: float) -> None:
        self.entity = 0
        self.known: set[int] = set()
        self._inbox, self._outbox, self._window = Inbox(), Outbox(), ReceiveWindow()
        self._seq = self._pongs = self._tick = 0
        self._transforms = []
        for update in range(LAP):
            x, y, z, vx, vz = standpoint(walker, update, hz)
            self._transforms.append(Transform((x, y, z), velocity=(vx, 0.0, vz)))
        self._bases = [base_for(transform.position) for transform in self._transforms]
        self._lap: list[bytearray] = []

    def hello(self) -> bytes:
        """What it says first."""
        return control.encode(Hello(0, VERSION, 0, fresh=True, agent="bench", capabilities=[]))

    def on_control(self, payload: bytes) -> list[bytes]:
        """Apply a control message; returns what to say on the control stream. Raises LoadError where the relay has an objection."""
        message = control.decode_from_relay(payload)
        if isinstance(message, Welcome):
            return [self._spawn()]
        if isinstance(message, Error | Bye):
            raise LoadError(f"the relay says {message}")
        if self._inbox.admit(message.n):
            inner = control.grouped_from_relay(message) if isinstance(message, Group) else [message]
            for each in inner:
                if not isinstance(each, control.Unknown):
                    self._apply(each)
        return []

    def _apply(self, message: FromRelay) -> None:
        match message:
            case Spawned(re=0, entity=entity, kind="avatar"):
                self.known.add(entity)
            case Spawned(entity=entity, kind="avatar"):
                self.entity = entity
                self._lap = [self._body(transform) for transform in self._transforms]
            case Despawned(entity=entity):
                self.known.discard(entity)
            case Refused():
                raise LoadError(f"the relay says {message}")

    def _spawn(self) -> bytes:
        record = PlacedRecord(Section.UPRIGHT, encode_upright(0, self._transforms[0]))
        state = pack_placed(Placed(self._bases[0], {Slot.TRANSFORM: record}))
        return self._outbox.push(Spawn, "avatar", state, "deny", "with-master", {}, 0, "deny", None, "near")

    def _body(self, transform: Transform) -> bytearray:
        return bytearray(pack_section(Section.UPRIGHT, [encode_upright(self.entity, transform)]))

    def on_state(self, payload: bytes, now_us: int) -> bytes | None:
        """Take a frame of the state stream; returns the answer if it wants one at once."""
        kind = payload[0]
        if kind == FrameType.STATE:
            _, _, seq, tick, *_, applied = STATE_HEADER.unpack_from(payload)
            self._window.receive(seq)
            self._tick = max(self._tick, tick)
            self._outbox.on_applied_low(applied)
        elif kind == FrameType.PING:
            ping = unpack_ping(payload)
            self._tick = max(self._tick, ping.tick)
            self._pongs += 1
            return pack_pong(Pong(ping.seq, ping.relay_us, now_us))
        return None

    def frame(self, update: int) -> bytes:
        """A frame with one update of the walker, or without any before its avatar is spawned."""
        body, base = b"", NO_BASE
        if self._lap:
            record = self._lap[update % LAP]
            yaw = 2 + YAW_AT
            record[yaw : yaw + 2] = (update % UPDATES * YAW_UNITS).to_bytes(2, "little")
            body, base = bytes(record), self._bases[update % LAP]
        window, seq = self._window, self._seq
        self._seq += 1
        flags = ACK_VALID if window.seq is not None else 0
        applied = self._inbox.applied & 0xFFFF
        return (
            STATE_HEADER.pack(
                FrameType.STATE, flags, seq & 0xFFFF, self._tick, *base, window.seq or 0, window.mask, applied
            )
            + body
        )
