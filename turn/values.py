"""Values of STUN and TURN attributes (RFC 8489 section 14, RFC 8656 section 18): addresses, error codes, numbers.

Pure core. Readers raise `RefusedError` 400, as a request with such a value is answered; of an indication it is dropped.
"""

import struct
from enum import IntEnum
from ipaddress import ip_address
from typing import Final

from turn.errors import RefusedError
from turn.stun import MAGIC_COOKIE

Endpoint = tuple[str, int]
"""IP address and port."""
_COOKIE: Final = MAGIC_COOKIE.to_bytes(4)
UDP: Final = 17
"""Protocol number in REQUESTED-TRANSPORT (section 18.8)."""


class Family(IntEnum):
    """RFC 8489 section 14.1."""

    IPV4 = 1
    IPV6 = 2


def family_of(host: str) -> Family:
    """Of an address."""
    return Family.IPV6 if ":" in host else Family.IPV4


def xor_address(endpoint: Endpoint, transaction: bytes) -> bytes:
    """XOR-MAPPED-ADDRESS and its like (RFC 8489 section 14.2)."""
    host, port = endpoint
    packed = ip_address(host.partition("%")[0]).packed
    mask = _COOKIE + transaction
    hidden = bytes(a ^ b for a, b in zip(packed, mask, strict=False))
    return struct.pack("!xBH", family_of(host), port ^ MAGIC_COOKIE >> 16) + hidden


def read_xor_address(value: bytes, transaction: bytes) -> Endpoint:
    """The address behind it. IPv6 addresses that stand for IPv4 ones come out as these would be checked: unchanged."""
    if len(value) < 4 or len(value) != {Family.IPV4: 8, Family.IPV6: 20}.get(value[1]):  # type: ignore[call-overload]
        raise bad_request()
    mask = _COOKIE + transaction
    packed = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    return str(ip_address(packed)), int.from_bytes(value[2:4]) ^ MAGIC_COOKIE >> 16


def error_code(code: int, reason: str) -> bytes:
    """ERROR-CODE (RFC 8489 section 14.8)."""
    return struct.pack("!xxBB", code // 100, code % 100) + reason.encode()


def read_number(value: bytes, size: int = 4) -> int:
    """An unsigned number of so many bytes."""
    if len(value) != size:
        raise bad_request()
    return int.from_bytes(value)


def read_family(value: bytes) -> Family:
    """REQUESTED-ADDRESS-FAMILY, ADDITIONAL-ADDRESS-FAMILY (RFC 8656 section 18.6). Raises RefusedError 440 for unknown ones."""
    if len(value) != 4:
        raise bad_request()
    try:
        return Family(value[0])
    except ValueError:
        raise RefusedError(440, "Address Family not Supported") from None


def bad_request() -> RefusedError:
    """400."""
    return RefusedError(400, "Bad Request")
