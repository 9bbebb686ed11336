"""Pure core: frames of the state stream (docs/PROTOCOL.md section 5): header, sections, DATA, PING and PONG.

The layouts are given once, as NumPy dtypes; the strides and tables derive from them. Records themselves are read and written in
`soiree.wire.records` (one at a time) or viewed as arrays of these dtypes (many).
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np

from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_DATA_BYTES, MAX_FRAME_BYTES

TICK_HZ: Final = 60
ACK_VALID: Final = 1
"""Header flag bit 0: `ack_seq` and `ack_mask` are valid."""
AGE_MASK: Final = 0x7F
TELEPORT: Final = 0x80
"""Bit 7 of the age byte."""
ENTITY_MASK: Final = 0xFFFFFF


class FrameType(IntEnum):
    """First byte of a message on the state stream (5.1)."""

    STATE = 1
    DATA = 2
    PING = 3
    PONG = 4


class Section(IntEnum):
    """Kinds of sections (5.2)."""

    MOVE = 1
    REST = 2
    CHILD = 3
    POSE = 4
    PROPS = 5
    FAR = 6
    UPRIGHT = 7


class Slot(IntEnum):
    """What a record replaces when it arrives: the older record of its slot."""

    TRANSFORM = 0
    POSE = 1
    PROPS = 2


SLOT_OF: Final[dict[Section, Slot]] = {
    Section.MOVE: Slot.TRANSFORM,
    Section.REST: Slot.TRANSFORM,
    Section.CHILD: Slot.TRANSFORM,
    Section.POSE: Slot.POSE,
    Section.PROPS: Slot.PROPS,
    Section.FAR: Slot.TRANSFORM,
    Section.UPRIGHT: Slot.TRANSFORM,
}

_PLACE = [("where", "<u4"), ("x", "<u2"), ("z", "<u2"), ("y", "<u2")]
_VELOCITY = [("vx", "i1"), ("vy", "i1"), ("vz", "i1")]
_POSE_PARTS = [
    (f"{part}{axis}", code)
    for part in ("h", "a", "b")
    for axis, code in (("x", "<i2"), ("y", "<i2"), ("z", "<i2"), ("rot", "<u4"))
]

DTYPE_OF: Final[dict[Section, "np.dtype[np.void]"]] = {
    Section.MOVE: np.dtype([*_PLACE, ("rot", "<u4"), *_VELOCITY, ("age", "u1")]),
    Section.REST: np.dtype([*_PLACE, ("rot", "<u4")]),
    Section.CHILD: np.dtype(
        [("ident", "<u4"), ("lx", "<i2"), ("ly", "<i2"), ("lz", "<i2"), ("rot", "<u4"), *_VELOCITY, ("age", "u1")]
    ),
    Section.POSE: np.dtype([("ident", "<u4"), *_POSE_PARTS]),
    Section.FAR: np.dtype([*_PLACE, ("rot", "<u4"), *_VELOCITY, ("age", "u1")]),
    Section.UPRIGHT: np.dtype([*_PLACE, ("yaw", "<u2"), ("vx", "i1"), ("vz", "i1"), ("age", "u1")]),
}
"""Packed little-endian layout of each fixed record; PROPS alone varies."""

STRIDE: Final[dict[Section, int]] = {section: dtype.itemsize for section, dtype in DTYPE_OF.items()}
"""Bytes of each fixed record."""
AGED: Final = frozenset({Section.MOVE, Section.CHILD, Section.FAR, Section.UPRIGHT})
"""Kinds whose last byte is the age, the one byte that the relay writes."""
IDENT = struct.Struct("<I")
"""First field of every record: entity in the low 24 bits."""

STATE_HEADER = struct.Struct("<BBHIiiiHIH")
HEADER_DTYPE: Final = np.dtype(
    [
        ("type", "u1"),
        ("flags", "u1"),
        ("seq", "<u2"),
        ("tick", "<u4"),
        ("base", "<i4", 3),
        ("ack_seq", "<u2"),
        ("ack_mask", "<u4"),
        ("control_applied", "<u2"),
    ]
)
"""STATE_HEADER, for many at once; `base` is cx, cz, y."""
DATA_HEADER = struct.Struct("<BBi")
PING_FRAME = struct.Struct("<BBHIQI")
PONG_FRAME = struct.Struct("<BBHQQ")


class Header(NamedTuple):
    """Header of a STATE frame."""

    flags: int
    seq: int
    """Sender's frame counter, modulo 2¹⁶."""
    tick: int
    """Relay's 60 Hz tick; upward the client's estimate of it."""
    base_cx: int
    base_cz: int
    base_y: int
    """1/256 m."""
    ack_seq: int
    ack_mask: int
    control_applied: int
    """Modulo 2¹⁶."""


