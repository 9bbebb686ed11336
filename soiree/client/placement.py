"""Records as a client keeps and makes them.

Pure core: physical values to records, records to what compares equal wherever they came from.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from soiree.wire import records
from soiree.wire.errors import WireError
from soiree.wire.quantise import CELL_BITS, pack_speed, unwrap_cell, unwrap_y
from soiree.wire.records import Base, Placed, PlacedRecord, Transform
from soiree.wire.state import AGED, ENTITY_MASK, Section, Slot

NO_BASE = Base(0, 0, 0)
_IN_WORLD = frozenset({Section.MOVE, Section.REST, Section.UPRIGHT})


class Held(NamedTuple):
    """The newest record of a slot."""

    kind: Section
    base: Base | None
    """What its coordinates are relative to; None where it has none."""
    record: bytes

    def transform(self) -> Transform:
        """Its physical values, decoded anew each time."""
        return records.decode_transform(self.kind, self.record, self.base or NO_BASE)

    def canonical(self) -> tuple[Any, ...]:
        """What it says, independent of the frame that it came in: its age left out, its place unwrapped."""
        body = self.record[:-1] if self.kind in AGED else self.record
        if self.kind not in _IN_WORLD:
            return (self.kind, body)
        base = self.base or NO_BASE
        where = int.from_bytes(body[:4], "little")
        x, z, y = (int.from_bytes(body[at : at + 2], "little") for at in (4, 6, 8))
        place = (
            unwrap_cell(where >> 24 & 15, base.cx) << CELL_BITS | x,
            unwrap_y(y, base.y),
            unwrap_cell(where >> 28, base.cz) << CELL_BITS | z,
        )
        if self.kind is Section.REST:
            # A record at rest may travel as MOVE where it must be marked as a jump.
            return (Section.MOVE, where & ENTITY_MASK, place, body[10:] + b"\0\0\0")
        return (self.kind, where & ENTITY_MASK, place, body[10:])


def encode_transform(entity: int, transform: Transform, *, upright: bool, attach: int | None) -> Held:
    """The shortest record that holds a transform.

    Args:
        entity: its id, 0 in placed records that a client sends.
        transform: of which age is left out.
        upright: give up tilt and vertical velocity.
        attach: the attach count when it rides in a parent, None in the world.

    Raises:
        ValueError: out of range, not finite, or a rotation without direction.
    """
    try:
        if attach is not None:
            return Held(Section.CHILD, None, records.encode_child(entity, attach, transform))
        base = records.base_for(transform.position)
        if upright:
            return Held(Section.UPRIGHT, base, records.encode_upright(entity, transform))
        if not transform.teleport and not any(map(pack_speed, transform.velocity)):
            return Held(Section.REST, base, records.encode_rest(entity, transform))
        return Held(Section.MOVE, base, records.encode_move(entity, transform))
    except WireError as error:
        raise ValueError(str(error)) from error


def placed_bytes(transform: Transform, *, upright: bool, child: bool, others: Sequence[Held | None] = ()) -> bytes:
    """A placed record as clients send it, entity 0: the transform and the other slots that are held.

    Raises:
        ValueError: as `encode_transform`.
    """
    held = encode_transform(0, transform, upright=upright, attach=0 if child else None)
    slots = {Slot.TRANSFORM: PlacedRecord(held.kind, held.record)}
    for slot, other in zip((Slot.POSE, Slot.PROPS), others, strict=False):
        if other is not None:
            slots[slot] = PlacedRecord(other.kind, records.with_entity(other.record, 0))
    return records.pack_placed(Placed(held.base or NO_BASE, slots))
