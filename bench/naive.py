"""Pure core: a tick of the relay, entity by entity in plain Python: what one would write first, a measure for noisy machines."""

import math
from dataclasses import dataclass, field
from typing import Final

from bench.batching import RECORDS_BYTES
from soiree.wire import quantise as q
from soiree.wire.records import Base, position_of
from soiree.wire.state import (
    ENTITY_MASK,
    IDENT,
    STRIDE,
    Header,
    Section,
    pack_header,
    pack_section,
    sections,
    unpack_header,
)

RADIUS_M: Final = 160.0
RESEND_TICKS: Final = 12


@dataclass(slots=True)
class Thing:
    """One entity."""

    owner: int
    parent: int
    kind: Section
    record: bytes
    position: q.Vec3
    version: int = 0


@dataclass(slots=True)
class Viewer:
    """What one client was sent: entity → (version, tick), and which of it has arrived: entity → version."""

    own: int
    seq: int = 0
    sent: dict[int, tuple[int, int]] = field(default_factory=dict)
    acked: dict[int, int] = field(default_factory=dict)


class NaiveRelay:
    """All of a relay's tick that the relay's core does too: owners checked, cells kept, the urgent first, one frame, acknowledgements."""

    def __init__(self) -> None:
        self.things: dict[int, Thing] = {}
        self._cells: dict[tuple[int, int], set[int]] = {}
        self._riders: dict[int, list[int]] = {}

    def add(self, entity: int, thing: Thing) -> None:
        """Take in an entity; parents first."""
        self.things[entity] = thing
        if thing.parent:
            self._riders.setdefault(thing.parent, []).append(entity)
        else:
            self._cells.setdefault(_cell(thing.position), set()).add(entity)

    def ingest(self, frames: list[tuple[int, bytes]], tick: int) -> int:
        """Returns how many records were taken."""
        taken = 0
        for peer, payload in frames:
            header = unpack_header(payload)
            base = Base(header.base_cx, header.base_cz, header.base_y)
            for view in sections(payload):
                stride = STRIDE[view.kind]
                for start in range(view.start, view.end, stride):
                    taken += self._take(peer, view.kind, payload[start : start + stride], base, tick)
        return taken

    def _take(self, peer: int, kind: Section, record: bytes, base: Base, tick: int) -> bool:
        entity = IDENT.unpack_from(record)[0] & ENTITY_MASK
        thing = self.things.get(entity)
        if thing is None or thing.owner != peer:
            return False
        if kind is not Section.CHILD:
            was = _cell(thing.position)
            thing.position = position_in(record, base)
            if (now := _cell(thing.position)) != was:
                self._cells[was].discard(entity)
                self._cells.setdefault(now, set()).add(entity)
        thing.kind, thing.record, thing.version = kind, record, tick
        return True

    def pack(self, viewer: Viewer, tick: int) -> bytes:
        """The client's frame; what is in it counts as arrived RESEND_TICKS / 2 later."""
        position = self.things[viewer.own].position
        urgent = sorted(self._lacking(viewer, position, tick), reverse=True)
        left, by_kind = RECORDS_BYTES, dict[Section, list[bytes]]()
        for _, entity in urgent:
            thing = self.things[entity]
            left -= len(thing.record)
            if left < 0:
                break
            by_kind.setdefault(thing.kind, []).append(thing.record)
            viewer.sent[entity] = (thing.version, tick)
        cell = _cell(position)
        viewer.seq += 1
        header = pack_header(Header(0, viewer.seq & 0xFFFF, tick, cell[0], cell[1], 0, 0, 0, 0))
        return header + b"".join(pack_section(kind, records) for kind, records in sorted(by_kind.items()))

    def _lacking(self, viewer: Viewer, position: q.Vec3, tick: int) -> list[tuple[float, int]]:
        """(urgency, entity) of all in sight that the client lacks."""
        cx, cz = _cell(position)
        reach = math.ceil(RADIUS_M / q.CELL_M)
        found: list[tuple[float, int]] = []
        for x in range(cx - reach, cx + reach + 1):
            for z in range(cz - reach, cz + reach + 1):
                for root in self._cells.get((x, z), ()):
                    away_m = math.dist(self.things[root].position, position)
                    if away_m <= RADIUS_M:
                        self._judge(viewer, root, away_m, tick, found)
        return found

    def _judge(self, viewer: Viewer, entity: int, away_m: float, tick: int, found: list[tuple[float, int]]) -> None:
        version = self.things[entity].version
        sent, sent_at = viewer.sent.get(entity, (0, 0))
        if sent and tick - sent_at >= RESEND_TICKS // 2:
            viewer.acked[entity] = sent
        if version > viewer.acked.get(entity, 0) and (version > sent or tick - sent_at >= RESEND_TICKS):
            found.append(((tick - sent_at) / (16 + away_m), entity))
        for rider in self._riders.get(entity, ()):
            self._judge(viewer, rider, away_m, tick, found)


def position_in(record: bytes, base: Base) -> q.Vec3:
    """Metres, of a MOVE, REST or UPRIGHT record."""
    where, x, z, y = (int.from_bytes(record[a:b], "little") for a, b in ((0, 4), (4, 6), (6, 8), (8, 10)))
    return position_of(where, x, y, z, base)


def _cell(position: q.Vec3) -> tuple[int, int]:
    return math.floor(position[0] / q.CELL_M), math.floor(position[2] / q.CELL_M)
