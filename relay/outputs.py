"""Pure core: what a room gives its driver: bytes to send, connections to close, and events for metrics and the homeserver."""

from dataclasses import dataclass
from typing import NamedTuple

from soiree.wire.messages import Cause


class SendControl(NamedTuple):
    """Send on the control stream of the peer's current connection."""

    peer: int
    payload: bytes


class SendState(NamedTuple):
    """Send on the state stream of the peer's current connection; may be dropped."""

    peer: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """Close the peer's current connection once what was sent is flushed."""

    peer: int
    reason: str
    """PROTOCOL 9."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A session was opened."""

    peer: int


@dataclass(frozen=True, slots=True)
class Left:
    """A session has ended for good; nothing is said to this peer any more and its id is free."""

    peer: int
    reason: str
    """PROTOCOL 9."""


@dataclass(frozen=True, slots=True)
class Away:
    """A peer's connection is gone or silent (True), or it is back (False)."""

    peer: int
    away: bool


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A ping was answered."""

    peer: int
    rtt_s: float
    """As now believed, seconds."""


@dataclass(frozen=True, slots=True)
class Granted:
    """An entity changed its owner."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was refused."""

    reason: str
    """PROTOCOL 9."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """Messages or records of peers were thrown away."""

    reason: str
    count: int


Output = SendControl | SendState | CloseConnection | Joined | Left | Away | RoundTrip | Granted | Refused | Dropped
