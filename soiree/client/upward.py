"""What this client owns, on its way to the relay, until the relay has it (docs/PROTOCOL.md section 5.3).

Pure core: records are written, acknowledgements come in, frames with everything that is due come out.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from soiree.wire.acks import SEQ_MASK, WINDOW, is_acked
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.quantise import CELL_M, REACH_M, REACH_Y_UNITS
from soiree.wire.records import Base
from soiree.wire.state import (
    AGE_MASK,
    AGED,
    STATE_HEADER,
    STRIDE,
    TELEPORT,
    Header,
    Section,
    Slot,
    pack_header,
    pack_section,
)

MIN_RTO_S = 0.15
"""A record is not sent again sooner than this, nor than two round trips."""
REPEATS = (1, 3)
"""Serving ticks after which the record of something that came to rest is sent again, acknowledged or not yet."""
MAX_FLIGHTS = 2 * (WINDOW + 1)
"""Frames remembered for their acknowledgement; older ones fall out of the other side's window anyway."""
MAX_RECORDS = 255
"""Records in a section: its count is one byte."""
REACH_CELLS = (REACH_M - CELL_M // 2) // CELL_M
"""Cells that a record may surely lie from the base cell, wherever in its own cell it is."""
NO_BASE = Base(0, 0, 0)
SECTION_HEADER_BYTES = 2
FEW = 25
"""So many records fit one frame, whatever they are but PROPS, so nobody has to wait."""

Key = tuple[int, Slot]


@dataclass(slots=True)
class Outgoing:
    """The newest record of one slot of one entity."""

    kind: Section
    base: Base | None
    """Cell and height of the record; None when it holds no place in the world (CHILD, POSE, PROPS)."""
    record: bytes
    sampled: int
    """Tick of the sample."""
    resting: bool
    version: int
    """Counts the changes of the slot."""
    sent: int = 0
    """Version sent last."""
    sent_at: float = 0.0
    """Monotonic s of that."""
    calls: int = 0
    """Serving ticks since a resting version was first sent."""
    teleported: int = 0
    """The version that jumped, until it or a later one is acknowledged: a jump that got lost must not look like speed. 0 for none."""

    def due(self, now: float, rto_s: float) -> bool:
        """Whether it goes into this serving tick's frames."""
        if self.sent != self.version:
            return True
        if self.resting:
            self.calls += 1
            if self.calls in REPEATS:
                return True
        return now - self.sent_at >= rto_s

    def on_wire(self, tick: int) -> tuple[Section, bytes]:
        """Kind and bytes of the record in a frame of `tick`."""
        kind, record = self.kind, self.record
        if kind is Section.REST and self.teleported:
            # REST has no room for the mark; MOVE begins with the same 14 bytes.
            kind, record = Section.MOVE, record + bytes(STRIDE[Section.MOVE] - STRIDE[Section.REST])
        if kind not in AGED:
            return kind, record
        age = min(AGE_MASK, max(0, tick - self.sampled)) | (TELEPORT if self.teleported else 0)
        return kind, record[:-1] + bytes((age,))


class Upward:
    """Unacknowledged records and the frames that carry them.

    Attributes:
        seq: number of the next frame.
        records_sent: records written into frames so far.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.records_sent = 0
        self._pending: dict[Key, Outgoing] = {}
        self._flights: dict[int, list[tuple[Key, int]]] = {}
        self._versions = 0

    def __len__(self) -> int:
        return len(self._pending)

    def restart(self) -> None:
        """Numbering begins again (a fresh hello): nothing is sent or acknowledged."""
        self.seq = 0
        self._flights.clear()
        for outgoing in self._pending.values():
            outgoing.sent = 0

    def write(
        self,
        entity: int,
        slot: Slot,
        kind: Section,
        base: Base | None,
        record: bytes,
        tick: int,
        *,
        resting: bool = False,
        teleport: bool = False,
    ) -> None:
        """The owner has set a slot; what waited in it is replaced.

        Args:
            entity: what is owned.
            slot: which of its slots.
            kind: kind of the record; its age byte is written when it is sent.
            base: cell and height of a place in the world, None for CHILD, POSE and PROPS.
            record: its bytes.
            tick: when it was sampled.
            resting: it came to rest, so more than one frame will say so.
            teleport: it jumped.
        """
        self._versions += 1
        previous = self._pending.get((entity, slot))
        outgoing = Outgoing(kind, base, record, tick, resting, self._versions)
        if previous is not None:
            outgoing.sent_at, outgoing.teleported = previous.sent_at, previous.teleported
        if teleport:
            outgoing.teleported = outgoing.version
        self._pending[entity, slot] = outgoing

    def forget(self, entity: int, slot: Slot | None = None) -> None:
        """The entity is not ours any more, or the slot was told reliably: nothing of it is sent."""
        for each in (slot,) if slot is not None else Slot:
            self._pending.pop((entity, each), None)

    def on_acks(self, ack_seq: int, ack_mask: int) -> None:
        """The other side has these frames."""
        for seq in [each for each in self._flights if is_acked(each, ack_seq, ack_mask)]:
            for key, version in self._flights.pop(seq):
                outgoing = self._pending.get(key)
                if outgoing is None:
                    continue
                if outgoing.version == version:
                    del self._pending[key]
                elif version >= outgoing.teleported:
                    outgoing.teleported = 0

    def frames(self, header: Header, now: float, rtt_s: float, *, at_least_one: bool, most: int = 8) -> list[bytes]:
        """The frames of this serving tick: all that is due, and one empty frame if `at_least_one` and nothing is.

        Args:
            header: its `seq` and base are filled in here.
            now: monotonic s.
            rtt_s: round trip.
            at_least_one: acknowledgements want to be told.
            most: frames at most; what is left over goes first next time.
        """
        rto_s = max(MIN_RTO_S, 2 * rtt_s)
        due = [item for item in self._pending.items() if item[1].due(now, rto_s)]
        if len(due) > FEW:
            due.sort(key=lambda item: item[1].sent_at)
        frames: list[bytes] = []
        while (due and len(frames) < most) or (at_least_one and not frames):
            base = next((outgoing.base for _, outgoing in due if outgoing.base is not None), NO_BASE)
            chosen, due = _fill(due, base)
            frames.append(self._frame(header, base, chosen, now))
        return frames

    def _frame(self, header: Header, base: Base, chosen: list[tuple[Key, Outgoing]], now: float) -> bytes:
        by_kind: dict[Section, list[bytes]] = {}
        for _, outgoing in chosen:
            if outgoing.sent != outgoing.version:
                outgoing.sent = outgoing.version
                outgoing.calls = 0
            outgoing.sent_at = now
            kind, record = outgoing.on_wire(header.tick)
            by_kind.setdefault(kind, []).append(record)
        parts = [pack_header(header._replace(seq=self.seq, base_cx=base.cx, base_cz=base.cz, base_y=base.y))]
        # PROPS varies in length, so it must come last.
        parts += [pack_section(kind, by_kind[kind]) for kind in sorted(by_kind, key=lambda kind: kind is Section.PROPS)]
        self.records_sent += len(chosen)
        if chosen:
            self._flights[self.seq] = [(key, outgoing.version) for key, outgoing in chosen]
            if len(self._flights) > MAX_FLIGHTS:
                del self._flights[next(iter(self._flights))]
        self.seq = (self.seq + 1) & SEQ_MASK
        return b"".join(parts)


def _fill(
    due: Iterable[tuple[Key, Outgoing]], base: Base
) -> tuple[list[tuple[Key, Outgoing]], list[tuple[Key, Outgoing]]]:
    """Split what is due into what fits one frame with this base, and the rest."""
    chosen, rest = [], []
    counts: dict[Section, int] = {}
    room = MAX_FRAME_BYTES - STATE_HEADER.size
    for item in due:
        outgoing = item[1]
        kind = Section.MOVE if outgoing.kind is Section.REST and outgoing.teleported else outgoing.kind
        count = counts.get(kind, 0)
        size = (STRIDE[kind] if kind is not Section.PROPS else len(outgoing.record)) + (
            0 if count else SECTION_HEADER_BYTES
        )
        if size > room or count == MAX_RECORDS or not _reaches(outgoing.base, base):
            rest.append(item)
            continue
        room -= size
        counts[kind] = count + 1
        chosen.append(item)
    return chosen, rest


def _reaches(place: Base | None, base: Base) -> bool:
    return place is None or (
        abs(place.cx - base.cx) <= REACH_CELLS
        and abs(place.cz - base.cz) <= REACH_CELLS
        and abs(place.y - base.y) <= REACH_Y_UNITS
    )
