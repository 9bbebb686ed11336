"""An honest client, as small as it can be: its own numbering and table, written from docs/PROTOCOL.md, strict about what it hears."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay.entities import Entity
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.acks import ReceiveWindow
from soiree.wire.numbered import Inbox, Outbox
from soiree.wire.records import (
    Base,
    Placed,
    PlacedRecord,
    Transform,
    base_for,
    encode_child,
    encode_move,
    encode_props,
    pack_placed,
    unpack_placed,
)
from soiree.wire.state import (
    ACK_VALID,
    ENTITY_MASK,
    IDENT,
    SLOT_OF,
    STRIDE,
    FrameType,
    Header,
    Pong,
    Section,
    Slot,
    pack_header,
    pack_pong,
    pack_section,
    props_records,
    sections,
    unpack_header,
    unpack_ping,
)

ORIGIN = Base(0, 0, 0)
REASONS = frozenset(
    {
        *("stale", "rule", "denied", "timeout", "no-master", "busy", "owner", "not-owner", "not-master"),
        *("unknown-entity", "unknown-peer", "unknown-ticket", "attach-rule", "cycle", "depth", "too-large", "too-many"),
        *("rate", "malformed", "state", "speed"),
    }
)
"""Why a command may be refused (PROTOCOL 9)."""


def place(x: float, y: float = 0.0, z: float = 0.0, props: bytes | None = None) -> bytes:
    """A placed record in the world, metres."""
    move = encode_move(0, Transform((x, y, z)))
    return _placed(base_for((x, y, z)), PlacedRecord(Section.MOVE, move), props)


def place_in(x: float, y: float = 0.0, z: float = 0.0, props: bytes | None = None) -> bytes:
    """A placed record within a parent, metres."""
    return _placed(Base(0, 0, 0), PlacedRecord(Section.CHILD, encode_child(0, 0, Transform((x, y, z)))), props)


def a_spawn(
    *, state: bytes | None = None, parent: int = 0, properties: Any = None, condition: m.Condition | None = None
) -> tuple[Any, ...]:
    """Fields of a `spawn`."""
    return ("ball", state or place(0), "allow", "with-master", properties or {}, parent, "allow", condition)


def _placed(base: Base, transform: PlacedRecord, props: bytes | None) -> bytes:
    records = {Slot.TRANSFORM: transform}
    if props is not None:
        records[Slot.PROPS] = PlacedRecord(Section.PROPS, encode_props(0, props))
    return pack_placed(Placed(base, records))


@dataclass(slots=True)
class Seen:
    """What a client knows of one entity."""

    uuid: bytes
    kind: str
    owner: int
    master: int
    rule: str
    epoch: int
    lifetime: str
    attach_rule: str
    ask_timeout_ms: int
    fallback: str | None
    parent: int
    attach: int
    properties: dict[str, Any]
    since: int
    """Frames older than this tick are not applied."""
    state: dict[Slot, bytes]
    """Record of each slot without its age and ids."""
    applied_tick: dict[Slot, int] = field(default_factory=dict)

    def told(self) -> tuple[Any, ...]:
        """All that must be the same for everybody."""
        return (
            self.uuid,
            self.kind,
            self.owner,
            self.master,
            self.rule,
            self.epoch,
            self.lifetime,
            self.attach_rule,
            self.ask_timeout_ms,
            self.fallback,
            self.parent,
            self.attach,
            dict(sorted(self.properties.items())),
        )


def told_of(entity: Entity) -> tuple[Any, ...]:
    """The same of the room's own record."""
    return (
        entity.uuid,
        entity.kind,
        entity.owner,
        entity.master,
        entity.rule,
        entity.epoch,
        entity.lifetime,
        entity.attach_rule,
        entity.ask_timeout_ms,
        entity.fallback,
        entity.parent,
        entity.attach,
        dict(sorted(entity.properties.items())),
    )


