"""The directory as a state machine: whatever happens in whatever order, no room is over-filled and nothing lapsed remains."""

from collections import Counter
from random import Random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from signalling.directory import Directory, DirectoryBounds, RoomGone, RoomShown
from signalling.errors import (
    ApiError,
    InvalidError,
    RoomFullError,
    RoomLockedError,
    ServerFullError,
    TooManyRoomsError,
    UnknownRoomError,
)
from signalling.rooms import CODE_CHARS, CODE_LETTERS, Change, Room, RoomDraft, tidy_name

BOUNDS = DirectoryBounds(max_rooms=4, max_rooms_per_address=2, max_peers=6, empty_room_life_s=60, promise_life_s=10)
PLACE = tuple[str, int]


def made(directory: Directory, *, now: float = 0.0, creator: str = "", **draft: object) -> Room:
    return directory.create(RoomDraft("Den", **draft), creator=creator, now=now, created_at=1.8e9)  # type: ignore[arg-type]  # a draft's fields


def directory(bounds: DirectoryBounds = BOUNDS) -> Directory:
    return Directory(bounds, Random(1))


class DirectoryMachine(RuleBasedStateMachine):
    """A model of who was promised a place until when, beside the real directory."""

    rooms = Bundle("rooms")
    promises = Bundle("promises")
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.directory = directory()
        self.now = 0.0
        self.expected: dict[PLACE, float] = {}
        self.present: set[PLACE] = set()
        self.busy_at: dict[str, float] = {}
        self.shown: set[str] = set()

    def taken(self, room_id: str) -> int:
        live = [place for place, until in self.expected.items() if until > self.now]
        return sum(place[0] == room_id for place in [*live, *self.present])

    @rule(target=rooms, capacity=st.integers(1, 3), public=st.booleans(), creator=st.sampled_from(["", "a", "b"]))
    def create(self, capacity: int, public: bool, creator: str) -> object:
        mine = sum(room.creator == creator for room in self.directory) if creator else 0
        allowed = len(self.directory) < BOUNDS.max_rooms and mine < BOUNDS.max_rooms_per_address
        try:
            room = made(self.directory, now=self.now, creator=creator, capacity=capacity, public=public)
        except TooManyRoomsError:
            assert not allowed
            return multiple()
        assert allowed
        self.busy_at[room.room_id] = self.now
        return room.room_id

    @rule(target=promises, room_id=rooms, host=st.booleans())
    def promise(self, room_id: str, host: bool) -> object:
        try:
            room = self.directory.find(room_id)
        except UnknownRoomError:
            return multiple()
        room_full = self.taken(room_id) >= room.capacity
        try:
            peer = self.directory.promise(room_id, host=host, now=self.now)
        except RoomLockedError:
            assert room.locked
            assert not host
            return multiple()
        except RoomFullError:
            assert room_full
            return multiple()
        except ServerFullError:
            assert self.directory.taken >= BOUNDS.max_peers
            return multiple()
        assert not room_full
        assert (room_id, peer) not in self.present
        assert 2 <= peer < 2**31
        self.expected[room_id, peer] = self.now + BOUNDS.promise_life_s
        return (room_id, peer)

    @rule(target=sessions, place=consumes(promises))
    def arrive(self, place: PLACE) -> object:
        until = self.expected.pop(place, 0.0)
        if until <= self.now or place[0] not in self.busy_at:
            return multiple()
        self.directory.arrived(*place)
        self.present.add(place)
        return place

    @rule(place=consumes(promises))
    def withdraw(self, place: PLACE) -> None:
        until = self.expected.pop(place, None)
        self.directory.withdraw(*place, self.now)
        if until is not None and until > self.now:
            self.busy_at[place[0]] = self.now

    @rule(place=consumes(sessions))
    def depart(self, place: PLACE) -> None:
        self.directory.departed(*place, self.now)
        if place in self.present:
            self.present.remove(place)
            self.busy_at[place[0]] = self.now

    @rule(room_id=rooms, locked=st.booleans(), public=st.booleans(), capacity=st.integers(1, 3))
    def change(self, room_id: str, locked: bool, public: bool, capacity: int) -> None:
        try:
            self.directory.change(room_id, Change(locked=locked, public=public, capacity=capacity))
        except UnknownRoomError:
            assert room_id not in self.busy_at

    @rule(room_id=rooms)
    def remove(self, room_id: str) -> None:
        self.directory.remove(room_id)
        self.forget(room_id)

    @rule(seconds=st.floats(0.5, 50))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for place, until in list(self.expected.items()):
            if until <= self.now:
                del self.expected[place]
                self.busy_at[place[0]] = max(until, self.busy_at[place[0]])
        gone = {room.room_id for room in self.directory.expire(self.now)}
        lapsed = {
            room_id
            for room_id, at in self.busy_at.items()
            if not self.taken(room_id) and self.now - at >= BOUNDS.empty_room_life_s
        }
        assert gone == lapsed
        for room_id in gone:
            self.forget(room_id)

    def forget(self, room_id: str) -> None:
        self.busy_at.pop(room_id, None)
        self.expected = {place: until for place, until in self.expected.items() if place[0] != room_id}
        self.present = {place for place in self.present if place[0] != room_id}

    @invariant()
    def nobody_is_lost_or_made_up(self) -> None:
        for room in self.directory:
            assert {peer for found, peer in self.present if found == room.room_id} == room.present
            live = {peer for peer, until in room.expected.items() if until > self.now}
            assert {peer for found, peer in self.expected if found == room.room_id} == live
            assert room.hosts <= room.present | room.expected.keys()

    @invariant()
    def bounds_hold_and_names_are_unique(self) -> None:
        rooms = list(self.directory)
        assert len(rooms) <= BOUNDS.max_rooms
        assert self.directory.taken <= BOUNDS.max_peers
        assert max(Counter(room.creator for room in rooms if room.creator).values(), default=0) <= 2
        assert len({name for room in rooms for name in (room.room_id, room.code)}) == 2 * len(rooms)
        assert all(self.directory.find(name) is room for room in rooms for name in (room.room_id, room.code))

    @invariant()
    def the_lobby_that_hears_everything_knows_the_list(self) -> None:
        for event in self.directory.drain():
            if isinstance(event, RoomShown):
                self.shown.add(event.room_id)
            else:
                self.shown.discard(event.room_id)
        assert self.shown == {room.room_id for room in self.directory.listed()}


