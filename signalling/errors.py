"""Pure core: everything that the homeserver refuses, each with its HTTP status, its code and words that say what to do.

Every answer of the API that is an error is `{"error": {"code", "message", "field"?}}`. The codes are part of the API.
"""

from typing import ClassVar, Final

from soiree.link import LinkError


class HomeError(Exception):
    """Base of the errors of this package."""


class ApiError(HomeError):
    """What a client is told when its request is refused."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "invalid"
    words: ClassVar[str] = "The request could not be understood."

    def __init__(self, message: str = "", *, field: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message or self.words)
        self.message = message or self.words
        self.field = field
        """The one input at fault, None where there is no such."""
        self.retry_after_s = retry_after_s
        """Seconds after which trying again makes sense."""

    def body(self) -> dict[str, dict[str, str]]:
        """The one shape of all errors."""
        told = {"code": self.code, "message": self.message}
        if self.field is not None:
            told["field"] = self.field
        return {"error": told}


class InvalidError(ApiError):
    """The request's body or parameters are not as described."""


class BadSdpError(ApiError):
    """An SDP offer that the relay cannot use."""

    code = "bad-sdp"
    words = "The offer is not one for WebRTC data channels."


class UnauthorizedError(ApiError):
    """No host key, or one that is not of this server."""

    status = 401
    code = "unauthorized"
    words = 'Only the host may do this: send the room\'s host key as "Authorization: Bearer …".'


class NotHostError(ApiError):
    """A host key of another room."""

    status = 403
    code = "not-host"
    words = "This is the host key of another room."


class WrongPasswordError(ApiError):
    """The room's password is missing or wrong."""

    status = 403
    code = "wrong-password"
    words = "The password is wrong."


class RoomLockedError(ApiError):
    """The host has locked the room."""

    status = 403
    code = "room-locked"
    words = "The host has locked the room: nobody new may come in."


class OriginError(ApiError):
    """The page that asks is not of an allowed origin."""

    status = 403
    code = "origin"
    words = "This server does not serve pages of that origin: its host may allow it with SOIREE_ALLOWED_ORIGINS."


class UnknownRoomError(ApiError):
    """No such room."""

    status = 404
    code = "unknown-room"
    words = "There is no such room: it was closed, it expired, or the link is wrong."


class UnknownPeerError(ApiError):
    """No such peer in the room."""

    status = 404
    code = "unknown-peer"
    words = "There is no such peer in the room."


class NotFoundError(ApiError):
    """No such address on this server."""

    status = 404
    code = "not-found"
    words = "There is nothing at this address."


class MethodError(ApiError):
    """The address exists, the method does not."""

    status = 405
    code = "method"
    words = "This address does not take that method."


class RoomFullError(ApiError):
    """Every place in the room is taken or promised."""

    status = 409
    code = "room-full"
    words = "The room is full."


class SessionGoneError(ApiError):
    """The session to be resumed has ended."""

    status = 410
    code = "session-gone"
    words = "Your stay in this room has ended: join again."


class TooLargeError(ApiError):
    """A body above its bound."""

    status = 413
    code = "too-large"
    words = "The request is larger than this server takes."


class RateError(ApiError):
    """Too much from one address."""

    status = 429
    code = "rate"
    words = "Too many requests from your address: wait a moment, then try again."


class TooManyRoomsError(ApiError):
    """One address, or everybody together, has as many rooms as there may be."""

    status = 429
    code = "too-many-rooms"
    words = "There are as many rooms as this server allows: close one, or wait until one expires."


class InternalError(ApiError):
    """A defect of ours."""

    status = 500
    code = "internal"
    words = "Something broke on the server. It was logged."


class BusyError(ApiError):
    """The server has no room for more of this just now."""

    status = 503
    code = "busy"
    words = "The server is busy: try again in a few seconds."


class ServerFullError(ApiError):
    """As many peers as the server allows."""

    status = 503
    code = "server-full"
    words = "The server is full: try again later."


class UnavailableError(ApiError):
    """The relay cannot take WebRTC connections."""

    status = 503
    code = "unavailable"
    words = "This server cannot take WebRTC connections: use the data WebSocket."


class ShutdownError(ApiError):
    """The server is about to stop."""

    status = 503
    code = "shutdown"
    words = "The server is about to stop and takes nobody new."


CLOSE_CODES: Final = {
    "bye": 1000,
    "shutdown": 1001,
    "malformed": 4000,
    "unauthorized": 4001,
    "session-gone": 4002,
    "oversized": 4006,
    "rate": 4007,
    "timeout": 4010,
    "protocol": 4011,
    "unavailable": 4012,
}
"""Close codes of the signalling WebSocket (docs/PROTOCOL.md section 9)."""


class SignalError(HomeError):
    """A misuse of the signalling socket, or an offer that the relay refused: the socket closes after it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        """A key of `CLOSE_CODES`."""
        self.message = message


_RELAY_REFUSALS: dict[str, type[ApiError]] = {
    "bad-sdp": BadSdpError,
    "unavailable": UnavailableError,
    "draining": ShutdownError,
    "unknown-room": UnknownRoomError,
    "session-gone": SessionGoneError,
    "room-full": RoomFullError,
    "busy": BusyError,
}


def relay_refusal(error: LinkError) -> ApiError:
    """What a client is told when the relay refuses. A ticket of our own that it does not take is a defect of ours."""
    kind = _RELAY_REFUSALS.get(error.code, InternalError)
    return kind(field="offer" if kind is BadSdpError else None)
