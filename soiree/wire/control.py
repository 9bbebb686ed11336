"""Pure core: bytes of the control stream to messages and back (docs/PROTOCOL.md section 4)."""

import typing
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_CONTROL_BYTES
from soiree.wire.messages import FromClient, FromRelay, Group, InGroupFromClient, InGroupFromRelay, Message

T = TypeVar("T")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message of a type that this version does not know; its number still counts (PROTOCOL 3, "Versions")."""

    type: int
    n: int


class _Head(msgspec.Struct, array_like=True, frozen=True):
    type: int
    n: int


_encoder = msgspec.msgpack.Encoder()
_head: msgspec.msgpack.Decoder[_Head] = msgspec.msgpack.Decoder(_Head)
_from_client: msgspec.msgpack.Decoder[FromClient] = msgspec.msgpack.Decoder(FromClient)
_from_relay: msgspec.msgpack.Decoder[FromRelay] = msgspec.msgpack.Decoder(FromRelay)
_in_group_from_client: msgspec.msgpack.Decoder[InGroupFromClient] = msgspec.msgpack.Decoder(InGroupFromClient)
_in_group_from_relay: msgspec.msgpack.Decoder[InGroupFromRelay] = msgspec.msgpack.Decoder(InGroupFromRelay)

TYPES: dict[int, type[Message]] = {
    int(struct.__struct_config__.tag): struct for struct in (*typing.get_args(FromClient), *typing.get_args(FromRelay))
}
"""Message type on the wire → struct."""


def encode(message: Message) -> bytes:
    """Encode one message.

    Raises:
        WireError: it is longer than MAX_CONTROL_BYTES.
    """
    data = _encoder.encode(message)
    if len(data) > MAX_CONTROL_BYTES:
        raise WireError(f"{type(message).__name__} of {len(data)} bytes, {MAX_CONTROL_BYTES} at most")
    return data


def decode_from_client(data: bytes) -> FromClient | Unknown:
    """Decode what a client sent. Raises WireError for anything else than a message that a client may send."""
    return _decode(_from_client, data)


def decode_from_relay(data: bytes) -> FromRelay | Unknown:
    """Decode what a relay sent. Raises WireError for anything else than a message that a relay may send."""
    return _decode(_from_relay, data)


def grouped_from_client(group: Group) -> list[InGroupFromClient | Unknown]:
    """The messages in a client's group, in order; the number in each is 0. Raises WireError if any of them may not be there."""
    return [_decode_grouped(_in_group_from_client, raw, group.n) for raw in group.messages]


def grouped_from_relay(group: Group) -> list[InGroupFromRelay | Unknown]:
    """The messages in a relay's group, in order; the number in each is 0. Raises WireError if any of them may not be there."""
    return [_decode_grouped(_in_group_from_relay, raw, group.n) for raw in group.messages]


def _decode_grouped(decoder: "msgspec.msgpack.Decoder[M]", raw: msgspec.Raw, n: int) -> M | Unknown:
    try:
        message = _decode(decoder, bytes(raw))
    except WireError as error:
        raise WireError(f"in a group: {error}", n) from error
    if message.n != 0:
        raise WireError("a message in a group has number 0", n)
    return message


def _decode(decoder: "msgspec.msgpack.Decoder[T]", data: bytes) -> T | Unknown:
    if len(data) > MAX_CONTROL_BYTES:
        raise WireError(f"control message of {len(data)} bytes, {MAX_CONTROL_BYTES} at most")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        head = _read_head(data)
        if head is None:
            raise WireError("not a control message") from error
        if head.type not in TYPES:
            return Unknown(head.type, head.n)
        raise WireError(f"malformed {TYPES[head.type].__name__}: {error}", head.n) from error


def _read_head(data: bytes) -> _Head | None:
    try:
        return _head.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