class HonestClient:
    """One peer's client. `receive…` raises AssertionError when the relay breaks the protocol."""

    def __init__(self, peer: int) -> None:
        self.peer = peer
        self.incarnation = 0
        self.over: str | None = None
        """Reason why the session has ended."""
        self.forget()

    def forget(self) -> None:
        """The page is reloaded."""
        self.incarnation += 1
        self.fresh = True
        self.outbox, self.inbox = Outbox(), Inbox()
        self.entities: dict[int, Seen] = {}
        self.ever_known: set[int] = set()
        self.peers: dict[int, bool] = {}
        """Peer → away."""
        self.asked: dict[int, m.Ask] = {}
        self.answers: defaultdict[int, list[m.Message]] = defaultdict(list)
        """Number of one's message → what came in answer."""
        self.commands: dict[int, int] = {}
        """Number of a group of one's own → commands in it."""
        self.heard: list[m.Message] = []
        """All numbered messages, in order."""
        self.frame_seq = 0
        self.window = ReceiveWindow()
        self.stamp = 0
        self.data_said = 0

    # Speaking

    def hello(self) -> m.Hello:
        return m.Hello(0, m.VERSION, self.inbox.applied, self.fresh, "honest", [])

    def say(self, message: type[m.Message], *fields: Any) -> bytes:
        """Number and keep a message; its bytes."""
        said = self.outbox.push(message, *fields)
        if message is m.Group:
            self.commands[self.outbox.last] = len(fields[0])
        return said

    def frame(self, tick: int, records: Iterable[tuple[Section, bytes]] = (), base: Base = ORIGIN) -> bytes:
        """A STATE frame with these records."""
        seq, self.frame_seq = self.frame_seq, (self.frame_seq + 1) & 0xFFFF
        flags, ack = (0, 0) if self.window.seq is None else (ACK_VALID, self.window.seq)
        low = self.inbox.applied & 0xFFFF
        header = Header(flags, seq, tick, base.cx, base.cz, base.y, ack, self.window.mask, low)
        body = [pack_section(kind, [record]) for kind, record in records]
        return pack_header(header) + b"".join(body)

    def write(self, tick: int, entity: int, x: float) -> bytes:
        """A STATE frame that moves one's own entity to x; a PROPS record tells who wrote it, at which epoch."""
        seen = self.entities[entity]
        assert seen.owner == self.peer
        self.stamp += 1
        stamp = IDENT.pack(self.peer) + IDENT.pack(seen.epoch) + IDENT.pack(self.stamp)
        transform = Transform((x, 0.0, 0.0), teleport=True)
        if seen.parent:
            record = (Section.CHILD, encode_child(entity, seen.attach, transform))
        else:
            record = (Section.MOVE, encode_move(entity, transform))
        props = encode_props(entity, stamp)
        seen.state[SLOT_OF[record[0]]] = bare(*record)
        seen.state[Slot.PROPS] = bare(Section.PROPS, props)
        return self.frame(tick, [record, (Section.PROPS, props)], base_for((x, 0.0, 0.0)))

    # Hearing

    def receive_control(self, payload: bytes) -> None:
        message = control.decode_from_relay(payload)
        assert not isinstance(message, control.Unknown)
        if message.n == 0:
            self._unnumbered(message)
        elif self.inbox.admit(message.n):
            for part in control.grouped_from_relay(message) if isinstance(message, m.Group) else [message]:
                assert not isinstance(part, control.Unknown)
                self.heard.append(part)
                self._apply(part)

    def _unnumbered(self, message: m.Message) -> None:
        if isinstance(message, m.Welcome):
            assert message.fresh == self.fresh
            assert message.peer == self.peer
            assert self.outbox.on_applied(message.applied)
            self.fresh = False
        elif isinstance(message, m.Bye):
            self.over = message.reason
        elif isinstance(message, m.Error):
            assert message.code in {"kicked", "timeout", "backlog", "superseded"}, message
            if message.code != "superseded":
                self.over = message.code

    def _apply(self, message: m.Message) -> None:
        self._answered(message)
        match message:
            case m.PeerJoined() | m.PeerAway() | m.PeerLeft():
                self._peer(message)
            case m.Spawned():
                self._spawned(message)
            case m.Despawned():
                self._despawned(message)
            case m.Ask():
                assert self.entities[message.entity].master == self.peer
                self.asked[message.ticket] = message
            case m.Granted():
                self._granted(message, self.entities[message.entity])
            case m.Refused():
                assert message.reason in REASONS
                if message.entity in self.entities and message.owner:
                    assert message.epoch == self.entities[message.entity].epoch
            case m.ParentSet():
                self._parent_set(message)
            case m.Event():
                assert not message.entity or message.entity in self.entities
            case m.RuleSet() | m.MasterSet() | m.LifetimeSet() | m.AttachRuleSet() | m.PropertiesSet():
                self._set(message, self.entities[message.entity])

    def _answered(self, message: m.Message) -> None:
        re = getattr(message, "re", 0)
        if re:
            assert 0 < re <= self.outbox.last
            assert len(self.answers[re]) < self.commands.get(re, 1), "one answer to each command"
            self.answers[re].append(message)

    def _peer(self, message: m.PeerJoined | m.PeerAway | m.PeerLeft) -> None:
        match message:
            case m.PeerJoined():
                assert self.peers or message.peer == self.peer, "oneself first"
                assert message.peer not in self.peers
                self.peers[message.peer] = message.away
            case m.PeerAway():
                assert self.peers[message.peer] != message.away
                self.peers[message.peer] = message.away
            case m.PeerLeft():
                del self.peers[message.peer]
                for entity in self.entities.values():
                    assert message.peer not in (entity.owner, entity.master), "nothing remains of a peer that has left"

    @staticmethod
    def _granted(message: m.Granted, seen: Seen) -> None:
        if message.re and message.epoch == seen.epoch:
            assert message.owner == seen.owner, "an assignment that changes nothing"
        else:
            assert message.epoch == seen.epoch + 1
            assert message.owner != seen.owner
        seen.owner, seen.epoch, seen.since = message.owner, message.epoch, max(seen.since, message.tick)

    @staticmethod
    def _set(message: m.RuleSet | m.MasterSet | m.LifetimeSet | m.AttachRuleSet | m.PropertiesSet, seen: Seen) -> None:
        match message:
            case m.RuleSet():
                seen.rule, seen.ask_timeout_ms, seen.fallback = message.rule, message.ask_timeout_ms, message.fallback
            case m.MasterSet():
                seen.master = message.master
            case m.LifetimeSet():
                seen.lifetime = message.lifetime
            case m.AttachRuleSet():
                seen.attach_rule = message.attach_rule
            case m.PropertiesSet():
                merged = {**seen.properties, **message.properties}
                seen.properties = {key: value for key, value in merged.items() if value is not None}

    def _spawned(self, message: m.Spawned) -> None:
        assert message.entity not in self.entities
        assert not message.parent or message.parent in self.entities
        self.ever_known.add(message.entity)
        self.entities[message.entity] = Seen(
            message.uuid,
            message.kind,
            message.owner,
            message.master,
            message.rule,
            message.epoch,
            message.lifetime,
            message.attach_rule,
            message.ask_timeout_ms,
            message.fallback,
            message.parent,
            message.attach,
            dict(message.properties),
            message.tick,
            placed_slots(message.state),
        )

    def _despawned(self, message: m.Despawned) -> None:
        gone = self.entities.pop(message.entity)
        assert message.reason != "sight" or self.peer not in (gone.owner, gone.master), "one's own stays in sight"
        assert all(seen.parent != message.entity for seen in self.entities.values())

    def _parent_set(self, message: m.ParentSet) -> None:
        seen = self.entities[message.entity]
        assert not message.parent or message.parent in self.entities
        assert message.attach == (seen.attach + 1) & 0xFF
        seen.parent, seen.attach, seen.since = message.parent, message.attach, max(seen.since, message.tick)
        seen.state = placed_slots(message.state)

    def receive_state(self, payload: bytes) -> bytes | None:
        """Take a frame; the answer to a PING is returned."""
        if payload[0] == FrameType.PING:
            ping = unpack_ping(payload)
            return pack_pong(Pong(ping.seq, ping.relay_us, 0))
        if payload[0] != FrameType.STATE:
            return None
        header = unpack_header(payload)
        self.outbox.on_applied_low(header.control_applied)
        if self.window.receive(header.seq):
            for view in sections(payload):
                for record in records_of(payload, view.kind, view.start, view.end):
                    self._record(view.kind, record, header.tick)
        return None

    def _record(self, kind: Section, record: bytes, tick: int) -> None:
        entity = IDENT.unpack_from(record)[0] & ENTITY_MASK
        assert entity in self.ever_known, "no state before spawned"
        seen = self.entities.get(entity)
        slot = SLOT_OF[kind]
        if seen is None or tick < max(seen.since, seen.applied_tick.get(slot, 0)) or seen.owner == self.peer:
            return
        if slot is Slot.TRANSFORM and (kind is Section.CHILD) != bool(seen.parent):
            return
        if kind is Section.CHILD and record[3] != seen.attach:
            return
        seen.applied_tick[slot] = tick
        seen.state[slot] = bare(kind, record)


def bare(kind: Section, record: bytes) -> bytes:
    """A record without what says whose and how old it is."""
    end = len(record) - 1 if kind in (Section.MOVE, Section.CHILD, Section.UPRIGHT) else len(record)
    return bytes((kind,)) + record[4:end]


def placed_slots(state: bytes) -> dict[Slot, bytes]:
    """The records of a placed record, bare."""
    return {slot: bare(kind, record) for slot, (kind, record) in unpack_placed(state).records.items()}


def records_of(payload: bytes, kind: Section, start: int, end: int) -> list[bytes]:
    """The records of one section."""
    if kind is Section.PROPS:
        view = next(view for view in sections(payload) if view.start == start)
        return [IDENT.pack(entity | len(props) << 24) + props for entity, props in props_records(payload, view)]
    stride = STRIDE[kind]
    return [payload[at : at + stride] for at in range(start, end, stride)]


def raw(value: Any) -> msgspec.Raw:
    """An event's payload."""
    return msgspec.Raw(msgspec.msgpack.encode(value))
