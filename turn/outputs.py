"""What the core of the TURN server wants done, for a driver to carry out in order.

Pure core.
"""

from dataclasses import dataclass

from turn.allocation import Client
from turn.values import Endpoint


@dataclass(frozen=True, slots=True)
class ToClient:
    """Bytes for a client."""

    client: Client
    data: bytes
    is_answer: bool
    """Of a request; otherwise data, which may be dropped where the client does not read."""


@dataclass(frozen=True, slots=True)
class ToPeer:
    """A datagram from a relayed address."""

    relay: Endpoint
    peer: Endpoint
    data: bytes
    dont_fragment: bool = False


@dataclass(frozen=True, slots=True)
class Unbind:
    """A relayed address is free again."""

    relay: Endpoint


@dataclass(frozen=True, slots=True)
class Counted:
    """Something happened that an operator may want to count: `what` is the name of a metric's label."""

    what: str


Output = ToClient | ToPeer | Unbind | Counted
