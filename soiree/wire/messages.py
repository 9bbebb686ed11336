"""Pure core: the control messages of docs/PROTOCOL.md section 4, as msgspec structs that encode to MessagePack arrays `[type, n, …]`.

Field order here is field order on the wire. `n` is the number of the message within its direction of the session, 0 for those that
belong to a connection (`Hello`, `Welcome`, `Error`, `Bye`).
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from soiree.wire import limits

VERSION = (1, 0)
"""Major and minor version of the protocol."""

NOBODY = 0
"""Peer id that stands for nobody; as an address it stands for everybody."""

EntityId = Annotated[int, Meta(ge=1, le=0xFFFFFF)]
EntityOrNone = Annotated[int, Meta(ge=0, le=0xFFFFFF)]
EntityOrEarlier = Annotated[int, Meta(ge=-limits.MAX_GROUP_MESSAGES, le=0xFFFFFF)]
"""An entity, 0 for none, or −k for what the k-th message of the same group spawns."""
PeerId = Annotated[int, Meta(ge=2, le=0x7FFFFFFF)]
PeerOrNobody = Annotated[int, Meta(ge=0, le=0x7FFFFFFF)]
Address = Annotated[int, Meta(ge=-0x7FFFFFFF, le=0x7FFFFFFF)]
"""0 everybody, a peer or an audience, or −n for all but that."""
FIRST_AUDIENCE = 0x80000000 - limits.MAX_AUDIENCES
"""Address of a peer's audience 0. No peer has an id from here on."""
Number = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Epoch = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Tick = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
Name = Annotated[str, Meta(min_length=1, max_length=limits.MAX_NAME_CHARS)]
Kind = Annotated[str, Meta(min_length=1, max_length=limits.MAX_KIND_CHARS)]
Note = Annotated[str, Meta(max_length=limits.MAX_NOTE_CHARS)]
Reason = Annotated[str, Meta(max_length=limits.MAX_REASON_CHARS)]
TimeoutMs = Annotated[int, Meta(ge=100, le=60000)]
Placed = Annotated[bytes, Meta(min_length=12 + 2 + 14, max_length=limits.MAX_PLACED_BYTES)]
"""A placed record: 12 B base, then one section for each slot (PROTOCOL 4, `state`)."""
Data = Annotated[bytes, Meta(max_length=limits.MAX_RELIABLE_DATA_BYTES)]
Audience = Annotated[int, Meta(ge=0, lt=limits.MAX_AUDIENCES)]
Audienced = Annotated[list[PeerId], Meta(max_length=limits.MAX_AUDIENCE_PEERS)]
PropertyInt = Annotated[int, Meta(ge=-(2**53), le=2**53)]
PropertyKey = Annotated[str, Meta(min_length=1, max_length=limits.MAX_KIND_CHARS)]
PropertyValue = None | bool | PropertyInt | float | str
Properties = Annotated[dict[PropertyKey, PropertyValue], Meta(max_length=limits.MAX_PROPERTIES)]
Capabilities = Annotated[list[Annotated[str, Meta(max_length=32)]], Meta(max_length=32)]
Rule = Literal["ask", "allow", "deny"]
Lifetime = Literal["with-master", "with-room", "persistent"]
AttachRule = Literal["allow", "owner", "deny"]
Children = Literal["reparent", "along"]
Relevance = Literal["near", "always"]
Cause = Literal["request", "answer", "assign", "release", "lapse", "left", "resume", "adopt"]
Coordinate = Annotated[float, Meta(ge=-(2.0**37), le=2.0**37)]


class Message(msgspec.Struct, array_like=True, frozen=True, kw_only=False):
    """Base of all control messages."""

    n: Number


class Condition(msgspec.Struct, array_like=True, frozen=True):
    """Holds while the sender owns `entity` at `epoch`. Of a spawn, [0, 0] holds while there is no entity of that kind."""

    entity: EntityOrNone
    epoch: Epoch


class RoomInfo(msgspec.Struct, frozen=True):
    """What a client needs to know of its room."""

    id: str
    code: str
    name: str
    max_speed_m_s: float


class Hello(Message, tag=1, frozen=True):
    version: tuple[int, int]
    applied: Number
    fresh: bool
    agent: Name
    capabilities: Capabilities


class Welcome(Message, tag=2, frozen=True):
    version: tuple[int, int]
    applied: Number
    fresh: bool
    peer: PeerId
    host: bool
    room: RoomInfo
    tick: Tick
    tick_hz: int
    capabilities: Capabilities


class Error(Message, tag=3, frozen=True):
    code: Reason
    message: str


class Bye(Message, tag=4, frozen=True):
    reason: Reason


class PeerJoined(Message, tag=5, frozen=True):
    peer: PeerId
    name: Name
    away: bool


class PeerAway(Message, tag=6, frozen=True):
    peer: PeerId
    away: bool


class PeerLeft(Message, tag=7, frozen=True):
    peer: PeerId
    reason: Reason


class Spawn(Message, tag=10, frozen=True):
    kind: Kind
    state: Placed
    rule: Rule
    lifetime: Lifetime
    properties: Properties
    parent: EntityOrEarlier
    attach_rule: AttachRule
    condition: Condition | None
    relevance: Relevance = "near"