TestDirectoryMachine = DirectoryMachine.TestCase


def test_joins_that_race_never_overfill_a_room() -> None:
    rooms = directory(DirectoryBounds())
    room = made(rooms, capacity=3)
    for _ in range(3):
        rooms.promise(room.room_id, now=0.0)
    with pytest.raises(RoomFullError, match=r"3 of 3"):
        rooms.promise(room.room_id, now=0.0)


def test_a_place_whose_ticket_lapsed_is_free_again() -> None:
    rooms = directory()
    room = made(rooms, capacity=1)
    rooms.promise(room.room_id, now=0.0)
    with pytest.raises(RoomFullError):
        rooms.promise(room.room_id, now=9.9)
    rooms.promise(room.room_id, now=10.0)


def test_a_ticket_used_at_its_last_moment_still_counts() -> None:
    rooms = directory()
    room = made(rooms, capacity=1)
    peer = rooms.promise(room.room_id, now=0.0)
    rooms.expire(11.0)
    rooms.arrived(room.room_id, peer)
    assert room.present == {peer}
    assert room.empty_since is None


def test_a_room_expires_once_it_was_empty_for_its_time_and_a_permanent_one_never() -> None:
    rooms = directory()
    lasting = rooms.create(RoomDraft("Party"), code="party", permanent=True, now=0.0, created_at=0.0)
    room = made(rooms)
    peer = rooms.promise(room.room_id, now=59.0)
    rooms.arrived(room.room_id, peer)
    assert rooms.expire(1000.0) == []
    rooms.departed(room.room_id, peer, 1000.0)
    assert rooms.expire(1059.9) == []
    assert rooms.expire(1060.0) == [room]
    assert list(rooms) == [lasting]
    assert rooms.find("PARTY") is lasting


def test_the_bound_of_rooms_in_all_and_for_one_address() -> None:
    rooms = directory()
    for creator in ("a", "a", "b", "b"):
        made(rooms, creator=creator)
    with pytest.raises(TooManyRoomsError, match="as this server allows"):
        made(rooms, creator="c")
    rooms.remove(next(iter(rooms)).room_id)
    with pytest.raises(TooManyRoomsError, match="one address"):
        made(rooms, creator="b")
    made(rooms, creator="a")


def test_the_bound_of_peers_in_all_rooms() -> None:
    rooms = directory()
    first, second = made(rooms), made(rooms)
    for n in range(BOUNDS.max_peers):
        rooms.promise((first, second)[n % 2].room_id, now=0.0)
    with pytest.raises(ServerFullError):
        rooms.promise(first.room_id, now=0.0)


def test_a_code_that_is_taken_or_unreadable_is_refused() -> None:
    rooms = directory()
    rooms.create(RoomDraft("Party"), code="party", now=0.0, created_at=0.0)
    for code in ("party", "Party"):
        with pytest.raises(ValueError, match="code"):
            rooms.create(RoomDraft("Party"), code=code, now=0.0, created_at=0.0)


def test_codes_are_short_and_hold_no_letter_that_is_mistaken() -> None:
    rooms = directory(DirectoryBounds(max_rooms=300))
    codes = {made(rooms).code for _ in range(300)}
    assert len(codes) == 300
    assert all(len(code) == CODE_CHARS and set(code) <= set(CODE_LETTERS) for code in codes)
    assert not set("01ilo") & set(CODE_LETTERS)


def test_a_room_that_hides_is_gone_from_the_lobby() -> None:
    rooms = directory()
    room = made(rooms)
    rooms.drain()
    rooms.change(room.room_id, Change(public=False))
    assert rooms.drain() == [RoomGone(room.room_id)]
    rooms.change(room.room_id, Change(name="Attic"))
    rooms.remove(room.room_id)
    assert rooms.drain() == []


def test_what_concerns_no_room_is_no_error() -> None:
    rooms = directory()
    rooms.arrived("nowhere", 5)
    rooms.departed("nowhere", 5, 0.0)
    rooms.withdraw("nowhere", 5, 0.0)
    rooms.remove("nowhere")
    assert rooms.drain() == []


@pytest.mark.parametrize("name", ["", " ", "\u3000", "a\nb", "\x7f", "x" * 65])
def test_a_name_that_cannot_be_seen_or_is_too_long_is_refused(name: str) -> None:
    with pytest.raises(InvalidError) as caught:
        tidy_name(name)
    assert isinstance(caught.value, ApiError)
    assert caught.value.body()["error"]["field"] == "name"
