"""What an operation of the REST API is: one row tells the router, the handler's frame and the OpenAPI description the same thing."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
from aiohttp import hdrs, web

from signalling.bodies import NAME_WORDS
from signalling.errors import (
    ApiError,
    InternalError,
    InvalidError,
    NotHostError,
    OriginError,
    RateError,
    TooLargeError,
    UnauthorizedError,
    UnknownRoomError,
)
from signalling.homeserver import Homeserver
from signalling.joining import API, Door, Visitor
from signalling.proxies import Proxies
from signalling.rooms import Room
from soiree.ticket import TicketError

HOME = web.AppKey("home", Homeserver)
DOOR = web.AppKey("door", Door)
PROXIES = web.AppKey("proxies", Proxies)

_FIELD = re.compile(r"at `\$\.(\w+)")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, as handlers see it."""

    request: web.Request
    body: msgspec.Struct | None
    """Decoded and valid, where the operation has one."""

    @property
    def home(self) -> Homeserver:
        return self.request.app[HOME]

    @property
    def door(self) -> Door:
        return self.request.app[DOOR]

    @property
    def base_url(self) -> str:
        """This server's address, as the client knows it."""
        return self.request.app[PROXIES].base_url(self.request)

    @property
    def client_key(self) -> str:
        """What stands for the client in limits."""
        return self.request.app[PROXIES].client_key(self.request)

    def room(self) -> Room:
        """The room that the path names. Raises UnknownRoomError, RateError."""
        return self.home.find_room(self.request.match_info["id"], self.client_key)

    def visitor(self, room: Room) -> Visitor:
        """Who asks; a host key shown must be this room's. Credentials of another scheme are some proxy's, not ours."""
        host = self.request.headers.get(hdrs.AUTHORIZATION, "").lower().startswith("bearer ")
        if host and self.hosted_room_id() != room.room_id:
            raise NotHostError
        return Visitor(self.client_key, self.base_url, host)

    def hosted_room_id(self) -> str:
        """Id of the room whose host key is shown. Raises UnauthorizedError."""
        scheme, _, token = self.request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthorizedError
        try:
            return self.home.verifier.host_key(token.strip(), self.home.wall()).room
        except TicketError as error:
            raise UnauthorizedError(error.message) from None

    def demand_host(self) -> None:
        """Let only the host of the path's room pass. Raises UnauthorizedError before anything is told of the room, and NotHostError."""
        if self.hosted_room_id() != self.room().room_id:
            raise NotHostError


Handler = Callable[[Call], Awaitable[msgspec.Struct | web.StreamResponse | None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of the API."""

    method: str
    path: str
    """Below `API`, parameters in braces."""
    name: str
    """The operationId."""
    summary: str
    handler: Handler
    body: type[msgspec.Struct] | None = None
    answer: type[msgspec.Struct] | None = None
    """None: no content, or not JSON."""
    status: int = 200
    errors: tuple[type[ApiError], ...] = ()
    """What it may refuse with, beside what every call may."""
    host: bool = False
    """Whether the host key is demanded."""
    host_optional: bool = False
    """Whether the host key makes a difference."""
    streams: str | None = None
    """Content type of an answer that never ends."""

    def all_errors(self) -> tuple[type[ApiError], ...]:
        """Everything that it may refuse with."""
        found: list[type[ApiError]] = [InvalidError, OriginError, InternalError, *self.errors]
        if "{id}" in self.path:
            found += [UnknownRoomError, RateError]
        if self.body is not None:
            found.append(TooLargeError)
        if self.host or self.host_optional:
            found += [UnauthorizedError, NotHostError]
        return tuple(dict.fromkeys(found))


def route(operation: Operation) -> web.RouteDef:
    """The operation as a route: it reads the body, and writes the answer."""

    async def serve(request: web.Request) -> web.StreamResponse:
        body = read_body(await request.read(), operation.body) if operation.body is not None else None
        call = Call(request, body)
        if operation.host:
            call.demand_host()
        answer = await operation.handler(call)
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=operation.status)
        return json_answer(answer, operation.status)

    return web.route(operation.method, f"{API}{operation.path}", serve, name=operation.name)


def read_body(data: bytes, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """A request's JSON body. Raises InvalidError, which names the field at fault."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        words = str(error)
        at = _FIELD.search(words)
        missing = re.search(r"missing required field `(\w+)`", words)
        field = at.group(1) if at else missing.group(1) if missing else None
        if field == "name":
            raise InvalidError(f"{NAME_WORDS}.", field=field) from None
        raise InvalidError(f"{words.split(' - at')[0]}.", field=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidError("The body is not JSON in UTF-8.") from None


def json_answer(body: object, status: int = 200) -> web.Response:
    """A JSON answer that nobody keeps."""
    response = web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
    response.headers[hdrs.CACHE_CONTROL] = "no-store"
    return response
