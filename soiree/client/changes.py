"""What happens in a room, as `Room.changes()` tells it: one frozen object for each thing that happened.

Pure core: plain data.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from soiree.client.entity import Entity


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody in the room."""

    id: int
    name: str
    away: bool
    """Its connection is gone; it may come back."""


@dataclass(frozen=True, slots=True)
class Change:
    """Base of all changes."""


@dataclass(frozen=True, slots=True)
class Joined(Change):
    """A peer is here."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class Away(Change):
    """A peer's connection is gone (`peer.away`), or back."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class Left(Change):
    """A peer has left for good."""

    peer: Peer
    reason: str


@dataclass(frozen=True, slots=True)
class Spawned(Change):
    """An entity exists, or has come into sight."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class Despawned(Change):
    """An entity is gone, or out of sight; the object keeps what was last known of it."""

    entity: Entity
    reason: str
    """"despawn", "parent", "left", "sight" or "room"."""


@dataclass(frozen=True, slots=True)
class OwnerChanged(Change):
    """Somebody else may write the entity's state now."""

    entity: Entity
    former: int
    """Peer id of the owner before, 0 for nobody."""
    owner: int
    epoch: int
    cause: str
    """As in docs/PROTOCOL.md section 4: "request", "assign", "lapse", …"""


@dataclass(frozen=True, slots=True)
class MasterChanged(Change):
    """Somebody else decides on the entity now."""

    entity: Entity
    former: int
    master: int


@dataclass(frozen=True, slots=True)
class RuleChanged(Change):
    """What happens to requests for the entity: see `entity.rule`, `ask_timeout_ms`, `fallback`."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class LifetimeChanged(Change):
    """See `entity.lifetime`."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class AttachRuleChanged(Change):
    """See `entity.attach_rule`."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class ParentChanged(Change):
    """The entity rides in another one now, or in none."""

    entity: Entity
    former: int
    """Entity id of the parent before, 0 for none."""
    parent: int


@dataclass(frozen=True, slots=True)
class PropertiesChanged(Change):
    """Some properties were set; `entity.properties` holds all of them."""

    entity: Entity
    changed: dict[str, Any]
    """Key to new value; None where the key was removed."""


@dataclass(frozen=True, slots=True)
class StateUpdated(Change):
    """Transform, pose or props of somebody else's entity moved on. Coalesced: an unread one stands for all that came after it."""

    entity: Entity


@dataclass(frozen=True, slots=True)
class Refused(Change):
    """The relay did not take our last move of the entity. It is told again by itself, as a jump: nothing has to be done."""

    entity: Entity
    reason: str
    """"speed"."""


@dataclass(frozen=True, slots=True)
class Event(Change):
    """A peer sent an event (the sender hears its own, too)."""

    peer: int
    name: str
    payload: Any
    entity: Entity | None
    """What it is about."""


@dataclass(frozen=True, slots=True)
class Data(Change):
    """A peer sent opaque bytes."""

    peer: int
    payload: bytes
    reliable: bool


@dataclass(frozen=True, slots=True)
class Asked(Change):
    """A peer asks for an entity that we are master of: answer with `allow()` or `deny()`, in time."""

    ticket: int
    entity: Entity
    peer: int
    note: str
    timeout_ms: int
    """Unanswered for so long, the relay refuses it."""
    _answer: Callable[[int, bool], None] = field(repr=False, compare=False)

    def allow(self) -> None:
        """Let the peer have it."""
        self._answer(self.ticket, True)

    def deny(self) -> None:
        """Refuse."""
        self._answer(self.ticket, False)


@dataclass(frozen=True, slots=True)
class Interrupted(Change):
    """Our own connection is gone; the session waits while a new one is sought, and what we say meanwhile is kept."""


@dataclass(frozen=True, slots=True)
class Connected(Change):
    """The session goes on over a new connection."""

    rung: str
    """Where on the ladder it stands, see `soiree.transport.Rung`."""
