"""Pure core: the rooms of this homeserver, who is in each, and what the lobby is told about them.

A place is promised when a ticket is issued and taken when the relay says that it was used, so that joins that race never fill a room
beyond its capacity. `now` is monotonic seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from signalling.errors import RoomFullError, RoomLockedError, ServerFullError, TooManyRoomsError, UnknownRoomError
from signalling.rooms import Change, Room, RoomDraft, draw_code, draw_id
from soiree.wire.messages import FIRST_AUDIENCE

FIRST_PEER_ID = 2
LAST_PEER_ID = FIRST_AUDIENCE - 1


@dataclass(frozen=True, slots=True)
class RoomShown:
    """A room of the lobby appeared or changed."""

    room_id: str


@dataclass(frozen=True, slots=True)
class RoomGone:
    """A room is no longer in the lobby."""

    room_id: str


DirectoryEvent = RoomShown | RoomGone


@dataclass(frozen=True, slots=True)
class DirectoryBounds:
    """How much the directory holds."""

    max_rooms: int = 1000
    max_rooms_per_address: int = 20
    max_peers: int = 2000
    """Peers in all rooms together, those expected included."""
    empty_room_life_s: float = 600.0
    """How long a room with nobody in it stays."""
    promise_life_s: float = 33.0
    """How long a place waits for its ticket to be used: a little longer than the ticket lives."""


class Directory:
    """The rooms. One call is one change; `drain()` then tells what the lobby must hear."""

    def __init__(self, bounds: DirectoryBounds, rng: Random) -> None:
        """Args: `rng` draws ids and codes: `random.SystemRandom` wherever strangers may guess."""
        self._bounds = bounds
        self._rng = rng
        self._rooms: dict[str, Room] = {}
        self._codes: dict[str, str] = {}
        self._events: list[DirectoryEvent] = []

    # Reading

    def __len__(self) -> int:
        return len(self._rooms)

    def __iter__(self) -> Iterator[Room]:
        return iter(self._rooms.values())

    @property
    def taken(self) -> int:
        """Places taken or promised in all rooms."""
        return sum(room.taken for room in self._rooms.values())

    def find(self, key: str) -> Room:
        """The room with this id or code, in any case of letters. Raises UnknownRoomError."""
        key = key.lower()
        room = self._rooms.get(key) or self._rooms.get(self._codes.get(key, ""))
        if room is None:
            raise UnknownRoomError
        return room

    def listed(self) -> list[Room]:
        """The rooms of the lobby, oldest first."""
        return [room for room in self._rooms.values() if room.public]

    def drain(self) -> list[DirectoryEvent]:
        """What happened to the rooms of the lobby since the last call."""
        events, self._events = self._events, []
        return events

    # Rooms

    def create(
        self,
        draft: RoomDraft,
        *,
        creator: str = "",
        code: str | None = None,
        permanent: bool = False,
        now: float,
        created_at: float,
    ) -> Room:
        """Make a room; a permanent one never expires. Raises TooManyRoomsError, and ValueError for a code already in use."""
        if len(self._rooms) >= self._bounds.max_rooms:
            raise TooManyRoomsError
        if creator and sum(room.creator == creator for room in self) >= self._bounds.max_rooms_per_address:
            raise TooManyRoomsError(
                "You have as many rooms as one address may have: close one, or wait until one expires."
            )
        if code is not None and (code != code.lower() or code in self._codes or code in self._rooms):
            raise ValueError(f"{code!r} cannot be a room's code, or is one already")
        room = Room(
            room_id=self._unused_id(),
            code=code or self._unused_code(),
            name=draft.name,
            capacity=draft.capacity,
            public=draft.public,
            password=draft.password,
            max_speed_m_s=draft.max_speed_m_s,
            created_at=int(created_at),
            creator=creator,
            permanent=permanent,
            empty_since=now,
        )
        self._rooms[room.room_id] = room
        self._codes[room.code] = room.room_id
        self._shown(room)
        return room

    def change(self, room_id: str, change: Change) -> Room:
        """Change a room as its host asks. A capacity below the number present lets nobody new in. Raises UnknownRoomError."""
        room = self.find(room_id)
        was_public = room.public
        for name in ("name", "capacity", "public", "locked", "password"):
            if (value := getattr(change, name)) is not None:
                setattr(room, name, value)
        if change.clear_password:
            room.password = None
        if was_public and not room.public:
            self._events.append(RoomGone(room_id))
        self._shown(room)
        return room

    def remove(self, room_id: str) -> None:
        """Forget a room; an unknown one is no error."""
        room = self._rooms.pop(room_id, None)
        if room is None:
            return
        del self._codes[room.code]
        if room.public:
            self._events.append(RoomGone(room_id))

    # Places

    def promise(self, room_id: str, *, host: bool = False, now: float) -> int:
        """Promise a place to a newcomer and return its peer id.

        Raises:
            UnknownRoomError, RoomLockedError (hosts come in all the same), RoomFullError, ServerFullError.
        """
        room = self.find(room_id)
        self._give_up_places(room, now)
        if room.locked and not host:
            raise RoomLockedError
        if room.taken >= room.capacity:
            raise RoomFullError(f"The room is full ({room.taken} of {room.capacity}).")
        if self.taken >= self._bounds.max_peers:
            raise ServerFullError
        peer = self._unused_peer(room)
        room.expected[peer] = now + self._bounds.promise_life_s
        if host:
            room.hosts.add(peer)
        room.empty_since = None
        return peer

    def withdraw(self, room_id: str, peer: int, now: float) -> None:
        """Take back a promised place whose ticket can no longer be used."""
        room = self._rooms.get(room_id)
        if room is not None and room.expected.pop(peer, None) is not None:
            room.hosts.discard(peer)
            self._note_empty(room, now)

    def arrived(self, room_id: str, peer: int) -> None:
        """The relay opened the session of a ticket."""
        room = self._rooms.get(room_id)
        if room is None:
            return
        room.expected.pop(peer, None)
        room.present.add(peer)
        room.empty_since = None
        self._shown(room)

    def departed(self, room_id: str, peer: int, now: float) -> None:
        """The relay ended a session for good."""
        room = self._rooms.get(room_id)
        if room is None or peer not in room.present:
            return
        room.present.discard(peer)
        room.hosts.discard(peer)
        self._note_empty(room, now)
        self._shown(room)

    def expire(self, now: float) -> list[Room]:
        """Give up places whose tickets have lapsed, forget rooms empty for too long, and return the latter."""
        for room in self._rooms.values():
            self._give_up_places(room, now)
        life_s = self._bounds.empty_room_life_s
        gone = [
            room
            for room in self._rooms.values()
            if not room.permanent and room.empty_since is not None and now - room.empty_since >= life_s
        ]
        for room in gone:
            self.remove(room.room_id)
        return gone

    def _give_up_places(self, room: Room, now: float) -> None:
        lapsed = [(until, peer) for peer, until in room.expected.items() if until <= now]
        for _, peer in lapsed:
            del room.expected[peer]
            room.hosts.discard(peer)
        if lapsed:
            self._note_empty(room, max(lapsed)[0])

    def _note_empty(self, room: Room, now: float) -> None:
        if not room.taken and room.empty_since is None:
            room.empty_since = now

    def _shown(self, room: Room) -> None:
        if room.public:
            self._events.append(RoomShown(room.room_id))

    def _unused_id(self) -> str:
        while (drawn := draw_id(self._rng)) in self._rooms or drawn in self._codes:
            pass
        return drawn

    def _unused_code(self) -> str:
        while (drawn := draw_code(self._rng)) in self._codes or drawn in self._rooms:
            pass
        return drawn

    def _unused_peer(self, room: Room) -> int:
        while (drawn := self._rng.randint(FIRST_PEER_ID, LAST_PEER_ID)) in room.present or drawn in room.expected:
            pass
        return drawn
