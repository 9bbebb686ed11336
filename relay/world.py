"""Pure core: the entities of a room as parallel arrays: their records as the owners wrote them, exact positions, versions, owners, fences.

A *version* is the number of a change in this world, counted from 1 and never reused, so that whatever holds an older number knows that it
lacks something. Records are kept as bytes: the relay forwards them and rewrites nothing but their age.
"""

from typing import Final

import numpy as np

from relay import placement
from relay.placement import Placement
from relay.reference_frame import Stand
from relay.table import Ints, Octets, Table
from soiree.wire import quantise as q
from soiree.wire.limits import MAX_ENTITIES_PER_ROOM, MAX_PROPS_RECORD_BYTES
from soiree.wire.records import Base, Placed, PlacedRecord, decode_transform, pack_placed, with_entity
from soiree.wire.state import AGE_MASK, AGED, ENTITY_MASK, IDENT, STRIDE, Section, Slot

SLOTS: Final = len(Slot)
WORD_BYTES: Final = 8
SLOT_BYTES: Final = (
    STRIDE[Section.MOVE] + -STRIDE[Section.MOVE] % WORD_BYTES,
    STRIDE[Section.POSE] + -STRIDE[Section.POSE] % WORD_BYTES,
    IDENT.size + MAX_PROPS_RECORD_BYTES + -(IDENT.size + MAX_PROPS_RECORD_BYTES) % WORD_BYTES,
)
"""What is kept for the record of each slot: whole words."""
NEVER: Final = 2**62
"""A fence that nothing passes."""
NO_SEQ: Final = -1
TELEPORT_BURST: Final = 4
"""Jumps past the speed limit that an entity may make at once; they come back at this many a second."""


