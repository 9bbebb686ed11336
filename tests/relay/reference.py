"""The slow, obvious relay that the vectorised one is compared with: one record at a time, in plain Python."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from relay.acceptance import MAX_LATE_TICKS, MAX_ROUNDS
from relay.speed import CLOCK_SLACK_S, SLACK_M
from relay.world import TELEPORT_BURST
from soiree.wire import quantise as q
from soiree.wire.errors import WireError
from soiree.wire.state import (
    AGE_MASK,
    AGED,
    DTYPE_OF,
    ENTITY_MASK,
    IDENT,
    SLOT_OF,
    TELEPORT,
    Header,
    Section,
    Slot,
    props_records,
    sections,
    unpack_header,
)

Position = tuple[int, int, int]


@dataclass
class Thing:
    """An entity."""

    owner: int
    fence: int
    position: Position
    tick: int
    child: bool = False
    attach: int = 0
    records: dict[Slot, bytes] = field(default_factory=dict)
    seq: dict[Slot, int] = field(default_factory=dict)
    sample: dict[Slot, int] = field(default_factory=dict)
    overrun_m: float = 0.0
    jumps: float = TELEPORT_BURST
    jumped_at: int = 0


@dataclass(frozen=True)
class Said:
    """A record as it came."""

    peer: int
    seq: int
    applied: int
    tick: int
    kind: Section
    octets: bytes
    header: Header
    order: int

    @property
    def entity(self) -> int:
        return int(IDENT.unpack_from(self.octets)[0]) & ENTITY_MASK


class ReferenceRelay:
    """Takes frames as `Replication.ingest` does."""

    def __init__(self, max_speed_m_s: float) -> None:
        self.max_speed_m_s = max_speed_m_s
        self.things: dict[int, Thing] = {}
        self.newest: dict[int, int] = {}
        self.heard: defaultdict[int, set[int]] = defaultdict(set)
        self.applied: defaultdict[int, int] = defaultdict(int)
        self.drops: Counter[str] = Counter()
        self.accepted = 0

    def ingest(self, frames: list[tuple[int, bytes]], tick: int) -> None:
        said: list[Said] = []
        for peer, payload in frames:
            said += self._read(peer, payload, tick, len(said))
        cells: defaultdict[tuple[int, Slot], list[Said]] = defaultdict(list)
        for record in said:
            reason = self._forbidden(record)
            if reason:
                self.drops[reason] += 1
            else:
                cells[record.entity, SLOT_OF[record.kind]].append(record)
        for (entity, slot), records in cells.items():
            records.sort(key=lambda record: (record.seq, record.order))
            self.drops["stale"] += len(records[:-MAX_ROUNDS])
            for record in records[-MAX_ROUNDS:]:
                self._take(self.things[entity], slot, record, tick)
        self.drops += Counter()

    def _read(self, peer: int, payload: bytes, tick: int, order: int) -> list[Said]:
        try:
            header, views = unpack_header(payload), sections(payload)
        except WireError:
            self.drops["malformed"] += 1
            return []
        newest = self.newest.get(peer)
        seq = header.seq if newest is None else newest + (header.seq - newest + 0x8000) % 0x10000 - 0x8000
        if newest is not None and (seq in self.heard[peer] or seq < newest - 32):
            self.drops["stale"] += 1
            return []
        self.heard[peer].add(seq)
        known = self.applied[peer]
        applied = min((known - known % 0x10000 + turn * 0x10000 + header.control_applied for turn in (-1, 0, 1)),
                      key=lambda full: abs(full - known))  # fmt: skip
        if newest is None or seq > newest:
            self.newest[peer] = seq
            self.applied[peer] = max(known, applied)
        said: list[Said] = []
        for view in views:
            if view.kind is Section.PROPS:
                octets = [IDENT.pack(e | len(d) << 24) + d for e, d in props_records(payload, view)]
            else:
                size = DTYPE_OF[view.kind].itemsize
                octets = [payload[at : at + size] for at in range(view.start, view.end, size)]
            for one in octets:
                said.append(Said(peer, seq, applied, header.tick, view.kind, one, header, order + len(said)))
        return said

    def _forbidden(self, said: Said) -> str:
        thing = self.things.get(said.entity)
        transform = SLOT_OF[said.kind] is Slot.TRANSFORM
        child = said.kind is Section.CHILD
        if thing is None:
            return "unknown-entity"
        if thing.owner != said.peer:
            return "not-owner"
        if said.applied < thing.fence:
            return "fence"
        if said.kind is Section.FAR or (transform and not child and not _inside(place(said))):
            return "malformed"
        if (transform and child != thing.child) or (child and said.octets[3] != thing.attach):
            return "attach"
        return "stale" if said.seq < thing.seq.get(SLOT_OF[said.kind], -1) else ""

    def _take(self, thing: Thing, slot: Slot, said: Said, tick: int) -> None:
        flags = said.octets[-1] if said.kind in AGED else 0
        near = tick + (said.tick - tick + 2**31) % 2**32 - 2**31
        sample = max(tick - MAX_LATE_TICKS, min(tick, near)) - (flags & AGE_MASK)
        last = thing.sample.get(slot, thing.tick)
        if slot is Slot.TRANSFORM and said.kind is not Section.CHILD:
            reason = self._too_fast(thing, place(said), max(0, sample - last) / 60, bool(flags & TELEPORT), tick)
            if reason:
                self.drops[reason] += 1
                return
            thing.position = place(said)
        thing.records[slot] = said.octets
        thing.seq[slot] = said.seq
        thing.sample[slot] = max(last, sample)
        self.accepted += 1

    def _too_fast(self, thing: Thing, there: Position, elapsed_s: float, teleport: bool, tick: int) -> str:
        (ax, ay, az), (bx, by, bz) = thing.position, there
        away = math.dist((ax / 1024, ay / 256, az / 1024), (bx / 1024, by / 256, bz / 1024))
        ahead = max(0.0, thing.overrun_m + away - elapsed_s * self.max_speed_m_s)
        if ahead <= SLACK_M + CLOCK_SLACK_S * self.max_speed_m_s:
            thing.overrun_m = ahead
            return ""
        if not teleport:
            return "speed"
        jumps = min(TELEPORT_BURST, thing.jumps + (tick - thing.jumped_at) * TELEPORT_BURST / 60)
        if jumps < 1:
            return "teleport-rate"
        thing.jumps, thing.jumped_at, thing.overrun_m = jumps - 1, tick, 0.0
        return ""


def place(said: Said) -> Position:
    """Exact position of a MOVE, REST or UPRIGHT record."""
    where = IDENT.unpack_from(said.octets)[0]
    x, z, y = (int.from_bytes(said.octets[at : at + 2], "little") for at in (4, 6, 8))
    header = said.header
    return (
        q.unwrap_cell(where >> 24 & 15, header.base_cx) * 65536 + x,
        q.unwrap_y(y, header.base_y),
        q.unwrap_cell(where >> 28, header.base_cz) * 65536 + z,
    )


def _inside(position: Position) -> bool:
    x, y, z = position
    return -(2**47) <= x < 2**47 and -(2**31) <= y < 2**31 and -(2**47) <= z < 2**47
