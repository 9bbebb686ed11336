"""Shorthands of the tests of replication: placed records, frames and what is in them."""

from collections.abc import Iterator
from typing import NamedTuple

from soiree.wire.quantise import Vec3
from soiree.wire.records import (
    Base,
    Placed,
    PlacedRecord,
    Transform,
    base_for,
    encode_child,
    encode_move,
    encode_props,
    encode_rest,
    pack_placed,
)
from soiree.wire.state import (
    DTYPE_OF,
    ENTITY_MASK,
    IDENT,
    Header,
    Section,
    Slot,
    pack_header,
    pack_section,
    sections,
    unpack_header,
)

ORIGIN = Base(0, 0, 0)


def placed(position: Vec3 = (0.0, 0.0, 0.0), props: bytes | None = None, velocity: Vec3 = (0.0, 0.0, 0.0)) -> bytes:
    """A placed MOVE, with PROPS if there are any."""
    records = {
        Slot.TRANSFORM: PlacedRecord(Section.MOVE, encode_move(0, Transform(position, velocity=velocity))),
    }
    if props is not None:
        records[Slot.PROPS] = PlacedRecord(Section.PROPS, encode_props(0, props))
    return pack_placed(Placed(base_for(position), records))


def placed_child(position: Vec3 = (0.0, 0.0, 0.0)) -> bytes:
    record = PlacedRecord(Section.CHILD, encode_child(0, 0, Transform(position)))
    return pack_placed(Placed(ORIGIN, {Slot.TRANSFORM: record}))


def move(entity: int, position: Vec3, *, speed: float = 0.0, teleport: bool = False, age: int = 0) -> bytes:
    return encode_move(entity, Transform(position, velocity=(speed, 0.0, 0.0), teleport=teleport, age=age))


def rest(entity: int, position: Vec3) -> bytes:
    return encode_rest(entity, Transform(position))


def frame(
    seq: int,
    tick: int,
    *parts: tuple[Section, list[bytes]],
    base: Base = ORIGIN,
    applied: int = 0,
    ack: tuple[int, int] | None = None,
) -> bytes:
    """A STATE frame; numbers are cut to their bits."""
    flags, (ack_seq, mask) = (0, (0, 0)) if ack is None else (1, ack)
    header = Header(flags, seq & 0xFFFF, tick & 0xFFFFFFFF, *base, ack_seq & 0xFFFF, mask, applied & 0xFFFF)
    return pack_header(header) + b"".join(pack_section(kind, records) for kind, records in parts)


class Told(NamedTuple):
    """A record in a frame."""

    kind: Section
    entity: int
    octets: bytes


def records_in(payload: bytes) -> Iterator[Told]:
    """All records of a frame, in order."""
    for view in sections(payload):
        at = view.start
        for _ in range(view.count):
            size = DTYPE_OF[view.kind].itemsize if view.kind in DTYPE_OF else 4 + payload[at + 3]
            yield Told(view.kind, IDENT.unpack_from(payload, at)[0] & ENTITY_MASK, payload[at : at + size])
            at += size


def base_of(payload: bytes) -> Base:
    header = unpack_header(payload)
    return Base(header.base_cx, header.base_cz, header.base_y)
