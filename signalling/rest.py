"""The REST API of docs/PROTOCOL.md 1.1: one handler for each operation, and the table of them."""

from typing import cast

from aiohttp import web
from msgspec import UNSET

from signalling.bodies import (
    ChangeRoom,
    CreateRoom,
    Join,
    JoinRoom,
    KickPeer,
    RoomCreated,
    RoomList,
    RoomView,
    invite_url,
    room_view,
)
from signalling.errors import (
    BadSdpError,
    BusyError,
    RateError,
    RoomFullError,
    RoomLockedError,
    ServerFullError,
    SessionGoneError,
    ShutdownError,
    TooManyRoomsError,
    UnavailableError,
    UnknownPeerError,
    WrongPasswordError,
)
from signalling.events import subscribe
from signalling.operations import Call, Operation, json_answer
from signalling.rooms import Change, RoomDraft, tidy_name
from signalling.signal import serve_signal


async def create_room(call: Call) -> RoomCreated:
    wish = cast("CreateRoom", call.body)
    base_url = call.base_url
    name = tidy_name(wish.name)
    call.door.count_creation(call.client_key)
    password = await call.door.passwords.hash(wish.password) if wish.password else None
    draft = RoomDraft(name, wish.capacity, wish.public, password, wish.max_speed_m_s)
    room, host_key = await call.home.create_room(draft, creator=call.client_key)
    return RoomCreated(room_view(room, base_url), host_key, invite_url(base_url, room.code))


async def list_rooms(call: Call) -> RoomList:
    base_url = call.base_url
    return RoomList([room_view(room, base_url) for room in call.home.directory.listed()])


async def read_room(call: Call) -> RoomView:
    return room_view(call.room(), call.base_url)


async def change_room(call: Call) -> RoomView:
    wish = cast("ChangeRoom", call.body)
    base_url, room = call.base_url, call.room()
    change = Change(
        name=None if wish.name is UNSET else tidy_name(wish.name),
        capacity=None if wish.capacity is UNSET else wish.capacity,
        public=None if wish.public is UNSET else wish.public,
        locked=None if wish.locked is UNSET else wish.locked,
        password=await call.door.passwords.hash(wish.password) if wish.password else None,
        clear_password=wish.password is None or wish.password == "",
    )
    return room_view(await call.home.change_room(room.room_id, change), base_url)


async def close_room(call: Call) -> None:
    await call.home.close_room(call.room().room_id)


async def kick_peer(call: Call) -> None:
    wish = cast("KickPeer", call.body)
    await call.home.kick(call.room().room_id, wish.peer_id, wish.reason)


async def join_room(call: Call) -> Join:
    room = call.room()
    return await call.door.join(room, cast("JoinRoom", call.body), call.visitor(room))


async def room_events(call: Call) -> web.StreamResponse:
    return await subscribe(call.home, call.request, call.base_url, call.client_key)


async def signal(call: Call) -> web.StreamResponse:
    return await serve_signal(call.home, call.request, call.client_key)


async def describe_api(call: Call) -> web.StreamResponse:
    return json_answer(call.request.app[DESCRIPTION])


DESCRIPTION = web.AppKey("description", dict)
"""The OpenAPI document."""

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST", "/rooms", "createRoom", "Create a room", create_room,
        body=CreateRoom, answer=RoomCreated, status=201,
        errors=(TooManyRoomsError, RateError, BusyError, ShutdownError),
    ),
    Operation("GET", "/rooms", "listRooms", "The rooms of the lobby", list_rooms, answer=RoomList),
    Operation(
        "GET", "/rooms/events", "roomEvents",
        "The rooms of the lobby, live: events `rooms` (the whole list, first), `room` (one that appeared or changed) and `gone`",
        room_events, streams="text/event-stream", errors=(BusyError, ShutdownError),
    ),
    Operation("GET", "/rooms/{id}", "readRoom", "One room", read_room, answer=RoomView),
    Operation(
        "PATCH", "/rooms/{id}", "changeRoom", "Change a room: lock it, rename it, …", change_room,
        body=ChangeRoom, answer=RoomView, errors=(BusyError, ShutdownError), host=True,
    ),
    Operation(
        "DELETE", "/rooms/{id}", "closeRoom", "Close a room; everybody in it is told", close_room,
        status=204, host=True,
    ),
    Operation(
        "POST", "/rooms/{id}/kick", "kickPeer", "End a peer's session", kick_peer,
        body=KickPeer, status=204, errors=(UnknownPeerError,), host=True,
    ),
    Operation(
        "POST", "/rooms/{id}/join", "joinRoom", "A place in a room: peer id, ticket, and where to go with it", join_room,
        body=JoinRoom, answer=Join, host_optional=True,
        errors=(
            WrongPasswordError, RoomLockedError, RoomFullError, ServerFullError, SessionGoneError,
            BadSdpError, RateError, BusyError, UnavailableError, ShutdownError,
        ),
    ),
    Operation(
        "GET", "/signal", "signal", "The signalling WebSocket (docs/PROTOCOL.md 1.2)", signal,
        streams="WebSocket", errors=(BusyError, ShutdownError),
    ),
    Operation("GET", "/openapi.json", "describeApi", "This description", describe_api),
)  # fmt: skip
"""The whole API."""
