"""Pure core: what each client may be sent: token buckets whose rates follow what the path carries.

A rate doubles each second until the first sign of congestion, then climbs slowly; queueing or loss cuts it. It climbs only while at least
half of it is used: what was never tried proves nothing. Queueing is the least delay of acknowledgements within a quarter to half a second
over the least within 10 to 20 s; the least, since clients do not acknowledge at once.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from relay.table import Bools, Floats, Ints, Table

IPV4_BYTES: Final = 20
UDP_BYTES: Final = 8
DTLS_BYTES: Final = 37
"""Record header 13, explicit nonce 8, tag 16."""
SCTP_BYTES: Final = 28
"""Common header 12, DATA chunk 16."""
FRAME_OVERHEAD_BYTES: Final = IPV4_BYTES + UDP_BYTES + DTLS_BYTES + SCTP_BYTES
"""What a frame costs beyond its payload."""

START_KBIT_S: Final = 256.0
FLOOR_KBIT_S: Final = 32.0
CEILING_KBIT_S: Final = 1024.0
LEAST_CAP_KBIT_S: Final = 8.0
"""A client that asks for less gets this."""
BURST_S: Final = 0.15
"""Tokens for so long may gather."""
LEAST_BURST_BYTES: Final = 2500.0
"""Two full frames."""
SERVE_BYTES: Final = 400.0
"""A client is served when it may have at least so much: smaller frames are mostly headers."""

RAMP_PER_S: Final = 2.0
CLIMB_PER_S: Final = 1.06
RECOVERED_PER_S: Final = 1.25
RECOVERED_AFTER_S: Final = 5.0
CUT: Final = 0.85
CUT_EVERY_S: Final = 0.3
CLEAN_QUEUE_S: Final = 0.03
FULL_QUEUE_S: Final = 0.08
CLEAN_LOSS: Final = 0.08
FULL_LOSS: Final = 0.12
JUDGED_FRAMES: Final = 8.0
"""Fates of fewer frames within about a second say nothing about loss."""
USEFUL_GAP_S: Final = 0.06
"""A delay counts when it can be too long by no more than this."""
_BASE_WINDOW_S: Final = 10.0
_QUEUE_WINDOW_S: Final = 0.25
_MEMORY_S: Final = 1.0
_BYTES_PER_KBIT: Final = 125.0


class Budgets(Table):
    """A budget for each client; rows are those of the audience. All columns are float64 of shape (rows,) unless said.

    Attributes:
        rate_kbit_s: what it may have. cap_kbit_s: what it asked for at most. tokens: bytes it may have now; below 0 after a full frame.
        base: (rows, 2) least delay of the present and the last 10 s. near: (rows, 2) likewise of a quarter second. lost, judged: frames
        of about the last second.
    """

    def __init__(self, bound: int, ceiling_kbit_s: float = CEILING_KBIT_S) -> None:
        super().__init__(bound)
        self.ceiling_kbit_s = ceiling_kbit_s
        self.rate_kbit_s: Floats = self._column("rate_kbit_s", np.float64)
        self.cap_kbit_s: Floats = self._column("cap_kbit_s", np.float64)
        self.tokens: Floats = self._column("tokens", np.float64)
        self.base: Floats = self._column("base", np.float64, 2)
        self.near: Floats = self._column("near", np.float64, 2)
        self.lost: Floats = self._column("lost", np.float64)
        self.judged: Floats = self._column("judged", np.float64)
        self._used_kbit_s: Floats = self._column("_used_kbit_s", np.float64)
        self._base_turned: Floats = self._column("_base_turned", np.float64)
        self._near_turned: Floats = self._column("_near_turned", np.float64)
        self._cut_at: Floats = self._column("_cut_at", np.float64)
        self._ramping: Bools = self._column("_ramping", np.bool_)
        self._at = 0.0

    def open(self, row: int, now: float) -> None:
        """Begin anew, at START_KBIT_S."""
        self._reach(row)
        self._clear(row)
        self.cap_kbit_s[row] = self.ceiling_kbit_s
        self.rate_kbit_s[row] = min(START_KBIT_S, self.ceiling_kbit_s)
        self.tokens[row] = LEAST_BURST_BYTES
        self.base[row] = self.near[row] = np.inf
        self._base_turned[row] = self._near_turned[row] = self._cut_at[row] = now
        self._ramping[row] = True

    def set_cap(self, row: int, kbit_s: float) -> None:
        """Never more than this; 0: up to the ceiling."""
        asked = kbit_s or self.ceiling_kbit_s
        self.cap_kbit_s[row] = min(self.ceiling_kbit_s, max(LEAST_CAP_KBIT_S, asked))
        self.rate_kbit_s[row] = min(self.rate_kbit_s[row], self.cap_kbit_s[row])

    def queueing_s(self) -> Floats:
        """(rows,) how much longer than at best acknowledgements take of late; NaN where nothing is known."""
        with np.errstate(invalid="ignore"):
            queueing = self.near.min(1) - self.base.min(1)
        return np.where(np.isfinite(queueing), queueing, np.nan)

    def loss(self) -> Floats:
        """(rows,) share of frames lost in about the last second, 0 where too few are judged."""
        return np.where(self.judged >= JUDGED_FRAMES, self.lost / np.maximum(self.judged, 1.0), 0.0)

    def spend(self, rows: Ints, amounts: npt.NDArray[np.int64]) -> None:
        """Bytes of payload went out, a frame each; rows may repeat."""
        cost = amounts + float(FRAME_OVERHEAD_BYTES)
        np.subtract.at(self.tokens, rows, cost)
        np.add.at(self._used_kbit_s, rows, cost / (_BYTES_PER_KBIT * _MEMORY_S))

    def note_delays(self, rows: Ints, delays_s: Floats, gaps_s: Floats) -> None:
        """Newest frames were acknowledged after these delays; rows may repeat."""
        useful = gaps_s <= USEFUL_GAP_S
        rows, delays_s = rows[useful], delays_s[useful]
        np.minimum.at(self.near[:, 0], rows, delays_s)
        np.minimum.at(self.base[:, 0], rows, delays_s)

    def note_fates(self, arrived: Ints, lost: Ints) -> None:
        """Counts of frames by row, from 0 on."""
        self.judged[: len(arrived)] += arrived + lost
        self.lost[: len(lost)] += lost

    def congest(self, row: int, now: float) -> None:
        """The transport would not take a frame: its own queue is full."""
        if now - self._cut_at[row] > CUT_EVERY_S:
            self._cut(np.array([row]), now)

    def advance(self, now: float) -> None:
        """Time passes: tokens come, rates follow what was noted."""
        passed = min(1.0, max(0.0, now - self._at))
        self._at = max(now, self._at)
        self._adapt(now, passed)
        burst = np.maximum(LEAST_BURST_BYTES, self.rate_kbit_s * (_BYTES_PER_KBIT * BURST_S))
        np.minimum(self.tokens + self.rate_kbit_s * (_BYTES_PER_KBIT * passed), burst, out=self.tokens)
        fade = np.exp(-passed / _MEMORY_S)
        for column in (self._used_kbit_s, self.judged, self.lost):
            column *= fade
        self._turn(self.base, self._base_turned, _BASE_WINDOW_S, now)
        self._turn(self.near, self._near_turned, _QUEUE_WINDOW_S, now)

    def _adapt(self, now: float, passed: float) -> None:
        queueing, loss = self.queueing_s(), self.loss()
        full = (queueing > FULL_QUEUE_S) | (loss > FULL_LOSS)
        self._cut(np.flatnonzero(full & (now - self._cut_at > CUT_EVERY_S)), now)
        clean = ~full & (queueing < CLEAN_QUEUE_S) & (loss < CLEAN_LOSS) & (self._used_kbit_s > self.rate_kbit_s / 2)
        climb = np.where(now - self._cut_at > RECOVERED_AFTER_S, RECOVERED_PER_S, CLIMB_PER_S)
        factor = np.where(self._ramping, RAMP_PER_S, climb) ** passed
        np.copyto(self.rate_kbit_s, np.minimum(self.rate_kbit_s * factor, self.cap_kbit_s), where=clean)

    def _cut(self, rows: Ints, now: float) -> None:
        floor = np.minimum(FLOOR_KBIT_S, self.cap_kbit_s[rows])
        self.rate_kbit_s[rows] = np.maximum(floor, self.rate_kbit_s[rows] * CUT)
        self._cut_at[rows] = now
        self._ramping[rows] = False

    @staticmethod
    def _turn(window: Floats, turned: Floats, period_s: float, now: float) -> None:
        """Begin a new half of a sliding minimum where the present one is over."""
        over = np.flatnonzero(now - turned > period_s)
        window[over, 1] = window[over, 0]
        window[over, 0] = np.inf
        turned[over] = now
