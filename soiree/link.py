"""What passes between the homeserver and a relay: one interface, so that neither imports the other.

`party` joins the two in one process; in a cluster the same calls travel over authenticated HTTP. Everything here is plain data.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from soiree.channels import TransferMode
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


class LobbyMode(StrEnum):
    """What the packets of a lobby of Godot's own protocols take (docs/PROTOCOL.md section 11)."""

    DIRECT = "direct"
    """From peer to peer; the relay has nothing to do with them."""
    RELAY = "relay"
    """The relay is peer 1, without any code of the game."""
    BRIDGE = "bridge"
    """Each connection between two peers is two, with the relay in between."""


@dataclass(frozen=True, slots=True)
class LobbySpec:
    """A lobby as its relay must know it."""

    lobby_id: str
    mode: LobbyMode
    """RELAY or BRIDGE."""
    channels: tuple[TransferMode, ...] = ()
    """The game's `channels_config`, as far as it is known."""


@dataclass(frozen=True, slots=True)
class Bridged:
    """What an offer from one peer to another becomes."""

    answer: str
    """For the peer that offered, as if from the other."""
    offer: str | None
    """For the other, as if from the peer that offered; None where the relay is the other."""


@dataclass(frozen=True, slots=True)
class PeerTraffic:
    """What one peer of a lobby has sent to the relay and got from it."""

    peer: int
    legs: int
    """Its connections that are open."""
    packets_in: int
    bytes_in: int
    packets_out: int
    bytes_out: int
    dropped: int
    """Unreliable packets for it that its connection could not take, and whatever was not to be understood of what it sent."""


class LobbyLink(Protocol):
    """What a relay does for lobbies. Peers have the ids that the game knows; a lobby begins with its first connection."""

    async def connect(self, spec: LobbySpec, peer: int, other: int, sdp: str) -> Bridged:
        """Take the offer of `peer` to `other`; an earlier connection of the two ends.

        Raises:
            LinkError: "bad-sdp", "unavailable", "draining" or "busy".
        """

    async def answered(self, lobby_id: str, peer: int, other: int, sdp: str) -> None:
        """The answer of `peer` to what it takes for an offer of `other`. Raises LinkError: "bad-sdp"."""

    async def leg_candidate(self, lobby_id: str, peer: int, other: int, candidate: Candidate) -> None:
        """A candidate of `peer` for its connection to `other`; where there is none, it is no error."""

    async def leave_lobby(self, lobby_id: str, peer: int) -> None:
        """End the connections of a peer."""

    async def end_lobby(self, lobby_id: str, *, when_empty: bool) -> None:
        """End a lobby, at once, or once the last of its connections has ended: `LobbyHome.lobby_ended` follows then."""

    async def traffic(self, lobby_id: str) -> list[PeerTraffic]:
        """What its peers have sent and got; nothing for an unknown lobby."""

    def listen_lobbies(self, home: "LobbyHome") -> None:
        """Name who hears what this relay has to tell of lobbies."""


class LobbyHome(Protocol):
    """The homeserver, as a relay with lobbies sees it. Calls return at once."""

    def leg_found(self, lobby_id: str, peer: int, other: int, candidate: Candidate) -> None:
        """A local candidate of the relay, for `peer`, as if from `other`."""

    def lobby_ended(self, lobby_id: str) -> None:
        """A lobby that was to end when it is empty has ended."""
