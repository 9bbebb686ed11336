"""Pure core: frames as they come from clients: unsound ones counted, repeated ones passed over, the others noted for what they say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np

from relay import arrivals
from relay.acceptance import Drop
from relay.arrivals import Received
from relay.audience import Audience, Inbound

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

    def receive(self, frames: Sequence[tuple[int, bytes]], now: float, told: Ingested) -> Received:
        """The sound and new ones among frames (peer, payload); the others are counted in `told`. Frames of strangers are passed over."""
        inbounds, payloads = self._admit(frames, now, told)
        come = arrivals.unpack(payloads)
        taken: list[tuple[int, int, int, int]] = []
        heard: dict[int, Inbound] = {}
        header = come.header
        said = zip(
            inbounds,
            come.sound.tolist(),
            header["seq"].tolist(),
            header["control_applied"].tolist(),
            strict=True,
        )
        for number, (inbound, sound, low, applied_low) in enumerate(said):
            if not sound:
                told.malformed[inbound.peer] += 1
                told.drops[Drop.MALFORMED.reason] += 1
                continue
            seq = inbound.receive(low)
            if seq is None:
                told.drops[Drop.STALE.reason] += 1
                continue
            applied = inbound.unwrap_applied(applied_low)
            if seq == inbound.newest:
                inbound.applied = max(inbound.applied, applied)
                told.control_applied[inbound.peer] = applied_low
            heard[inbound.row] = inbound
            taken.append((number, inbound.row, seq, applied))
        self._note(heard, now)
        flat = np.fromiter(chain.from_iterable(taken), np.int64, 4 * len(taken))
        frame, client, seqs, said_applied = np.ascontiguousarray(flat.reshape(-1, 4).T)
        return Received(come, frame, client, seqs, said_applied)

    def _admit(
        self, frames: Sequence[tuple[int, bytes]], now: float, told: Ingested
    ) -> tuple[list[Inbound], list[bytes]]:
        """Those of clients that are here, as far as their rates allow: who sent each, and its payload."""
        inbounds: list[Inbound] = []
        payloads: list[bytes] = []
        find = self._audience.inbound
        for peer, payload in frames:
            inbound = find(peer)
            if inbound is None:
                continue
            if inbound.at < now:
                inbound.refill(now)
            if inbound.frames >= 1:
                inbound.frames -= 1
                inbounds.append(inbound)
                payloads.append(payload)
            else:
                told.drops[Drop.RATE.reason] += 1
        return inbounds, payloads

    def _note(self, heard: dict[int, Inbound], now: float) -> None:
        """Keep what our next frames acknowledge, and how often these clients acknowledge ours."""
        audience, rows = self._audience, np.array(list(heard), np.int64)
        if not len(rows):
            return
        audience.ack_seq[rows] = [inbound.window.seq or 0 for inbound in heard.values()]
        audience.ack_mask[rows] = [inbound.window.mask for inbound in heard.values()]
        audience.ack_valid[rows] = True
        audience.applied[rows] = np.maximum(audience.applied[rows], [inbound.applied for inbound in heard.values()])
        interval = np.minimum(MAX_ACK_INTERVAL_S, now - audience.acked_s[rows])
        audience.ack_interval_s[rows] += (interval - audience.ack_interval_s[rows]) / 8
        audience.acked_s[rows] = now
