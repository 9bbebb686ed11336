"""Pure core: frames as they come from clients: read up to their records, counted where unsound, noted for what they acknowledge."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from relay.acceptance import Drop
from relay.audience import Audience, Inbound
from relay.ingest import Arrival
from soiree.wire.errors import WireError
from soiree.wire.state import sections, unpack_header

MAX_ACK_INTERVAL_S: Final = 0.25
"""Longer silences of a client do not count as the time between its acknowledgements."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of some frames."""

    control_applied: dict[int, int] = field(default_factory=dict)
    """Peer → newest control number that it says it has applied, modulo 2¹⁶."""
    malformed: Counter[int] = field(default_factory=Counter)
    """Peer → frames that could not be read."""
    drops: Counter[str] = field(default_factory=Counter)
    """Reason (`Drop.reason`) → records, or whole frames for `malformed` and `rate`, and `stale` for repeated ones."""
    accepted: int = 0
    """Records taken."""


class Reception:
    """The receiving side of an audience."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def receive(self, frames: Sequence[tuple[int, bytes]], now: float, told: Ingested) -> list[Arrival]:
        """The sound and new ones among frames (peer, payload); the others are counted in `told`. Frames of strangers are passed over."""
        arrivals = (self._receive(peer, payload, now, told) for peer, payload in frames)
        return [arrival for arrival in arrivals if arrival is not None]

    def _receive(self, peer: int, payload: bytes, now: float, told: Ingested) -> Arrival | None:
        inbound = self._audience.inbound(peer)
        if inbound is None:
            return None
        if not inbound.admit(now):
            told.drops[Drop.RATE.reason] += 1
            return None
        try:
            header = unpack_header(payload)
            views = sections(payload)
        except WireError:
            told.malformed[peer] += 1
            told.drops[Drop.MALFORMED.reason] += 1
            return None
        if not inbound.window.receive(header.seq):
            told.drops[Drop.STALE.reason] += 1
            return None
        seq = inbound.unwrap(header.seq)
        applied = self._audience.unwrap_applied(inbound.row, header.control_applied)
        if seq > inbound.newest:
            self._note_newest(inbound, seq, applied, now)
            told.control_applied[peer] = header.control_applied
        self._audience.note_received(inbound)
        return Arrival(inbound.row, seq, applied, header, payload, views)

    def _note_newest(self, inbound: Inbound, seq: int, applied: int, now: float) -> None:
        audience, row = self._audience, inbound.row
        inbound.newest = seq
        audience.applied[row] = max(int(audience.applied[row]), applied)
        interval = min(MAX_ACK_INTERVAL_S, now - float(audience.acked_s[row]))
        audience.ack_interval_s[row] += (interval - audience.ack_interval_s[row]) / 8
        audience.acked_s[row] = now
