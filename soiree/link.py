"""What passes between the homeserver and a relay: one interface, so that neither imports the other.

`party` joins the two in one process; in a cluster the same calls travel over authenticated HTTP. Everything here is plain data.
"""

from dataclasses import dataclass
from typing import Protocol

from soiree.rtc.engine import Candidate


class LinkError(Exception):
    """The relay refused what the homeserver asked.

    Attributes:
        code: a reason of docs/PROTOCOL.md section 9, or "unknown-room", "draining", "bad-sdp".
        message: words for the person on the other side.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class RelayInfo:
    """What a relay offers."""

    relay_id: str
    transports: tuple[str, ...]
    """"webrtc" and/or "websocket", best first."""
    engine: str | None
    """Name of the WebRTC stack, None without one."""


@dataclass(frozen=True, slots=True)
class RoomSpec:
    """A room as its relay must know it."""

    room_id: str
    code: str
    name: str
    capacity: int
    """Most sessions that have not left."""
    max_speed_m_s: float
    """Jumps faster than this are refused unless marked teleport."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Answer to an offer."""

    connection: str
    """Names the connection in later calls."""
    sdp: str


@dataclass(frozen=True, slots=True)
class RelayLoad:
    """How busy a relay is."""

    rooms: int
    peers: int
    cpu_share: float
    """Share of one core used over the last seconds, 0…1."""


class RelayLink(Protocol):
    """A relay, as the homeserver sees it. Every call may raise LinkError."""

    def describe(self) -> RelayInfo: ...

    async def open_room(self, spec: RoomSpec) -> None:
        """Host a room; again with another spec: change it."""

    async def close_room(self, room_id: str, reason: str) -> None:
        """Tell everybody in the room and forget it; an unknown room is no error."""

    async def kick(self, room_id: str, peer_id: int, reason: str) -> bool:
        """End a peer's session; False when there is none."""

    async def session_alive(self, room_id: str, session_id: str) -> bool:
        """Whether a resume token of this session would still be taken."""

    async def offer(self, token: str, sdp: str) -> Accepted:
        """Take an SDP offer for the session of a ticket (which it uses up) or resume token.

        Raises:
            LinkError: "unauthorized", "session-gone", "unknown-room", "unavailable", "bad-sdp" or "draining".
        """

    async def candidate(self, connection: str, candidate: Candidate) -> None:
        """A remote candidate; an unknown connection is no error."""

    async def hang_up(self, connection: str) -> None:
        """Give up a connection that never opened; one that opened lives on by itself."""

    def load(self) -> RelayLoad: ...

    async def drain(self) -> None:
        """Take no further sessions; those there stay until they leave."""

    def listen(self, home: "HomeLink") -> None:
        """Name who hears what this relay has to tell; once, before anything else."""


class HomeLink(Protocol):
    """The homeserver, as a relay sees it. Calls return at once."""

    def candidate(self, connection: str, candidate: Candidate) -> None:
        """A local candidate for the client behind `connection`."""

    def connection_closed(self, connection: str, reason: str) -> None:
        """The WebRTC connection is gone before it has opened; on one that was open the relay has said why itself."""

    def peer_joined(self, room_id: str, peer_id: int) -> None:
        """A session was opened with its ticket."""

    def peer_left(self, room_id: str, peer_id: int, reason: str) -> None:
        """A session has ended for good; its peer id is free again."""
