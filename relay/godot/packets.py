"""Pure core: the few packets of Godot's `SceneMultiplayer` that a server without the game's code must read or write.

The first byte of a packet holds a command in its low three bits. SYS is the multiplayer API's own: `u8 SYS, u8 sub, i32 peer, …` (AUTH has
no peer). All integers are little-endian.
"""

import hashlib
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

COMMAND_MASK: Final = 0b111
EVERYBODY: Final = 0
"""Destination of RELAY: everybody but the sender; −n is everybody but the sender and n."""
SERVER_ID: Final = 1
MD5_OF_NOTHING: Final = hashlib.md5(b"", usedforsecurity=False).hexdigest().encode()
"""What SIMPLIFY_PATH says of a node without RPCs, such as a synchronizer."""

_SYS = struct.Struct("<BBi")
_CONFIRM = struct.Struct("<BBI")
_SIMPLIFY_HEAD = struct.Struct("<B32sxI")


class Command(IntEnum):
    """The low three bits of each packet."""

    REMOTE_CALL = 0
    SIMPLIFY_PATH = 1
    CONFIRM_PATH = 2
    RAW = 3
    SPAWN = 4
    DESPAWN = 5
    SYNC = 6
    SYS = 7


class Sub(IntEnum):
    """The second byte of SYS."""

    AUTH = 0
    ADD_PEER = 1
    DEL_PEER = 2
    RELAY = 3


class PacketError(Exception):
    """A packet that no client of sound mind sends."""


@dataclass(frozen=True, slots=True)
class Auth:
    """A client authenticates itself."""

    complete: bool
    """It is through with it on its side."""


@dataclass(frozen=True, slots=True)
class Relay:
    """A packet for others."""

    to: int
    """EVERYBODY, one peer, or −n."""
    inner: bytes


@dataclass(frozen=True, slots=True)
class Simplify:
    """A client would like to name a node by a number from now on."""

    cache_id: int
    has_calls: bool
    """Whether the node has RPCs; else it is a synchronizer or a spawner."""


@dataclass(frozen=True, slots=True)
class ToServer:
    """Something for the game's own code on the server, of which there is none here."""


Read = Auth | Relay | Simplify | ToServer


def read(packet: bytes) -> Read:
    """A packet of a client to peer 1. Raises PacketError."""
    if not packet:
        raise PacketError("empty")
    command = packet[0] & COMMAND_MASK
    if command == Command.SYS:
        return _read_sys(packet)
    if command == Command.SIMPLIFY_PATH:
        return _read_simplify(packet)
    return ToServer()


def _read_sys(packet: bytes) -> Read:
    if len(packet) < 2:
        raise PacketError("truncated SYS")
    if packet[1] == Sub.AUTH:
        return Auth(complete=len(packet) == 2)
    if packet[1] != Sub.RELAY:
        raise PacketError("a client tells of no peers")
    if len(packet) <= _SYS.size:
        raise PacketError("truncated RELAY")
    inner = packet[_SYS.size :]
    if inner[0] & COMMAND_MASK == Command.SYS:
        raise PacketError("SYS inside of RELAY")
    return Relay(_SYS.unpack_from(packet)[2], inner)


def _read_simplify(packet: bytes) -> Simplify:
    if len(packet) <= _SIMPLIFY_HEAD.size or packet[33] or packet[-1]:
        raise PacketError("truncated SIMPLIFY_PATH")
    _, digest, cache_id = _SIMPLIFY_HEAD.unpack_from(packet)
    return Simplify(cache_id, digest != MD5_OF_NOTHING)


def auth_complete() -> bytes:
    """Peer 1 has nothing to ask for. Clients without authentication ignore it."""
    return bytes((Command.SYS, Sub.AUTH))


def add_peer(peer: int) -> bytes:
    """Tell a client of another."""
    return _SYS.pack(Command.SYS, Sub.ADD_PEER, peer)


def del_peer(peer: int) -> bytes:
    """Tell a client that another is gone."""
    return _SYS.pack(Command.SYS, Sub.DEL_PEER, peer)


def relayed(source: int, inner: bytes) -> bytes:
    """A packet of `source`, for a client."""
    return _SYS.pack(Command.SYS, Sub.RELAY, source) + inner


def confirm_path(cache_id: int) -> bytes:
    """Peer 1 knows the node (it does not, but the packets that name it go to others)."""
    return _CONFIRM.pack(Command.CONFIRM_PATH, 1, cache_id)
