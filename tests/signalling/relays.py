"""A small relay for the homeserver's tests: it keeps sessions as a relay must, and can refuse. The real one is met elsewhere."""

import time
from dataclasses import dataclass, field

from soiree.link import Accepted, HomeLink, LinkError, RelayInfo, RelayLoad, RoomSpec
from soiree.rtc.engine import Candidate
from soiree.ticket import Ticket, TicketError, TicketVerifier

ANSWER = "v=0 answer"


@dataclass
class SmallRelay:
    """Sessions without transports: an offer opens one, and is answered with a fixed text."""

    verifier: TicketVerifier
    home: HomeLink | None = None
    rooms: dict[str, RoomSpec] = field(default_factory=dict)
    sessions: dict[str, tuple[str, int]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    refuses: LinkError | None = None
    """Raised by whatever is asked next, until it is None again."""
    candidates: list[tuple[str, Candidate]] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    kicked: list[tuple[str, int, str]] = field(default_factory=list)
    connections: int = 0
    early: tuple[Candidate, ...] = ()
    """Local candidates that are told before the answer is."""

    def listen(self, home: HomeLink) -> None:
        self.home = home

    def describe(self) -> RelayInfo:
        return RelayInfo("small", ("webrtc", "websocket"), "none")

    def load(self) -> RelayLoad:
        return RelayLoad(len(self.rooms), len(self.sessions), 0.0)

    async def drain(self) -> None:
        self.refuses = LinkError("draining", "about to stop")

    async def open_room(self, spec: RoomSpec) -> None:
        self._maybe_refuse()
        self.rooms[spec.room_id] = spec

    async def close_room(self, room_id: str, reason: str) -> None:
        self.rooms.pop(room_id, None)
        self.closed.append((room_id, reason))
        for session in [name for name, (room, _) in self.sessions.items() if room == room_id]:
            self.end(session, "closed")

    async def kick(self, room_id: str, peer_id: int, reason: str) -> bool:
        self.kicked.append((room_id, peer_id, reason))
        found = [name for name, place in self.sessions.items() if place == (room_id, peer_id)]
        for session in found:
            self.end(session, "kicked")
        return bool(found)

    async def session_alive(self, room_id: str, session_id: str) -> bool:
        return self.sessions.get(session_id, ("", 0))[0] == room_id

    async def offer(self, token: str, sdp: str) -> Accepted:
        self._maybe_refuse()
        if not sdp.startswith("v=0"):
            raise LinkError("bad-sdp", "not an SDP")
        self.enter(token)
        self.connections += 1
        connection = f"c{self.connections}"
        for candidate in self.early:
            self._home().candidate(connection, candidate)
        return Accepted(connection, ANSWER)

    async def candidate(self, connection: str, candidate: Candidate) -> None:
        self.candidates.append((connection, candidate))

    async def hang_up(self, connection: str) -> None:
        self.hung_up.append(connection)

    # What a transport would cause.

    def enter(self, token: str) -> None:
        """Open the session of a ticket, or find that of a resume token."""
        try:
            claims = self.verifier.session_token(token, time.time())
        except TicketError as error:
            raise LinkError("unauthorized", error.message) from None
        if not isinstance(claims, Ticket):
            if claims.session not in self.sessions:
                raise LinkError("session-gone", "The session has ended.")
            return
        if claims.jti in self.used:
            raise LinkError("unauthorized", "The ticket was used.")
        if claims.room not in self.rooms:
            raise LinkError("unknown-room", "No such room.")
        self.used.add(claims.jti)
        self.sessions[claims.session] = (claims.room, claims.peer)
        self._home().peer_joined(claims.room, claims.peer)

    def end(self, session: str, reason: str = "bye") -> None:
        """End a session for good."""
        room, peer = self.sessions.pop(session)
        self._home().peer_left(room, peer, reason)

    def _home(self) -> HomeLink:
        assert self.home is not None
        return self.home

    def _maybe_refuse(self) -> None:
        if self.refuses is not None:
            raise self.refuses
