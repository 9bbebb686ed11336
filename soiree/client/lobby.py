"""The homeserver's REST calls that a client needs (docs/PROTOCOL.md section 1.1)."""

import os
import ssl
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from aiohttp import ClientConnectorError, ClientError, ClientSession, ClientTimeout

from soiree.client.errors import JoinError
from soiree.wire.limits import MAX_NAME_CHARS

CALL_TIMEOUT_S = 10.0
API = "/api/v1"

T = TypeVar("T")


class IceServerInfo(msgspec.Struct, frozen=True):
    """As the API hands it out (W3C RTCIceServer)."""

    urls: list[str]
    username: str | None = None
    credential: str | None = None


class RoomListing(msgspec.Struct, frozen=True):
    """A room as the homeserver lists it."""

    id: str
    code: str
    name: str
    capacity: int = 0
    peers: int = 0


class Created(msgspec.Struct, frozen=True):
    """A room that was made just now."""

    room: RoomListing
    host_key: str
    invite_url: str


class Admission(msgspec.Struct, frozen=True):
    """The homeserver's yes to a join."""

    peer_id: int
    session: str
    ticket: str | None
    resume: str
    identity: str
    room: RoomListing
    ice_servers: list[IceServerInfo]
    transports: list[str]
    data_url: str
    signal_url: str
    host: bool = False


class _ErrorBody(msgspec.Struct):
    code: str
    message: str


class _Failure(msgspec.Struct):
    error: _ErrorBody


def split_invite(url: str) -> tuple[str, str | None]:
    """(base address of the server, room code) of a server's address or of an invite link, `…/r/CODE`.

    Raises:
        JoinError: it is neither.
    """
    refusal = JoinError(
        "bad-url", f"{url!r} is not an http:// or https:// address: give http://HOST:PORT, or the invite link"
    )
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        _ = parts.port
    except ValueError:
        raise refusal from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refusal
    path, _, code = parts.path.rpartition("/r/")
    if not _:
        path, code = parts.path, ""
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", "")), code.strip("/") or None


class Lobby:
    """Calls to one homeserver."""

    def __init__(self, http: ClientSession, base_url: str) -> None:
        self._http = http
        self._address = base_url
        self._base = base_url + API

    async def create_room(
        self, name: str, *, capacity: int, public: bool = False, password: str | None = None
    ) -> Created:
        """Make a room. Raises JoinError."""
        body: dict[str, Any] = {"name": name, "capacity": capacity, "public": public}
        if password:
            body["password"] = password
        return await self._post("/rooms", body, Created)

    async def join(
        self,
        room: str,
        *,
        name: str,
        password: str | None = None,
        identity: str | None = None,
        resume: str | None = None,
    ) -> Admission:
        """Ask to be let in, or back in. Raises JoinError."""
        if not name.strip() or len(name) > MAX_NAME_CHARS:
            raise JoinError("invalid", f"a name has 1 to {MAX_NAME_CHARS} characters, not all of them blank")
        optional = {"password": password, "identity": identity, "resume": resume}
        body = {"name": name} | {key: value for key, value in optional.items() if value is not None}
        return await self._post(f"/rooms/{quote(room, safe='')}/join", body, Admission)

    async def _post(self, path: str, body: dict[str, Any], answer: type[T]) -> T:
        try:
            async with self._http.post(
                self._base + path, json=body, timeout=ClientTimeout(total=CALL_TIMEOUT_S)
            ) as response:
                data, status = await response.read(), response.status
        except (TimeoutError, ClientError, OSError) as error:
            raise JoinError("unreachable", f"no party answers at {self._address}: {_why(error)}") from error
        try:
            if status >= 400:
                failure = msgspec.json.decode(data, type=_Failure).error
                raise JoinError(failure.code, failure.message)
            return msgspec.json.decode(data, type=answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise JoinError(
                "bad-answer", f"{self._address} answers {status} with something that is no party's answer"
            ) from error


def _why(error: Exception) -> str:
    """What the system says of a failed call, without the addresses and numbers that libraries add."""
    if isinstance(error, TimeoutError):
        return f"nothing came within {CALL_TIMEOUT_S:g} s"
    cause = error.os_error if isinstance(error, ClientConnectorError) else error
    if isinstance(cause, OSError) and cause.errno is not None:
        of_the_system = cause.errno > 0 and not isinstance(cause, ssl.SSLError)
        words = os.strerror(cause.errno) if of_the_system else cause.strerror or ""
        if words:
            return words[0].lower() + words[1:]
    return str(error) or type(error).__name__
