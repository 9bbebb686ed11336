"""Pure core: what requests and answers of the API look like (docs/PROTOCOL.md 1.1); the OpenAPI description is made from these."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalling.limits import (
    CAPACITY_LIMIT,
    DEFAULT_CAPACITY,
    DEFAULT_MAX_SPEED_M_S,
    MAX_OFFER_CHARS,
    MAX_PASSWORD_CHARS,
    MAX_SPEED_LIMIT_M_S,
)
from signalling.rooms import Room
from soiree.rtc.engine import IceServer
from soiree.ticket import MAX_TOKEN_CHARS
from soiree.wire.limits import MAX_NAME_CHARS, MAX_REASON_CHARS

PRINTABLE = r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"
"""No control characters, and something to be seen."""

NAME_WORDS = f"name: 1 to {MAX_NAME_CHARS} characters, not all of them blank and none a control character"
"""What is said to who gives none such."""

Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARS, pattern=PRINTABLE)]
Capacity = Annotated[int, Meta(ge=1, le=CAPACITY_LIMIT, description="most peers; a server may allow fewer")]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD_CHARS, description="empty: none")]
Token = Annotated[str, Meta(max_length=MAX_TOKEN_CHARS)]


class CreateRoom(msgspec.Struct, frozen=True):
    """A room to be made."""

    name: Name
    capacity: Capacity = DEFAULT_CAPACITY
    public: Annotated[bool, Meta(description="whether the lobby shows it")] = True
    password: Password | None = None
    max_speed_m_s: Annotated[
        float, Meta(gt=0, le=MAX_SPEED_LIMIT_M_S, description="faster jumps are refused, teleports aside")
    ] = DEFAULT_MAX_SPEED_M_S


class ChangeRoom(msgspec.Struct, frozen=True):
    """What to change; all else stays."""

    locked: bool | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    password: Annotated[Password | None, Meta(description="null: none from now on")] | UnsetType = UNSET


class KickPeer(msgspec.Struct, frozen=True):
    """Who is to go."""

    peer_id: Annotated[int, Meta(ge=2, le=2**31 - 1)]
    reason: Annotated[str, Meta(max_length=MAX_REASON_CHARS, description="told to the peer")] = ""


class JoinRoom(msgspec.Struct, frozen=True):
    """Who wants to come in."""

    name: Name
    password: Password | None = None
    identity: Annotated[Token | None, Meta(description="from an earlier join; one that is void is replaced")] = None
    resume: Annotated[Token | None, Meta(description="come back to a session that still lives")] = None
    offer: Annotated[
        str | None, Meta(description="an SDP offer with its candidates, to be answered in the same round trip")
    ] = None

    def __post_init__(self) -> None:
        if self.offer is not None and len(self.offer) > MAX_OFFER_CHARS:
            raise ValueError(f"Expected `str` of length <= {MAX_OFFER_CHARS} - at `$.offer`")


class RoomView(msgspec.Struct, frozen=True):
    """A room as everybody may know it."""

    id: str
    code: Annotated[str, Meta(description="for links: /r/{code}")]
    name: str
    peers: int
    capacity: int
    public: bool
    locked: bool
    password: Annotated[bool, Meta(description="whether one is asked for")]
    invite_url: str
    created_at: Annotated[str, Meta(description="UTC, ISO 8601", extra_json_schema={"format": "date-time"})]


class RoomList(msgspec.Struct, frozen=True):
    """The rooms of the lobby."""

    rooms: list[RoomView]


class RoomCreated(msgspec.Struct, frozen=True):
    """A new room and the key to it."""

    room: RoomView
    host_key: Annotated[str, Meta(description='proves the host: "Authorization: Bearer …"')]
    invite_url: str


class IceServerView(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RTCIceServer."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class Join(msgspec.Struct, frozen=True):
    """A place in a room, and how to take it."""

    peer_id: int
    session: str
    ticket: Annotated[str | None, Meta(description="opens the session, once, within seconds")]
    resume: Annotated[str, Meta(description="for every further connection of the session")]
    identity: Annotated[str, Meta(description="keep it for later joins")]
    room: RoomView
    host: bool
    ice_servers: list[IceServerView]
    transports: Annotated[list[str], Meta(description="webrtc and/or websocket, best first")]
    data_url: str
    signal_url: str
    answer: str | None = None
    connection: str | None = None


class ErrorBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is wrong."""

    code: str
    message: Annotated[str, Meta(description="for people")]
    field: Annotated[str | None, Meta(description="the one input at fault")] = None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every error."""

    error: ErrorBody


def invite_url(base_url: str, code: str) -> str:
    """The link into a room."""
    return f"{base_url}/r/{code}"


def room_view(room: Room, base_url: str) -> RoomView:
    """A room as everybody may know it."""
    return RoomView(
        id=room.room_id,
        code=room.code,
        name=room.name,
        peers=len(room.present),
        capacity=room.capacity,
        public=room.public,
        locked=room.locked,
        password=room.password is not None,
        invite_url=invite_url(base_url, room.code),
        created_at=datetime.fromtimestamp(room.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def ice_server_view(server: IceServer) -> IceServerView:
    """A STUN or TURN server as browsers take it."""
    return IceServerView(list(server.urls), server.username, server.credential)
