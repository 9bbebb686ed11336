"""Framing and close codes of the data WebSocket, for both ends (docs/PROTOCOL.md, sections 1.3 and 9).

Pure core.
"""

from soiree.transport import CONTROL, STATE, CloseReason

CLOSE_CODES = {
    "bye": 1000,
    "shutdown": 1001,
    "malformed": 4000,
    "unauthorized": 4001,
    "session-gone": 4002,
    "superseded": 4003,
    "version": 4004,
    "backlog": 4005,
    "oversized": 4006,
    "rate": 4007,
    "kicked": 4008,
    "closed": 4009,
    "timeout": 4010,
    "protocol": 4011,
}
"""WebSocket close code of each reason (PROTOCOL.md, section 9)."""
NORMAL = 1000
TOO_BIG = 1009
"""RFC 6455, section 7.4.1: a message that the WebSocket library itself refused to read."""
MAX_REASON_BYTES = 123
"""What a close frame has room for beside its code (RFC 6455, section 5.5)."""
MALFORMED = "malformed"

_REASONS = {code: reason for reason, code in CLOSE_CODES.items()}
_PREFIXES = {CONTROL: bytes([CONTROL]), STATE: bytes([STATE])}


class FramingError(Exception):
    """A WebSocket message that is no frame of ours; the connection ends with `malformed`."""


def frame(stream: int, payload: bytes) -> bytes:
    """One binary message: the stream's id in a byte, then the payload."""
    return _PREFIXES[stream] + payload


def unframe(message: bytes) -> tuple[int, bytes]:
    """The stream and the payload of a binary message. Raises FramingError for an empty one or an unknown stream."""
    if not message or message[0] not in _PREFIXES:
        raise FramingError(f"stream {message[0]} is unknown" if message else "the message is empty")
    return message[0], message[1:]


def close_frame(reason: str) -> tuple[int, bytes]:
    """Code and reason text for ending a connection; a reason without a code of its own goes as a normal closure."""
    text = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return CLOSE_CODES.get(reason, NORMAL), text


def reason_of(code: int | None) -> str:
    """Why the other side says it closed: the reason of a code of ours, else `remote`; without any close frame the socket failed."""
    if code is None:
        return CloseReason.FAILED
    return _REASONS[code] if code in _REASONS and code != NORMAL else CloseReason.REMOTE
