"""Pure core: what each client may be sent: token buckets whose rates follow what the path carries.

A rate doubles each second until the first sign of congestion. Then it climbs carefully about where the path was full last, and quickly
elsewhere; only while at least half of it is used: what was never tried proves nothing. Queueing is the least delay of acknowledgements
within a fifth to two fifths of a second over the least within 10 to 20 s; the least, since clients do not acknowledge at once. When the
queue is full, the rate becomes a little less than what arrives.

Loss may be the path's own, which no lower rate mends. So there is a trial: half as much is sent for a while. If the loss stays, so much of
it is forgiven from then on and the rate given back; if it goes, the path was full, and the rate becomes a little less than what arrived.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from relay import compiled
from relay.flight import Fates
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

ADAPT_EVERY_S: Final = 0.03
"""Rates are thought over no more often, since thinking costs."""
RAMP_PER_S: Final = 2.0
NEAR_FULL_PER_S: Final = 1.2
"""Climb about where the path was full last."""
SLOWEST_PER_S: Final = 1.03
"""Climb while something queues."""
BELOW_FULL, ABOVE_FULL = 0.8, 1.25
"""Of what the path carried when it was full: between them a rate climbs carefully, below as in the beginning."""
WIDER_PER_S: Final = 3.0
"""Climb above ABOVE_FULL: the path has become wider."""
CUT: Final = 0.85
DEEPEST_CUT: Final = 0.5
"""One cut takes no more than this leaves, since what arrives cannot be known exactly."""
DRAINS: Final = 0.95
CUT_EVERY_S: Final = 0.25
"""And longer by the delay of acknowledgements: until then nobody can tell what a cut has done."""
EMPTY_QUEUE_S: Final = 0.012
CLEAN_QUEUE_S: Final = 0.055
"""Above it nothing climbs. More than the 50 ms that clients may wait before they acknowledge, since frames can keep in step with that."""
FULL_QUEUE_S: Final = 0.06
CAREFUL_LOSS: Final = 0.06
CLEAN_LOSS: Final = 0.1
FULL_LOSS: Final = 0.15
"""Beyond what is forgiven."""
MOST_FORGIVEN: Final = 0.25
JUDGED_FRAMES: Final = 24.0
"""Fates of fewer frames of late say nothing about loss."""
TRIAL_FRAMES: Final = 30.0
"""So many fates decide a trial."""
TRIAL_S: Final = 3.0
"""A trial ends after so long with what is known by then."""
TRIAL_RATE: Final = 0.5
LOSS_MATTERS_KBIT_S: Final = 1.5 * FLOOR_KBIT_S
"""Who is sent less hardly causes the loss."""
USEFUL_GAP_S: Final = 0.06
"""A delay proves queueing when it can be too long by no more than this; that there is none, any delay can prove."""
BASE_WINDOW_S: Final = 10.0
QUEUE_WINDOW_S: Final = 0.2
MEMORY_S: Final = 1.0
LOSS_MEMORY_S: Final = 2.0
ARRIVAL_MEMORY_S: Final = 0.4
FORGIVEN_S: Final = 10.0
"""How slowly forgiven loss follows a path that gets better."""
BYTES_PER_KBIT: Final = 125.0


class Budgets(Table):
    """A budget for each client; rows are those of the audience. All columns are float64 of shape (rows,) unless said.

    Attributes:
        share: of all rates, what is given: less than 1 where the relay cannot do more. A plain number.
        rate_kbit_s: what it may have. cap_kbit_s: what it asked for at most. tokens: bytes it may have now; below 0 after a full frame.
        base: (rows, 2) least delay of the present and the last 10 s. near: (rows, 2) likewise of a fifth of a second; sure: (rows, 2) of
        those that prove queueing. lost, judged: frames of about the last two seconds, none of before the last cut.
        forgiven: share of frames that the path loses by itself.
        used_kbit_s, arrived_kbit_s: what was sent and acknowledged of late. full_kbit_s: what arrived when the path was full last, or 0.
        tried_loss: loss when its trial began, 0 while there is none; tried_used_kbit_s, tried_rate_kbit_s: what held then.
    """

    def __init__(self, bound: int, ceiling_kbit_s: float = CEILING_KBIT_S) -> None:
        super().__init__(bound)
        self.ceiling_kbit_s = ceiling_kbit_s
        self.rate_kbit_s: Floats = self._column("rate_kbit_s", np.float64)
        self.cap_kbit_s: Floats = self._column("cap_kbit_s", np.float64)
        self.tokens: Floats = self._column("tokens", np.float64)
        self.base: Floats = self._column("base", np.float64, 2)
        self.near: Floats = self._column("near", np.float64, 2)
        self.sure: Floats = self._column("sure", np.float64, 2)
        self.lost: Floats = self._column("lost", np.float64)
        self.judged: Floats = self._column("judged", np.float64)
        self.forgiven: Floats = self._column("forgiven", np.float64)
        self.used_kbit_s: Floats = self._column("used_kbit_s", np.float64)
        self.arrived_kbit_s: Floats = self._column("arrived_kbit_s", np.float64)
        self._frames: Floats = self._column("_frames", np.float64)
        """Sent of late, weighed as used_kbit_s."""
        self._base_turned: Floats = self._column("_base_turned", np.float64)
        self._near_turned: Floats = self._column("_near_turned", np.float64)
        self._cut_at: Floats = self._column("_cut_at", np.float64)
        self._ramping: Bools = self._column("_ramping", np.bool_)
        self.full_kbit_s: Floats = self._column("full_kbit_s", np.float64)
        self.tried_loss: Floats = self._column("tried_loss", np.float64)
        self.tried_used_kbit_s: Floats = self._column("tried_used_kbit_s", np.float64)
        self.tried_rate_kbit_s: Floats = self._column("tried_rate_kbit_s", np.float64)
        self._at = self._adapted_at = 0.0
        self.share = 1.0

    def open(self, row: int, now: float) -> None:
        """Begin anew, at START_KBIT_S."""
        self._reach(row)
        self._clear(row)
        self.cap_kbit_s[row] = self.ceiling_kbit_s
        self.rate_kbit_s[row] = min(START_KBIT_S, self.ceiling_kbit_s)
        self.tokens[row] = LEAST_BURST_BYTES
        self.base[row] = self.near[row] = self.sure[row] = np.inf
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
            queueing = self._least(self.near) - self._least(self.base)
        queueing[~np.isfinite(queueing)] = np.nan
        return queueing

    def loss(self) -> Floats:
        """(rows,) share of frames lost of late, 0 where too few are judged."""
        if not self.lost.any():
            return np.zeros(len(self.lost))
        return np.where(self.judged >= JUDGED_FRAMES, self.lost / np.maximum(self.judged, 1.0), 0.0)

    def spend(self, rows: Ints, amounts: npt.NDArray[np.int64]) -> None:
        """Bytes of payload went out, a frame each; rows may repeat."""
        cost = amounts + float(FRAME_OVERHEAD_BYTES)
        np.subtract.at(self.tokens, rows, cost)
        np.add.at(self.used_kbit_s, rows, cost / (BYTES_PER_KBIT * MEMORY_S))
        np.add.at(self._frames, rows, 1.0)

    def note(self, fates: Fates) -> None:
        """What acknowledgements told."""
        self.note_delays(fates.delay_clients, fates.delays_s, fates.gaps_s)
        self.note_fates(fates.arrived, fates.lost)

    def note_delays(self, rows: Ints, delays_s: Floats, gaps_s: Floats) -> None:
        """Newest frames were acknowledged after these delays; rows may repeat."""
        np.minimum.at(self.near[:, 0], rows, delays_s)
        np.minimum.at(self.base[:, 0], rows, delays_s)
        useful = gaps_s <= USEFUL_GAP_S
        np.minimum.at(self.sure[:, 0], rows[useful], delays_s[useful])

    def forget_delays(self) -> None:
        """Acknowledgements will take another time from now on: whether anything queues is not known until they have come."""
        self.base[:] = self.near[:] = self.sure[:] = np.inf

    def note_fates(self, arrived: Ints, lost: Ints) -> None:
        """Counts of frames by row, from 0 on."""
        n = len(arrived)
        self.judged[:n] += arrived + lost
        self.lost[:n] += lost
        frame_kbit = self.used_kbit_s[:n] * MEMORY_S / np.maximum(self._frames[:n], 1e-9)
        self.arrived_kbit_s[:n] += arrived * frame_kbit / ARRIVAL_MEMORY_S

    def congest(self, row: int, now: float) -> None:
        """The transport would not take a frame: its own queue is full."""
        rows = np.array([row])
        if now - self._cut_at[row] > CUT_EVERY_S:
            self.full_kbit_s[row] = self.rate_kbit_s[row]
            self._cut(rows, CUT * self.rate_kbit_s[rows], now)

    def advance(self, now: float) -> None:
        """Time passes: tokens come, rates follow what was noted."""
        passed = min(1.0, max(0.0, now - self._at))
        self._at = max(now, self._at)
        since = now - self._adapted_at
        adapts_s = min(1.0, since) if since >= ADAPT_EVERY_S else 0.0
        if adapts_s:
            self._adapted_at = now
        if compiled.core:
            compiled.core.advance(self, now, passed, adapts_s, self.share)
            return
        burst = np.maximum(LEAST_BURST_BYTES, self.rate_kbit_s * (BYTES_PER_KBIT * BURST_S))
        np.minimum(self.tokens + self.rate_kbit_s * (BYTES_PER_KBIT * passed * self.share), burst, out=self.tokens)
        if adapts_s:
            self._follow(now, adapts_s)

    def _follow(self, now: float, passed: float) -> None:
        self._adapt(now, passed)
        for column in (self.used_kbit_s, self._frames):
            column *= math.exp(-passed / MEMORY_S)
        # All fates since a trial began count alike.
        kept = np.where(self.tried_loss > 0, 1.0, math.exp(-passed / LOSS_MEMORY_S))
        for column in (self.judged, self.lost):
            column *= kept
        self.arrived_kbit_s *= math.exp(-passed / ARRIVAL_MEMORY_S)
        self._turn(self.base, self._base_turned, BASE_WINDOW_S, now)
        self._turn(self.sure, self._near_turned.copy(), QUEUE_WINDOW_S, now)
        self._turn(self.near, self._near_turned, QUEUE_WINDOW_S, now)

    def _adapt(self, now: float, passed: float) -> None:
        queueing, near = self.queueing_s(), self._least(self.near)
        # Until then delays and fates are those of frames that went before the cut.
        fresh = now - self._cut_at >= CUT_EVERY_S + np.where(np.isfinite(near), near, 0.0)
        if not fresh.all():
            self.judged[~fresh] = self.lost[~fresh] = 0.0
        loss = self.loss()
        queued = np.zeros(len(fresh), np.bool_)
        full = queueing > CLEAN_QUEUE_S
        if full.any():
            self.full_kbit_s[full] = np.maximum(self.full_kbit_s, self.arrived_kbit_s)[full]
            queued = (queueing > FULL_QUEUE_S) & np.isfinite(self._least(self.sure))
            # What is sent more slowly than it arrives lets a queue drain already.
            self._cut_to_what_arrives(
                np.flatnonzero(queued & fresh & (self.rate_kbit_s > DRAINS * self.arrived_kbit_s)), now
            )
        excess = np.where(self.used_kbit_s > LOSS_MATTERS_KBIT_S, loss - self.forgiven, 0.0)
        self._judge(np.flatnonzero(fresh & (self.tried_loss > 0)), now)
        self._try_loss(np.flatnonzero(fresh & (excess > FULL_LOSS) & ~queued & (self.tried_loss == 0)), now)
        self._forgive_less(loss, passed)
        calm = (excess < CLEAN_LOSS) & (queueing < CLEAN_QUEUE_S) & (self.tried_loss == 0)
        careful = (excess > CAREFUL_LOSS) | (self.judged < JUDGED_FRAMES)
        # A share that is given back grows no faster than a rate does, so that what it was not tried with is tried then.
        self._climb(calm & (self.used_kbit_s > self.share * self.rate_kbit_s / 2), careful, queueing, passed)

    def _climb(self, who: Bools, careful: Bools, queueing: Floats, passed: float) -> None:
        rate, full = self.rate_kbit_s, self.full_kbit_s
        if not (who & (rate < self.cap_kbit_s)).any():
            return
        careful = careful | (rate > BELOW_FULL * full) & (rate < ABOVE_FULL * full)
        most = np.where(careful, NEAR_FULL_PER_S, np.where(rate < full, RAMP_PER_S, WIDER_PER_S))
        empty = np.clip((CLEAN_QUEUE_S - queueing) / (CLEAN_QUEUE_S - EMPTY_QUEUE_S), 0.0, 1.0)
        grows = np.where(self._ramping, RAMP_PER_S, SLOWEST_PER_S + empty * (most - SLOWEST_PER_S))
        # By the library's `pow`, as the compiled core does: NumPy's own differs in the last bit.
        factor = np.array([math.pow(per_s, passed) if per_s == per_s else 1.0 for per_s in grows.tolist()])
        np.copyto(rate, np.minimum(rate * factor, self.cap_kbit_s), where=who)

    def _cut_to_what_arrives(self, rows: Ints, now: float) -> None:
        if not len(rows):
            return
        self.full_kbit_s[rows] = self.arrived_kbit_s[rows]
        self.tried_loss[rows] = 0.0
        self._cut(rows, CUT * self.arrived_kbit_s[rows], now)

    def _try_loss(self, rows: Ints, now: float) -> None:
        """Send much less for a while."""
        if not len(rows):
            return
        loss, used = self.loss()[rows], self.used_kbit_s[rows]
        tried = rows[loss < MOST_FORGIVEN + FULL_LOSS]
        self.tried_loss[tried] = self.loss()[tried]
        self.tried_used_kbit_s[tried], self.tried_rate_kbit_s[tried] = self.used_kbit_s[tried], self.rate_kbit_s[tried]
        self._cut(rows, TRIAL_RATE * np.minimum(self.rate_kbit_s[rows], used), now)

    def _judge(self, rows: Ints, now: float) -> None:
        """End trials of which enough is known."""
        if not len(rows):
            return
        over = (self.judged[rows] >= TRIAL_FRAMES) | (now - self._cut_at[rows] > TRIAL_S)
        rows = rows[over]
        if not len(rows):
            return
        # Of so many frames as came and went meanwhile: on slow paths few, which tell more than none.
        loss, before = self.lost[rows] / np.maximum(self.judged[rows], 1.0), self.tried_loss[rows]
        # Whatever was over a full path would be gone at half the rate.
        own = loss > before / 2
        self.forgiven[rows[own]] = np.minimum(MOST_FORGIVEN, (loss + before)[own] / 2)
        self.rate_kbit_s[rows[own]] = np.minimum(self.tried_rate_kbit_s, self.cap_kbit_s)[rows[own]]
        full = rows[~own]
        self.full_kbit_s[full] = self.tried_used_kbit_s[full] * (1 - before[~own])
        again = np.minimum(CUT * self.full_kbit_s, self.cap_kbit_s)[full]
        self.rate_kbit_s[full] = np.maximum(self.rate_kbit_s[full], again)
        self.tried_loss[rows] = 0.0

    def _forgive_less(self, loss: Floats, passed: float) -> None:
        if not self.forgiven.any():
            return
        better = (loss < self.forgiven) & (self.judged >= JUDGED_FRAMES)
        self.forgiven[better] += (loss - self.forgiven)[better] * (passed / FORGIVEN_S)

    def _cut(self, rows: Ints, to_kbit_s: Floats, now: float) -> None:
        """Lower rates to about what is named, but at least a little and not too far at once."""
        rate = self.rate_kbit_s[rows]
        floor = np.minimum(FLOOR_KBIT_S, self.cap_kbit_s[rows])
        self.rate_kbit_s[rows] = np.maximum(floor, np.clip(to_kbit_s, DEEPEST_CUT * rate, CUT * rate))
        self._cut_at[rows] = now
        self._ramping[rows] = False

    @staticmethod
    def _least(window: Floats) -> Floats:
        """(rows,) least of both halves of a sliding minimum."""
        return np.asarray(np.minimum(window[:, 0], window[:, 1]), np.float64)

    @staticmethod
    def _turn(window: Floats, turned: Floats, period_s: float, now: float) -> None:
        """Begin a new half of a sliding minimum where the present one is over."""
        over = np.flatnonzero(now - turned > period_s)
        window[over, 1] = window[over, 0]
        window[over, 0] = np.inf
        turned[over] = now