@dataclass(frozen=True, slots=True)
class SectionView:
    """Where the records of one section lie in a frame."""

    kind: Section
    count: int
    start: int
    """Offset of the first record."""
    end: int


class Ping(NamedTuple):
    """Relay to client (6)."""

    seq: int
    tick: int
    relay_us: int
    rtt_us: int


class Pong(NamedTuple):
    """The client's answer (6)."""

    seq: int
    relay_us: int
    client_us: int


def frame_type(payload: bytes) -> FrameType:
    """The type of a message on the state stream. Raises WireError for an empty or unknown one."""
    if not payload or not 1 <= payload[0] <= 4:
        raise WireError("not a frame of the state stream")
    return FrameType(payload[0])


def pack_header(header: Header) -> bytes:
    """The 28 bytes of a STATE frame's header."""
    return STATE_HEADER.pack(FrameType.STATE, *header)


def unpack_header(payload: bytes) -> Header:
    """The header of a STATE frame. Raises WireError when it is too short, too long or of another type."""
    if not STATE_HEADER.size <= len(payload) <= MAX_FRAME_BYTES or payload[0] != FrameType.STATE:
        raise WireError(f"STATE frame of {len(payload)} bytes")
    return Header(*STATE_HEADER.unpack_from(payload)[1:])


def sections(payload: bytes, start: int = STATE_HEADER.size) -> list[SectionView]:
    """Where the sections of a frame lie; their bounds are checked, their records are not.

    Raises:
        WireError: an unknown kind, a section without records or that runs past the end, or one after PROPS.
    """
    views: list[SectionView] = []
    at, end = start, len(payload)
    while at < end:
        if at + 2 > end or payload[at] not in Section._value2member_map_ or not payload[at + 1]:
            raise WireError("section header")
        kind, count = Section(payload[at]), payload[at + 1]
        first = at + 2
        at = skip_props(payload, first, count) if kind is Section.PROPS else first + count * STRIDE[kind]
        if at > end or (kind is Section.PROPS and at != end):
            raise WireError(f"{kind.name} section does not fit the frame")
        views.append(SectionView(kind, count, first, at))
    return views


def skip_props(payload: bytes, at: int, count: int) -> int:
    """Where `count` records of PROPS that begin at `at` end. Raises WireError when that is past the end of the frame."""
    for _ in range(count):
        if at + 4 > len(payload):
            raise WireError("PROPS section does not fit the frame")
        at += 4 + payload[at + 3]
    if at > len(payload):
        raise WireError("PROPS section does not fit the frame")
    return at


def props_records(payload: bytes, view: SectionView) -> Iterable[tuple[int, bytes]]:
    """(entity, bytes) of each record of a PROPS section."""
    at = view.start
    for _ in range(view.count):
        ident = IDENT.unpack_from(payload, at)[0]
        end = at + 4 + (ident >> 24)
        yield ident & ENTITY_MASK, payload[at + 4 : end]
        at = end


def pack_section(kind: Section, records: list[bytes]) -> bytes:
    """One section of up to 255 records."""
    return bytes((kind, len(records))) + b"".join(records)


def pack_data(peer: int, payload: bytes) -> bytes:
    """A DATA frame; `peer` is the address upward and the sender downward. Raises WireError when it is too long."""
    if len(payload) > MAX_DATA_BYTES:
        raise WireError(f"DATA of {len(payload)} bytes, {MAX_DATA_BYTES} at most")
    return DATA_HEADER.pack(FrameType.DATA, 0, peer) + payload


def unpack_data(frame: bytes) -> tuple[int, bytes]:
    """(peer, payload) of a DATA frame. Raises WireError."""
    if not DATA_HEADER.size <= len(frame) <= DATA_HEADER.size + MAX_DATA_BYTES or frame[0] != FrameType.DATA:
        raise WireError(f"DATA frame of {len(frame)} bytes")
    return DATA_HEADER.unpack_from(frame)[2], frame[DATA_HEADER.size :]


def pack_ping(ping: Ping) -> bytes:
    """A PING frame."""
    return PING_FRAME.pack(FrameType.PING, 0, *ping)


def unpack_ping(frame: bytes) -> Ping:
    """Raises WireError when it is none."""
    if len(frame) != PING_FRAME.size or frame[0] != FrameType.PING:
        raise WireError("not a PING")
    return Ping(*PING_FRAME.unpack(frame)[2:])


def pack_pong(pong: Pong) -> bytes:
    """A PONG frame."""
    return PONG_FRAME.pack(FrameType.PONG, 0, *pong)


def unpack_pong(frame: bytes) -> Pong:
    """Raises WireError when it is none."""
    if len(frame) != PONG_FRAME.size or frame[0] != FrameType.PONG:
        raise WireError("not a PONG")
    return Pong(*PONG_FRAME.unpack(frame)[2:])
