"""What an Allocate request asks for (RFC 8656 section 7.2), and the peers that a request names.

Pure core.
"""

from dataclasses import dataclass

from turn.errors import RefusedError
from turn.stun import Attr, Message
from turn.values import UDP, Endpoint, Family, bad_request, read_family, read_xor_address

EVEN_PORT_R = 0x80
"""The bit of EVEN-PORT that has the next port kept (section 18.7)."""
_TOKEN_BYTES = 8


@dataclass(frozen=True, slots=True)
class AllocateRequest:
    """What is wanted."""

    family: Family
    additional: Family | None
    """A family beside it, if it can be had."""
    even: bool
    keep_next: bool
    token: bytes | None
    """Of an address that was kept."""


def read_allocate(request: Message) -> AllocateRequest:
    """Steps 3 to 8. Raises RefusedError 400, 440, 442."""
    transport = request.first(Attr.REQUESTED_TRANSPORT)
    if transport is None or len(transport) != 4:
        raise bad_request()
    if transport[0] != UDP:
        raise RefusedError(442, "Unsupported Transport Protocol")
    even, token = request.first(Attr.EVEN_PORT), request.first(Attr.RESERVATION_TOKEN)
    family, additional = request.first(Attr.REQUESTED_ADDRESS_FAMILY), request.first(Attr.ADDITIONAL_ADDRESS_FAMILY)
    if (even is not None and len(even) != 1) or (token is not None and len(token) != _TOKEN_BYTES):
        raise bad_request()
    keep_next = even is not None and bool(even[0] & EVEN_PORT_R)
    if token is not None and (even is not None or family is not None or additional is not None):
        raise bad_request()
    if additional is not None and (family is not None or keep_next):
        raise bad_request()
    beside = None if additional is None else read_family(additional)
    if beside is Family.IPV4:
        raise bad_request()
    wanted = Family.IPV4 if family is None else read_family(family)
    return AllocateRequest(wanted, beside, even is not None, keep_next, token)


def read_peers(request: Message, most: int = 64) -> list[Endpoint]:
    """The peers of XOR-PEER-ADDRESS, at least one. Raises RefusedError 400."""
    values = request.every(Attr.XOR_PEER_ADDRESS)
    if not 1 <= len(values) <= most:
        raise bad_request()
    return [read_xor_address(value, request.transaction) for value in values]
