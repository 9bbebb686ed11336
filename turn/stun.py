"""STUN messages (RFC 8489 section 5 and 14): bytes to messages and back. Attributes keep their order and may come repeatedly.

Pure core.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from turn.errors import BrokenError, StunError

MAGIC_COOKIE: Final = 0x2112A442
HEADER: Final = struct.Struct("!HHI12s")
"""Type, length of what follows, magic cookie, transaction id."""
ATTRIBUTE: Final = struct.Struct("!HH")
"""Type and length of an attribute's value, which is padded to a multiple of 4 bytes."""
FINGERPRINT_XOR: Final = 0x5354554E
FINGERPRINT_BYTES: Final = 8
MAX_MESSAGE_BYTES: Final = 65535
MAX_ATTRIBUTES: Final = 128
"""Of one message; no client of ours sends twenty."""


class Class(IntEnum):
    """Section 5."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Method(IntEnum):
    """RFC 8489 section 18.2, RFC 8656 section 17."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Attr(IntEnum):
    """RFC 8489 section 18.3, RFC 8656 section 18. Below 0x8000 a receiver must understand them."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    MESSAGE_INTEGRITY_SHA256 = 0x001C
    PASSWORD_ALGORITHM = 0x001D
    XOR_MAPPED_ADDRESS = 0x0020
    RESERVATION_TOKEN = 0x0022
    ADDITIONAL_ADDRESS_FAMILY = 0x8000
    ADDRESS_ERROR_CODE = 0x8001
    PASSWORD_ALGORITHMS = 0x8002
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028


_AFTER: dict[int, tuple[Attr, ...]] = {
    Attr.MESSAGE_INTEGRITY: (Attr.MESSAGE_INTEGRITY_SHA256, Attr.FINGERPRINT),
    Attr.MESSAGE_INTEGRITY_SHA256: (Attr.FINGERPRINT,),
    Attr.FINGERPRINT: (),
}
"""What may still come after these; everything else there is ignored (sections 14.5 to 14.7)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A STUN message.

    Attributes:
        method: 12 bits; one of `Method`, or unknown.
        attributes: (type, value) in the order in which they came.
        raw: the bytes that it was decoded from; empty when it was made here.
    """

    method: int
    cls: Class
    transaction: bytes
    """12 bytes."""
    attributes: Sequence[tuple[int, bytes]] = ()
    raw: bytes = field(default=b"", repr=False, compare=False)

    def first(self, wanted: Attr) -> bytes | None:
        """The value of the first attribute of this type: later ones of most types are ignored (section 14)."""
        return next((value for kind, value in self.attributes if kind == wanted), None)

    def every(self, wanted: Attr) -> list[bytes]:
        """The values of all attributes of this type."""
        return [value for kind, value in self.attributes if kind == wanted]

    def has(self, wanted: Attr) -> bool:
        """Whether there is one."""
        return any(kind == wanted for kind, _ in self.attributes)


def is_stun(data: bytes) -> bool:
    """Whether a datagram can be a STUN message rather than channel data (section 5: the first two bits are 0)."""
    return len(data) >= HEADER.size and data[0] < 0x40 and data[4:8] == b"\x21\x12\xa4\x42"


def decode(data: bytes) -> Message:
    """Read one message.

    Raises:
        BrokenError: what follows its header is broken: lengths that do not fit, a wrong fingerprint.
        StunError: it is no STUN message at all.
    """
    if not is_stun(data):
        raise StunError("no STUN message")
    kind, length, _, transaction = HEADER.unpack_from(data)
    attributes = _read(data) if length == len(data) - HEADER.size and length % 4 == 0 else None
    if attributes is None:
        raise BrokenError("lengths that do not fit, or a wrong fingerprint", kind, transaction)
    return Message(*split(kind), transaction, attributes, data)


def _read(data: bytes) -> list[tuple[int, bytes]] | None:
    """The attributes that count, None where they are broken."""
    attributes: list[tuple[int, bytes]] = []
    allowed: tuple[Attr, ...] | None = None
    at = HEADER.size
    while at < len(data):
        if len(data) - at < ATTRIBUTE.size or len(attributes) == MAX_ATTRIBUTES:
            return None
        attribute, size = ATTRIBUTE.unpack_from(data, at)
        value = data[at + ATTRIBUTE.size : at + ATTRIBUTE.size + size]
        if len(value) != size or (attribute == Attr.FINGERPRINT and not _is_right_fingerprint(data, at, value)):
            return None
        if allowed is None or attribute in allowed:
            attributes.append((attribute, value))
            allowed = _AFTER.get(attribute, allowed)
        at += ATTRIBUTE.size + size + -size % 4
    return attributes


def _is_right_fingerprint(data: bytes, at: int, value: bytes) -> bool:
    """Section 14.7: CRC-32 of what comes before, and nothing after it."""
    last = at + FINGERPRINT_BYTES == len(data)
    return last and value == (zlib.crc32(data[:at]) ^ FINGERPRINT_XOR).to_bytes(4)


def split(kind: int) -> tuple[int, Class]:
    """Method and class of a message type."""
    method = kind & 0x000F | (kind & 0x00E0) >> 1 | (kind & 0x3E00) >> 2
    return method, Class((kind & 0x0010) >> 4 | (kind & 0x0100) >> 7)


def encode(message: Message) -> bytes:
    """The bytes of a message, without integrity and fingerprint, which `append` adds."""
    body = b"".join(_attribute(kind, value) for kind, value in message.attributes)
    return HEADER.pack(_type(message.method, message.cls), len(body), MAGIC_COOKIE, message.transaction) + body


def append(data: bytes, kind: Attr, value: bytes) -> bytes:
    """A message with one attribute more, and its length set right."""
    grown = bytearray(data)
    grown += _attribute(kind, value)
    struct.pack_into("!H", grown, 2, len(grown) - HEADER.size)
    return bytes(grown)


def with_length(data: bytes, length: int) -> bytes:
    """A message that claims so many bytes after its header: what integrity and fingerprint are computed over."""
    return data[:2] + length.to_bytes(2) + data[4:]


def add_fingerprint(data: bytes) -> bytes:
    """Section 14.7."""
    claimed = with_length(data, len(data) - HEADER.size + FINGERPRINT_BYTES)
    return append(data, Attr.FINGERPRINT, (zlib.crc32(claimed) ^ FINGERPRINT_XOR).to_bytes(4))


def _attribute(kind: int, value: bytes) -> bytes:
    return ATTRIBUTE.pack(kind, len(value)) + value + bytes(-len(value) % 4)


def _type(method: int, cls: Class) -> int:
    return (method & 0x000F) | (method & 0x0070) << 1 | (method & 0x0F80) << 2 | (cls & 1) << 4 | (cls & 2) << 7
