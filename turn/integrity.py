"""Message integrity and the keys for it (RFC 8489 sections 9.2, 14.5, 14.6, 18.5).

Pure core.
"""

import hashlib
import hmac
from enum import IntEnum
from typing import Final

from turn import stun
from turn.stun import ATTRIBUTE, HEADER, Attr, Message

SIZE: Final = {Attr.MESSAGE_INTEGRITY: 20, Attr.MESSAGE_INTEGRITY_SHA256: 32}
"""Bytes of the value; ours are never shortened, and a client's must not be."""
_HASH: Final = {Attr.MESSAGE_INTEGRITY: "sha1", Attr.MESSAGE_INTEGRITY_SHA256: "sha256"}


class Algorithm(IntEnum):
    """Password algorithms (section 18.5)."""

    MD5 = 1
    SHA256 = 2


OFFERED: Final = b"".join(algorithm.to_bytes(2) + bytes(2) for algorithm in (Algorithm.SHA256, Algorithm.MD5))
"""PASSWORD-ALGORITHMS (section 14.11): what we take, best first; none has parameters."""


def long_term_key(username: bytes, realm: bytes, password: bytes, algorithm: Algorithm = Algorithm.MD5) -> bytes:
    """Section 9.2.2. Names and passwords of ours are ASCII, which OpaqueString (RFC 8265) leaves as they are."""
    text = b":".join((username, realm, password))
    if algorithm is Algorithm.MD5:
        return hashlib.md5(text, usedforsecurity=False).digest()
    return hashlib.sha256(text).digest()


def is_intact(message: Message, kind: Attr, key: bytes) -> bool:
    """Whether the attribute of this kind was computed with the key over all that comes before it. Takes constant time over the MAC."""
    at = _position(message.raw, kind)
    if at is None:
        return False
    found = message.raw[at + ATTRIBUTE.size :][: SIZE[kind]]
    size = int.from_bytes(message.raw[at + 2 : at + 4])
    return size == SIZE[kind] and hmac.compare_digest(found, _mac(message.raw[:at], kind, key))


def protect(data: bytes, kind: Attr, key: bytes) -> bytes:
    """A message with its integrity added."""
    return stun.append(data, kind, _mac(data, kind, key))


def _mac(before: bytes, kind: Attr, key: bytes) -> bytes:
    claimed = stun.with_length(before, len(before) - HEADER.size + ATTRIBUTE.size + SIZE[kind])
    return hmac.digest(key, claimed, _HASH[kind])


def _position(data: bytes, kind: Attr) -> int | None:
    """Where the attribute begins, in a message that was decoded."""
    at = HEADER.size
    while at < len(data):
        found, size = ATTRIBUTE.unpack_from(data, at)
        if found == kind:
            return at
        at += ATTRIBUTE.size + size + -size % 4
    return None
