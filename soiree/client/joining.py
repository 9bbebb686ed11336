"""The way into a room."""

import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import ClientSession

from soiree import rtc
from soiree.client.carrier import DialError
from soiree.client.errors import JoinError, RoomClosedError
from soiree.client.ladder import Choice, IcePolicy, Ladder
from soiree.client.lobby import Admission, Lobby, split_invite
from soiree.client.room import Room


@contextlib.asynccontextmanager
async def join(
    url: str,
    *,
    room: str | None = None,
    name: str = "guest",
    password: str | None = None,
    transport: Choice = "auto",
    engine: str = "auto",
    identity: str | None = None,
    resume: str | None = None,
    bind_address: str | None = None,
    ice_transport_policy: IcePolicy = "all",
) -> AsyncIterator[Room]:
    """Be in a room for as long as the `async with` block lasts.

    Args:
        url: address of the party server, or an invite link (then `room` may be left out).
        room: code or id of the room.
        name: what others see, 1 to 64 characters.
        password: if the room has one.
        transport: "auto" tries WebRTC first, the WebSocket beside it after 1.5 s, and keeps the better.
        engine: which WebRTC stack: "auto", "libdatachannel" or "aiortc".
        identity: `Room.identity` of an earlier stay, to get back what one mastered for good.
        resume: `Room.resume_token` of a session that still lives, to go on with it after a crash.
        bind_address: local address for WebRTC; None for all, or for loopback where the server is on loopback.
        ice_transport_policy: "relay" lets WebRTC go through TURN servers alone, as in browsers.

    Raises:
        JoinError: it did not come to it; its code and message say why.
    """
    base_url, code = split_invite(url)
    wanted = room or code
    if wanted is None:
        raise JoinError("no-room", "name a room: join(url, room=CODE), or give its invite link as the url")
    if engine != "auto" and engine not in rtc.ENGINES:
        raise JoinError(
            "bad-engine", f"there is no WebRTC engine {engine!r}: choose one of {', '.join(rtc.ENGINES)}, or auto"
        )
    bind_address = bind_address or loopback_of(base_url)
    async with ClientSession() as http:
        lobby = Lobby(http, base_url)
        admission = await lobby.join(wanted, name=name, password=password, identity=identity, resume=resume)
        joined = Room(
            name,
            admission.resume,
            admission.identity,
            lambda lifeline: Ladder(
                lifeline,
                http,
                admission,
                transport,
                engine,
                bind_address,
                ice_policy=ice_transport_policy,
                renew=lambda: lobby.join(wanted, name=name, resume=admission.resume),
            ),
        )
        try:
            await _open(joined, admission)
            yield joined
        finally:
            await joined.leave()


def loopback_of(base_url: str) -> str | None:
    """The loopback address that `base_url` names, None for any other.

    A server on loopback has no other candidate, and reaching it from all interfaces costs retransmitted checks: up to 3.75 s.
    """
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return "127.0.0.1"
    try:
        return host if ip_address(host).is_loopback else None
    except ValueError:
        return None


async def _open(room: Room, admission: Admission) -> None:
    try:
        await room.open()
    except (DialError, RoomClosedError) as error:
        raise JoinError(error.code, f"no connection to {admission.room.name!r}: {error}") from error
