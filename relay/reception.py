"""Pure core: frames as they come from clients: unsound ones counted, repeated ones passed over, the others noted for what they say."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from relay import arrivals
from relay.acceptance import Drop
from relay.arrivals import Received
from relay.audience import Audience
from relay.table import Bools, Ints
from soiree.wire.acks import WINDOW
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES

MAX_ACK_INTERVAL_S: Final = 0.25
"""Longer silences of a client do not count as the time between its acknowledgements."""
ACK_INTERVAL_GAIN: Final = 0.125
"""How fast the time between acknowledgements follows."""
DETACHED: Final = "detached"
"""Why a frame of one without a connection was dropped."""
_WINDOW_MASK: Final = (1 << WINDOW) - 1


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of some frames."""

    control_applied: dict[int, int] = field(default_factory=dict)
    """Peer → newest control number that it has applied, modulo 2¹⁶; of those that have applied more than before."""
    malformed: Counter[int] = field(default_factory=Counter)
    """Peer → frames that could not be read."""
    drops: Counter[str] = field(default_factory=Counter)
    """Reason (`Drop.reason`) → records, or whole frames for `malformed`, `rate` and `detached`, and `stale` for repeated ones."""
    accepted: int = 0
    """Records taken."""


class Reception:
    """The receiving side of an audience."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def receive(self, frames: Sequence[tuple[int, bytes]], now: float, told: Ingested) -> Received:
        """The sound and new ones among frames (peer, payload); the others are counted in `told`."""
        audience = self._audience
        row, payloads = self._admit(frames, now, told)
        come = arrivals.unpack(payloads)
        self._blame(audience.peer[row[~come.sound]], told)
        frame = np.flatnonzero(come.sound)
        row, header = row[frame], come.header[frame]
        low, applied_low = header["seq"].astype(np.int64), header["control_applied"].astype(np.int64)
        before = audience.applied.copy()
        new, seq, applied = self._in_order(row, low, applied_low) or self._one_by_one(row, low, applied_low)
        if not new.all():
            told.drops[Drop.STALE.reason] += len(new) - int(new.sum())
            frame, row, seq, applied = frame[new], row[new], seq[new], applied[new]
        heard = np.flatnonzero(np.bincount(row))
        self._note(heard, now)
        further = heard[audience.applied[heard] > before[heard]]
        told.control_applied.update(
            zip(audience.peer[further].tolist(), (audience.applied[further] & 0xFFFF).tolist(), strict=True)
        )
        return Received(come, frame, row, seq, applied)

    def _admit(self, frames: Sequence[tuple[int, bytes]], now: float, told: Ingested) -> tuple[Ints, list[bytes]]:
        """Those of clients that have a connection, as far as their rates allow: the row of who sent each, and its payload."""
        audience = self._audience
        row_of = audience.row_of
        row = np.array([row_of.get(peer, 0) for peer, _ in frames], np.int64)
        row[~audience.active[row]] = 0
        if not row.all():
            told.drops[DETACHED] += len(row) - int(np.count_nonzero(row))
        whose = np.flatnonzero(np.bincount(row[row > 0]))
        audience.heard_s[whose] = now
        passed = np.maximum(0.0, now - audience.frames_s[whose])
        refilled = audience.frames[whose] + passed * audience.frames_per_s
        audience.frames[whose] = np.minimum(audience.frames_burst, refilled)
        audience.frames_s[whose] = np.maximum(audience.frames_s[whose], now)
        fits = _nth(row) + 1 <= audience.frames[row]
        refused = int((~fits & (row > 0)).sum())
        if refused:
            told.drops[Drop.RATE.reason] += refused
        admitted = np.flatnonzero(fits & (row > 0))
        row = row[admitted]
        audience.frames[: audience.high] -= np.bincount(row, minlength=audience.high)
        return row, [frames[number][1] for number in admitted.tolist()]

    @staticmethod
    def _blame(peers: Ints, told: Ingested) -> None:
        if len(peers):
            told.malformed.update(peers.tolist())
            told.drops[Drop.MALFORMED.reason] += len(peers)

    def _in_order(self, row: Ints, low: Ints, applied_low: Ints) -> tuple[Bools, Ints, Ints] | None:
        """As `_one_by_one`, at once: where each client's frames follow the newest before, none missing. None if it is not so."""
        audience = self._audience
        nth = _nth(row)
        newest, known = audience.newest[row], audience.applied[row]
        ahead = applied_low - known & 0xFFFF
        if ((low - newest - 1 - nth & 0xFFFF) | (newest < 0) | (ahead > MAX_UNAPPLIED_MESSAGES)).any():
            return None
        many = np.bincount(row)
        who = np.flatnonzero(many)
        further = np.minimum(many[who], WINDOW) - 1
        mask = np.left_shift(audience.ack_mask[who] << 1 | 1, further) | np.left_shift(1, further) - 1
        audience.ack_mask[who] = mask & _WINDOW_MASK
        audience.newest[who] += many[who]
        audience.ack_seq[who] = audience.newest[who] & 0xFFFF
        np.maximum.at(audience.applied, row, known + ahead)
        return np.ones(len(row), np.bool_), newest + 1 + nth, known + ahead

    def _one_by_one(self, row: Ints, low: Ints, applied_low: Ints) -> tuple[Bools, Ints, Ints]:
        """For each frame: whether it is new, its unwrapped number, and the control number that its sender had applied."""
        new, seq, applied = np.zeros(len(row), np.bool_), np.zeros(len(row), np.int64), np.zeros(len(row), np.int64)
        for turn in _turns(row):
            new[turn], seq[turn] = self._number(row[turn], low[turn])
            applied[turn] = self._progress(row[turn], seq[turn], applied_low[turn], new[turn])
        return new, seq, applied

    def _number(self, row: Ints, low: Ints) -> tuple[Bools, Ints]:
        """(n,) whether a frame is no repetition, nor too old to tell, and its unwrapped number; `low`: modulo 2¹⁶. No row repeats."""
        audience = self._audience
        newest, mask = audience.newest[row], audience.ack_mask[row]
        ahead = (low - newest + 0x8000 & 0xFFFF) - 0x8000
        begun = newest >= 0
        newer = ~begun | (ahead > 0)
        seq = np.where(begun, newest + ahead, audience.first[row] + low)
        place = -ahead - 1
        within = ~newer & (place >= 0) & (place < WINDOW)
        bit = np.left_shift(1, np.where(within, place, 0))
        new = newer | within & (mask & bit == 0)
        shifted = np.left_shift(mask << 1 | 1, np.clip(ahead - 1, 0, WINDOW - 1)) & _WINDOW_MASK
        after = np.where(newer, np.where(begun & (ahead <= WINDOW), shifted, 0), mask | np.where(within, bit, 0))
        audience.ack_mask[row] = after
        audience.newest[row] = newest = np.where(newer, seq, newest)
        audience.ack_seq[row] = newest & 0xFFFF
        audience.ack_valid[row] = True
        return np.asarray(new, np.bool_), np.asarray(seq, np.int64)

    def _progress(self, row: Ints, seq: Ints, low: Ints, new: Bools) -> Ints:
        """(n,) control number that the sender of each frame had applied; it may be older than the newest known. No row repeats.

        Args:
            low: modulo 2¹⁶.
        """
        audience = self._audience
        known = audience.applied[row]
        ahead = low - known & 0xFFFF
        applied = known + ahead - np.where(ahead <= MAX_UNAPPLIED_MESSAGES, 0, 0x10000)
        newest = new & (seq == audience.newest[row])
        audience.applied[row] = np.where(newest, np.maximum(known, applied), known)
        return np.asarray(applied, np.int64)

    def _note(self, rows: Ints, now: float) -> None:
        """Keep how often these clients acknowledge our frames."""
        audience = self._audience
        interval = np.minimum(MAX_ACK_INTERVAL_S, now - audience.acked_s[rows])
        audience.ack_interval_s[rows] += (interval - audience.ack_interval_s[rows]) * ACK_INTERVAL_GAIN
        audience.acked_s[rows] = now


def _nth(row: Ints) -> Ints:
    """(n,) how many before each are of the same row."""
    order = np.argsort(row, kind="stable")
    ordered = row[order]
    nth = np.empty(len(row), np.int64)
    nth[order] = np.arange(len(row)) - np.searchsorted(ordered, ordered, side="left")
    return nth


def _turns(row: Ints) -> Iterator[Ints]:
    """Each row's first, then each one's second, and so on, so that no row repeats."""
    nth = _nth(row)
    for turn in range(int(nth.max(initial=-1)) + 1):
        yield np.flatnonzero(nth == turn)
