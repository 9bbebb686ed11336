"""The one interface between a session and whatever carries its bytes.

A transport carries many *connections*, each named by an integer that its user picks. A connection has two streams, laid out as Godot's
own multiplayer has them: `CONTROL`, ordered and reliable, and `STATE`, unordered and never retransmitted. Both ends and every stack
(libdatachannel, aiortc, WebSocket) stand behind this interface, and it is made for batches, so that a faster engine can be put under it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

CONTROL = 1
"""Stream id of the ordered, reliable channel (docs/PROTOCOL.md, "Streams")."""
STATE = 3
"""Stream id of the unordered channel without retransmissions."""

MAX_FRAME_BYTES = 1152
"""Largest payload on STATE: 1156 is the largest that stays one datagram on libdatachannel, 1160 on aiortc and Chromium."""
MAX_CONTROL_BYTES = 16 * 1024
"""Largest payload on CONTROL."""
RELIABLE_QUEUE_BYTES = 1024 * 1024
"""Bound of what waits unsent on CONTROL for one connection; past it the connection is closed with `CloseReason.BACKLOG`."""
DEFAULT_STATE_CAP_BYTES = 2 * MAX_FRAME_BYTES
"""Default of the buffered amount over which a packet on STATE is dropped."""


class Packet(NamedTuple):
    """One received message."""

    conn: int
    stream: int
    """`CONTROL` or `STATE`."""
    payload: bytes


class CloseReason(StrEnum):
    """Why a connection ended, as told to `Sink.closed`. The WebSocket close codes beside them are in docs/PROTOCOL.md."""

    LOCAL = "local"
    """`close()` was called on this side without another reason."""
    REMOTE = "remote"
    """The other side closed it."""
    FAILED = "failed"
    """ICE, DTLS or the socket failed, or did not come up in time."""
    BACKLOG = "backlog"
    """More than `RELIABLE_QUEUE_BYTES` waited on CONTROL."""
    OVERSIZED = "oversized"
    """A message above the limit of its stream arrived."""


class Rung(StrEnum):
    """Where on the ladder a connection stands, best first."""

    DIRECT = "direct"
    """UDP to a host candidate."""
    STUN = "stun"
    """UDP to an address that a STUN server discovered (server or peer reflexive)."""
    TURN_UDP = "turn-udp"
    TURN_TCP = "turn-tcp"
    WEBSOCKET = "websocket"


@dataclass(frozen=True, slots=True)
class TransportStats:
    """Counters of one connection since it opened, payload bytes without any header."""

    packets_in: int
    packets_out: int
    bytes_in: int
    bytes_out: int
    dropped_out: int
    """Packets on STATE that `send` refused."""


class Sink(Protocol):
    """What a transport tells its user. Every method is called in the event loop's thread, never concurrently."""

    def opened(self, conn: int) -> None:
        """Both streams of `conn` can be sent on."""

    def packets(self, packets: Sequence[Packet]) -> None:
        """All packets that arrived since the last wake-up of the loop, in order of arrival, for any connection."""

    def closed(self, conn: int, reason: str) -> None:
        """`conn` is gone: called exactly once for each connection, nothing of it comes after."""


class Transport(ABC):
    """A carrier of connections. `send` never blocks and never queues stale state."""

    name: str
    """Short name for logs, metrics and the API: "libdatachannel", "aiortc" or "websocket"."""
    last_words: Callable[[str], bytes] | None = None
    """Makes the message on CONTROL that tells the other side why this one hangs up by itself, where the stack has no close codes."""

    @abstractmethod
    def send(self, conn: int, stream: int, payload: bytes) -> bool:
        """Send one message.

        On STATE: False when the connection's buffered amount is over its cap (see `set_state_cap`), and the packet was dropped. On CONTROL:
        queued up to `RELIABLE_QUEUE_BYTES`, past which the connection is closed with `CloseReason.BACKLOG`. An unknown or closed
        connection gives False; a payload over the stream's limit raises ValueError, since that is the caller's mistake.
        """

    @abstractmethod
    def set_state_cap(self, conn: int, cap_bytes: int) -> None:
        """Set the buffered amount over which STATE packets of `conn` are dropped: the larger of 2 frames and 50 ms of its budget."""

    @abstractmethod
    def rung(self, conn: int) -> Rung | None:
        """The rung that `conn` stands on, None while it is not open."""

    @abstractmethod
    def stats(self, conn: int) -> TransportStats | None:
        """Counters of `conn`, None when it is unknown."""

    def collect(self) -> None:
        """Tell now of the packets that came, where they would be kept for a while."""
        return

    @abstractmethod
    def close(self, conn: int, reason: str = CloseReason.LOCAL) -> None:
        """Start closing `conn` once what waits on CONTROL is flushed (bounded). `Sink.closed(conn, reason)` follows. Idempotent."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close every connection and free all sockets and threads; returns when nothing is left."""
