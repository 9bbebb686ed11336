"""Frames of the relay, applied to the entities that a client knows (docs/PROTOCOL.md section 5.3).

Pure core. Records are kept as bytes and decoded when somebody looks: at 50 records a frame most are replaced before that.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from soiree.client.entity import Entity
from soiree.client.placement import Held
from soiree.wire.records import Base
from soiree.wire.state import ENTITY_MASK, SLOT_OF, STRIDE, Header, Section, SectionView, Slot, props_records

_IDENTS = {kind: struct.Struct(f"<I{stride - 4}x") for kind, stride in STRIDE.items()}
ATTACH_SHIFT = 24
"""The attach count of a CHILD record lies above the entity in its first field."""


@dataclass(slots=True)
class Frame:
    """What one frame of the relay brought: the entities whose slots moved on, in the order of the records."""

    tick: int
    """The relay's 60 Hz tick."""
    moved: list[Entity] = field(default_factory=list)
    posed: list[Entity] = field(default_factory=list)
    props: list[tuple[Entity, bytes]] = field(default_factory=list)
    """Entity and the bytes its owner set last."""
    ignored: int = 0
    """Records of entities unknown, our own, older than what is known, or of a former parent."""

    def entities(self) -> set[Entity]:
        """All whose state moved on."""
        return {*self.moved, *self.posed, *(entity for entity, _ in self.props)}


def apply(
    payload: bytes,
    header: Header,
    views: Sequence[SectionView],
    entities: Mapping[int, Entity],
    peer: int,
    arrived_s: float,
) -> Frame:
    """Apply the records of a STATE frame.

    Args:
        payload: the whole frame.
        header: its header.
        views: its sections, found sound.
        entities: what is known; slots and their ticks are changed in place.
        peer: our own id: what we wrote ourselves is not overwritten.
        arrived_s: the relay's clock when the frame came, as estimated here.
    """
    frame = Frame(header.tick)
    base = Base(header.base_cx, header.base_cz, header.base_y)
    for view in views:
        if view.kind is Section.PROPS:
            _apply_props(payload, view, frame, entities, peer)
        elif view.kind is Section.CHILD:
            _apply_fixed(payload, view, frame, entities, peer, None)
        else:
            _apply_fixed(payload, view, frame, entities, peer, base)
    for entity in frame.moved:
        entity.take_moved(arrived_s)
    return frame


def _apply_fixed(
    payload: bytes, view: SectionView, frame: Frame, entities: Mapping[int, Entity], peer: int, base: Base | None
) -> None:
    kind, stride, tick = view.kind, STRIDE[view.kind], frame.tick
    slot = int(SLOT_OF[kind])  # as an index a plain one is quicker
    is_transform, is_child = slot == Slot.TRANSFORM, kind is Section.CHILD
    into = frame.moved if is_transform else frame.posed
    known, take = entities.get, into.append
    at = view.start
    for (where,) in _IDENTS[kind].iter_unpack(payload[at : view.end]):
        entity = known(where & ENTITY_MASK)
        if (
            entity is None
            or tick < entity.ticks[slot]
            or (entity.written[slot] and entity.owner == peer)
            # A transform fits only the parent that the entity has.
            or (is_transform and (entity.parent != 0) is not is_child)
            or (is_child and where >> ATTACH_SHIFT != entity.attach)
        ):
            frame.ignored += 1
        else:
            entity.ticks[slot] = tick
            entity.told[slot] = True
            entity.slots[slot] = Held(kind, base, payload[at : at + stride])
            take(entity)
        at += stride


def _apply_props(payload: bytes, view: SectionView, frame: Frame, entities: Mapping[int, Entity], peer: int) -> None:
    tick, slot = frame.tick, Slot.PROPS
    for ident, props in props_records(payload, view):
        entity = entities.get(ident)
        if entity is None or tick < entity.ticks[slot] or (entity.written[slot] and entity.owner == peer):
            frame.ignored += 1
            continue
        entity.ticks[slot] = tick
        entity.told[slot] = True
        entity.slots[slot] = Held(Section.PROPS, None, (ident | len(props) << 24).to_bytes(4, "little") + props)
        frame.props.append((entity, props))