class World(Table):
    """One room's entities. `row` below is an entity's place in the arrays, steady while it lives; row 0 is no entity.

    Attributes (shape (rows,) and int64 unless said):
        entity, owner, master, parent (row), root (row of the topmost ancestor, or itself), attach: who it is.
        always: bool, whether it is relevant to everybody wherever they are.
        stirred: bool, whether its place or its root has changed since `settle`; of a row that was given up, true too.
        touched: bool, whether any record of it has changed since `Pairs.stir`.
        fence: control number that its owner must have applied when it sends a record.
        position: (rows, 3) x, y, z in 1/1024, 1/256, 1/1024 m, in the world for roots; within the parent, all 1/1024 m, for children.
        kind: section of the transform. at_rest: bool, whether it says that nothing moves.
        transforms, poses, props: (rows, SLOT_BYTES[slot]) uint8, the records of each slot; apart, so that transforms lie close.
        length: (rows, SLOTS) bytes of each record, 0 where there is none.
        version, sample (tick), seq (of the owner's frame, unwrapped): (rows, SLOTS), of the newest record.
        claimed: (rows, SLOTS) int32, scratch of `relay.acceptance`.
        changed: newest version of any slot. teleported: version of the last record that jumped. jumps, jumped_at: float64 and tick: what
        remains of TELEPORT_BURST. overrun_m: float64, how far it is ahead of the speed limit. weight: float64, importance.
        refused: seq of the newest transform that was refused for its speed, NO_SEQ when there is none or its owner was told since;
        refusal_told_at: tick of that.
        born: version at which the row was given to the entity.
        heard: slots of which anything here ever had a record, as bits.
        row_of: (ids,) row of each entity, 0 for those that are not here.
        changes: newest version. tick: newest tick that anything here was told.
    """

    def __init__(self, bound: int = MAX_ENTITIES_PER_ROOM) -> None:
        super().__init__(bound)
        self.entity: Ints = self._column("entity", np.int64)
        self.owner: Ints = self._column("owner", np.int64)
        self.master: Ints = self._column("master", np.int64)
        self.always = self._column("always", np.bool_)
        self.stirred = self._column("stirred", np.bool_)
        self.touched = self._column("touched", np.bool_)
        self.parent: Ints = self._column("parent", np.int64)
        self.root: Ints = self._column("root", np.int64)
        self.attach: Ints = self._column("attach", np.int64)
        self.fence: Ints = self._column("fence", np.int64)
        self.position: Ints = self._column("position", np.int64, 3)
        self.kind: Ints = self._column("kind", np.int64)
        self.at_rest = self._column("at_rest", np.bool_)
        self.transforms: Octets = self._column("transforms", np.uint8, SLOT_BYTES[Slot.TRANSFORM])
        self.poses: Octets = self._column("poses", np.uint8, SLOT_BYTES[Slot.POSE])
        self.props: Octets = self._column("props", np.uint8, SLOT_BYTES[Slot.PROPS])
        self.length: Ints = self._column("length", np.int64, SLOTS)
        self.version: Ints = self._column("version", np.int64, SLOTS)
        self.sample: Ints = self._column("sample", np.int64, SLOTS)
        self.seq: Ints = self._column("seq", np.int64, SLOTS)
        self.claimed = self._column("claimed", np.int32, SLOTS)
        self.changed: Ints = self._column("changed", np.int64)
        self.teleported: Ints = self._column("teleported", np.int64)
        self.jumps = self._column("jumps", np.float64)
        self.jumped_at: Ints = self._column("jumped_at", np.int64)
        self.overrun_m = self._column("overrun_m", np.float64)
        self.refused: Ints = self._column("refused", np.int64)
        self.refusal_told_at: Ints = self._column("refusal_told_at", np.int64)
        self.weight = self._column("weight", np.float64)
        self.born: Ints = self._column("born", np.int64)
        self.heard = 0
        self.changes = 0
        self.tick = 0
        self.row_of = np.zeros(256, np.int64)
        self._children: dict[int, set[int]] = {}

    def __contains__(self, entity: int) -> bool:
        return 0 <= entity < len(self.row_of) and bool(self.row_of[entity])

    def row(self, entity: int) -> int:
        """Raises KeyError for an unknown entity."""
        if entity not in self:
            raise KeyError(entity)
        return int(self.row_of[entity])

    def rows(self, entities: Ints) -> Ints:
        """Row of each entity, 0 for those that are not here."""
        known = entities < len(self.row_of)
        return np.where(known, self.row_of[np.where(known, entities, 0)], 0)

    def next_version(self) -> int:
        """Number of a change that begins now."""
        self.changes += 1
        return self.changes

    def add(self, entity: int, placed: bytes, tick: int, parent: int = 0, attach: int = 0) -> None:
        """Take in an entity that nobody owns yet. Ids in `placed` are replaced.

        Raises:
            StateError: the placed record cannot be used; nothing was added.
            TableFullError: the room is full.
        """
        if entity in self or not 0 < entity <= ENTITY_MASK:
            raise ValueError(f"entity {entity} is here already, or no id")
        parsed = placement.parse(placed, child=bool(parent))
        parent_row = self.row(parent) if parent else 0
        row = self._allocate()
        while entity >= len(self.row_of):
            self.row_of = np.concatenate([self.row_of, np.zeros_like(self.row_of)])
        self.row_of[entity] = row
        self.entity[row], self.weight[row] = entity, 1.0
        self.fence[row] = NEVER
        self.jumps[row] = TELEPORT_BURST
        self.born[row] = self.changes + 1
        self._hang(row, parent_row, attach)
        self._place(row, parsed, tick)

    def remove(self, entity: int) -> None:
        """Raises ValueError while it has children, KeyError when it is unknown."""
        row = self.row(entity)
        if self._children.get(row):
            raise ValueError(f"entity {entity} still has children")
        self._unhang(row)
        self.row_of[entity] = 0
        self._release(row)
        self.stirred[row] = True

    def set_owner(self, entity: int, peer: int, fence: int, tick: int) -> None:
        """Give the entity to `peer` (0: nobody), who may write once it has applied its control message `fence`.

        What the entity said last is sent again to everybody, since they ignore what is older than the change.
        """
        row = self.row(entity)
        self.owner[row], self.fence[row] = peer, fence
        self._restart(row, tick)
        self.overrun_m[row] = 0.0
        self._change(row)

    def set_fence(self, entity: int, fence: int) -> None:
        """Its owner may write once it has applied its control message `fence`."""
        self.fence[self.row(entity)] = fence

    def close_fences(self, peer: int) -> None:
        """Take nothing from `peer` until each of its entities gets a fence anew: its control numbers begin again."""
        self.fence[self.owner == peer] = NEVER

    def set_parent(self, entity: int, parent: int, attach: int, placed: bytes, tick: int) -> None:
        """Hang the entity on another parent (0: none), at the place that `placed` says. Slots that it leaves out stay as they were.

        Raises:
            StateError: the placed record cannot be used; nothing has changed.
        """
        row, parent_row = self.row(entity), self.row(parent) if parent else 0
        parsed = placement.parse(placed, child=bool(parent))
        self._unhang(row)
        self._hang(row, parent_row, attach)
        self._place(row, parsed, tick)

    def set_master(self, entity: int, peer: int) -> None:
        """Its master keeps it in sight, as its owner does; 0: nobody."""
        self.master[self.row(entity)] = peer

    def set_always(self, entity: int) -> None:
        """It is relevant to everybody, wherever they are."""
        self.always[self.row(entity)] = True

    def settle(self) -> Ints:
        """Rows whose place in the world may have changed since the last call: those that stirred, and what rides in them."""
        stirred = self.stirred[: self.high]
        moved: Ints = np.flatnonzero(stirred | (stirred[self.root[: self.high]] & (self.parent[: self.high] > 0)))
        self.stirred[:] = False
        return moved

    def set_weight(self, entity: int, weight: float) -> None:
        """Importance against other entities at the same distance, 1 at first."""
        self.weight[self.row(entity)] = weight

    def placed(self, entity: int) -> bytes:
        """The newest records, as control messages carry them."""
        row = self.row(entity)
        return pack_placed(Placed(self._base(row), self._placed_records(row)))

    def placed_in(self, entity: int, parent: int) -> bytes:
        """As `placed`, but its place in the world told from another parent (0: none), so that hanging it there moves nothing.

        Raises:
            StateError: it lies more than 32 m from that parent, or beyond the world's edge.
        """
        row = self.row(entity)
        stand = self._stand(row)
        records = self._placed_records(row)
        if parent:
            records[Slot.TRANSFORM] = placement.child_record(entity, stand, self._stand(self.row(parent)))
            return pack_placed(Placed(Base(0, 0, 0), records))
        position = stand.units()
        records[Slot.TRANSFORM] = placement.root_record(entity, position, stand)
        return pack_placed(Placed(placement.own_base(position), records))

    def position_m(self, entity: int) -> q.Vec3:
        """Where it is in the world, ancestors followed, metres."""
        return self._stand(self.row(entity)).position_m()

    def away_m(self, entity: int, parent: int, placed: bytes) -> float:
        """From where the entity is to where `placed` says it is to ride in `parent` (0: in nothing), both in the world, metres.

        Raises:
            StateError: the placed record cannot be used.
        """
        parsed = placement.parse(placed, child=bool(parent))
        there = Stand(parsed.position)
        if parent:
            x, y, z = (units / q.HORIZONTAL_PER_M for units in parsed.position)
            there = self._stand(self.row(parent)).carry((x, y, z), q.IDENTITY, (0.0, 0.0, 0.0))
        return there.away_m(self._stand(self.row(entity)))

    def records(self, slot: Slot) -> Octets:
        """(rows, SLOT_BYTES[slot]) the records of a slot."""
        return (self.transforms, self.poses, self.props)[slot]

    def record(self, entity: int, slot: Slot) -> bytes | None:
        """The newest record of a slot as its owner wrote it."""
        row = self.row(entity)
        return self._bytes(row, slot) if self.length[row, slot] else None

    def _bytes(self, row: int, slot: Slot) -> bytes:
        return self.records(slot)[row, : int(self.length[row, slot])].tobytes()

    def _section(self, row: int, slot: Slot) -> Section:
        if slot is Slot.TRANSFORM:
            return Section(int(self.kind[row]))
        return Section.POSE if slot is Slot.POSE else Section.PROPS

    def _placed_records(self, row: int) -> dict[Slot, PlacedRecord]:
        return {slot: self._placed_record(row, slot) for slot in Slot if self.length[row, slot]}

    def _placed_record(self, row: int, slot: Slot) -> PlacedRecord:
        kind, record = self._section(row, slot), self._bytes(row, slot)
        if kind in AGED:
            age = min(AGE_MASK, max(0, self.tick - int(self.sample[row, slot])))
            record = record[:-1] + bytes((age,))
        return PlacedRecord(kind, record)

    def _base(self, row: int) -> Base:
        if self.parent[row]:
            return Base(0, 0, 0)
        x, y, z = self.position[row].tolist()
        return placement.own_base((x, y, z))

    def _stand(self, row: int) -> Stand:
        transform = decode_transform(
            self._section(row, Slot.TRANSFORM), self._bytes(row, Slot.TRANSFORM), self._base(row)
        )
        if self.parent[row]:
            above = self._stand(int(self.parent[row]))
            return above.carry(transform.position, transform.rotation, transform.velocity)
        x, y, z = self.position[row].tolist()
        return Stand((x, y, z), (0.0, 0.0, 0.0), transform.rotation, transform.velocity)

    def _place(self, row: int, place: Placement, tick: int) -> None:
        self._restart(row, tick)
        self.kind[row], self.position[row], self.at_rest[row] = place.kind, place.position, place.at_rest
        self.stirred[row] = True
        for slot, record in place.records.items():
            record = with_entity(record, int(self.entity[row]))
            if place.kind is Section.CHILD and slot is Slot.TRANSFORM:
                record = record[:3] + bytes((int(self.attach[row]),)) + record[4:]
            self.records(slot)[row, : len(record)] = np.frombuffer(record, np.uint8)
            self.length[row, slot] = len(record)
            self.heard |= 1 << slot
        # Slots that were left out are versioned too: what a control message tells, it tells of all of them.
        self._change(row)

    def _change(self, row: int) -> None:
        """All that it says is to be told anew."""
        self.changed[row] = self.version[row, self.length[row] > 0] = self.next_version()
        self.touched[row] = True

    def _restart(self, row: int, tick: int) -> None:
        """Forget how far the former owner's records had come."""
        self.tick = max(self.tick, tick)
        self.seq[row] = self.refused[row] = NO_SEQ
        self.sample[row] = tick

    def _hang(self, row: int, parent_row: int, attach: int) -> None:
        self.parent[row], self.attach[row] = parent_row, attach & 0xFF
        if parent_row:
            self._children.setdefault(parent_row, set()).add(row)
        self._set_root(row, int(self.root[parent_row]) if parent_row else row)

    def _unhang(self, row: int) -> None:
        parent_row = int(self.parent[row])
        if parent_row:
            self._children[parent_row].discard(row)
        if not self._children.get(parent_row):
            self._children.pop(parent_row, None)

    def _set_root(self, row: int, root: int) -> None:
        self.root[row] = root
        self.stirred[row] = True
        for child in self._children.get(row, ()):
            self._set_root(child, root)
