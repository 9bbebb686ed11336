"""Messages in a stream (RFC 8656 sections 3.1 and 12.5, RFC 8489 section 6.2.2): each tells its own length.

Pure core.
"""

from turn.errors import StunError
from turn.limits import MAX_STREAM_FRAME_BYTES
from turn.stun import HEADER

_CHANNEL_HEADER_BYTES = 4


class Deframer:
    """Cuts what comes over one connection into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are whole now. Raises StunError for what is none, or too long: the stream is of no use then."""
        self._rest += data
        messages, at, rest = [], 0, self._rest
        while len(rest) - at >= _CHANNEL_HEADER_BYTES:
            size, padding = _size(rest[at], int.from_bytes(rest[at + 2 : at + 4]))
            if size > MAX_STREAM_FRAME_BYTES:
                raise StunError(f"a message of {size} bytes, of {MAX_STREAM_FRAME_BYTES} at most")
            if len(rest) - at < size + padding:
                break
            messages.append(bytes(rest[at : at + size]))
            at += size + padding
        del rest[:at]
        return messages


def _size(first: int, length: int) -> tuple[int, int]:
    """Bytes of a message that begins so, and of what pads it. Raises StunError."""
    if first < 0x40:
        return HEADER.size + length, 0
    if first < 0x80:
        return _CHANNEL_HEADER_BYTES + length, -length % 4
    raise StunError("neither STUN nor channel data")