class Spawned(Message, tag=11, frozen=True):
    re: Number
    entity: EntityId
    uuid: Annotated[bytes, Meta(min_length=16, max_length=16)]
    kind: Kind
    owner: PeerOrNobody
    master: PeerOrNobody
    rule: Rule
    epoch: Epoch
    lifetime: Lifetime
    attach_rule: AttachRule
    ask_timeout_ms: TimeoutMs
    fallback: Rule | None
    parent: EntityOrNone
    attach: Annotated[int, Meta(ge=0, le=255)]
    properties: Properties
    tick: Tick
    state: Placed


class Despawn(Message, tag=12, frozen=True):
    entity: EntityId
    children: Children


class Despawned(Message, tag=13, frozen=True):
    re: Number
    entity: EntityId
    reason: Reason


class Request(Message, tag=14, frozen=True):
    entity: EntityId
    epoch: Epoch
    note: Note


class Ask(Message, tag=15, frozen=True):
    ticket: Number
    entity: EntityId
    peer: PeerId
    note: Note
    timeout_ms: TimeoutMs


class Answer(Message, tag=16, frozen=True):
    ticket: Number
    allow: bool


class Granted(Message, tag=17, frozen=True):
    re: Number
    entity: EntityId
    owner: PeerOrNobody
    epoch: Epoch
    tick: Tick
    cause: Cause


class Refused(Message, tag=18, frozen=True):
    re: Number
    entity: EntityOrNone
    reason: Reason
    owner: PeerOrNobody
    epoch: Epoch


class Assign(Message, tag=19, frozen=True):
    entity: EntityId
    peer: PeerId
    subtree: bool


class Release(Message, tag=20, frozen=True):
    entity: EntityId


class SetRule(Message, tag=21, frozen=True):
    entity: EntityId
    rule: Rule
    ask_timeout_ms: TimeoutMs
    fallback: Rule | None


class RuleSet(Message, tag=22, frozen=True):
    re: Number
    entity: EntityId
    rule: Rule
    ask_timeout_ms: TimeoutMs
    fallback: Rule | None


class SetMaster(Message, tag=23, frozen=True):
    entity: EntityId
    peer: PeerId


class MasterSet(Message, tag=24, frozen=True):
    re: Number
    entity: EntityId
    master: PeerOrNobody


class SetLifetime(Message, tag=25, frozen=True):
    entity: EntityId
    lifetime: Lifetime


class LifetimeSet(Message, tag=26, frozen=True):
    re: Number
    entity: EntityId
    lifetime: Lifetime


class SetParent(Message, tag=27, frozen=True):
    entity: EntityId
    parent: EntityOrEarlier
    state: Placed
    condition: Condition | None


class ParentSet(Message, tag=28, frozen=True):
    re: Number
    entity: EntityId
    parent: EntityOrNone
    attach: Annotated[int, Meta(ge=0, le=255)]
    tick: Tick
    state: Placed


class SetAttachRule(Message, tag=29, frozen=True):
    entity: EntityId
    attach_rule: AttachRule


class AttachRuleSet(Message, tag=30, frozen=True):
    re: Number
    entity: EntityId
    attach_rule: AttachRule


class SetProperties(Message, tag=31, frozen=True):
    entity: EntityId
    properties: Properties


class PropertiesSet(Message, tag=32, frozen=True):
    re: Number
    entity: EntityId
    properties: Properties


class SendEvent(Message, tag=33, frozen=True):
    name: Name
    payload: msgspec.Raw
    to: Address
    entity: EntityOrNone
    condition: Condition | None


class Event(Message, tag=34, frozen=True):
    re: Number
    peer: PeerId
    name: Name
    payload: msgspec.Raw
    entity: EntityOrNone


class SendData(Message, tag=35, frozen=True):
    to: Address
    payload: Data


class DataMessage(Message, tag=36, frozen=True):
    peer: PeerId
    payload: Data


class View(Message, tag=37, frozen=True):
    x: Coordinate
    y: Coordinate
    z: Coordinate
    radius_m: Annotated[float, Meta(ge=0, le=65536)]


class Budget(Message, tag=38, frozen=True):
    kbit_s: Annotated[int, Meta(ge=0, le=1_000_000)]


class Done(Message, tag=39, frozen=True):
    re: Number


class Group(Message, tag=40, frozen=True):
    messages: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=limits.MAX_GROUP_MESSAGES)]


class SetAudience(Message, tag=42, frozen=True):
    audience: Audience
    peers: Audienced


InGroupFromClient = (
    Spawn
    | Despawn
    | Assign
    | Release
    | SetRule
    | SetMaster
    | SetLifetime
    | SetParent
    | SetAttachRule
    | SetProperties
    | SendEvent
)
"""What a group of a client may hold."""

FromClient = InGroupFromClient | Hello | Bye | Request | Answer | SendData | View | Budget | Group | SetAudience
"""What a relay takes."""

InGroupFromRelay = (
    PeerJoined
    | PeerAway
    | PeerLeft
    | Spawned
    | Despawned
    | Ask
    | Granted
    | Refused
    | RuleSet
    | MasterSet
    | LifetimeSet
    | ParentSet
    | AttachRuleSet
    | PropertiesSet
    | Event
    | DataMessage
    | Done
)
"""What a group of a relay may hold."""

FromRelay = InGroupFromRelay | Welcome | Error | Bye | Group
"""What a client takes."""
