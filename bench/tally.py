"""Pure core: which updates reached whom, and how late."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.walkers import UPDATES, Ints

Floats = npt.NDArray[np.float64]
NEVER: Final = np.nan


@dataclass(frozen=True, slots=True)
class Heard:
    """Updates as they arrived; parallel arrays of shape (n,)."""

    listener: Ints
    """Who heard it: a walker's number."""
    walker: Ints
    """Of whom it tells."""
    update: Ints
    """Which of its updates, modulo UPDATES."""
    at_s: Floats
    """When it came (monotonic s)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What came of the updates of a window."""

    expected: int
    """Each update once to each other walker."""
    delivered: int
    """Of these, those that came."""
    repeated: int
    """Arrivals of what had come before."""
    latencies_s: Floats
    """From sending to arriving, shape (delivered,)."""

    def percentile_ms(self, share: float) -> float | None:
        """Latency that `share` per cent do not exceed; None when nothing was delivered."""
        return float(np.percentile(self.latencies_s, share)) * 1e3 if self.delivered else None


class Tally:
    """Counts arrivals of the updates `first` to `last` of each walker.

    Raises:
        ValueError: the window is longer than directions can tell apart.
    """

    def __init__(self, walkers: int, first: int, last: int) -> None:
        if not 0 <= last - first < UPDATES:
            raise ValueError(f"a window holds at most {UPDATES} updates")
        self._walkers, self._first, self._span = walkers, first, last - first + 1
        self._sent_s = np.full((walkers, self._span), NEVER)
        self._heard = np.zeros((walkers, walkers, self._span), np.bool_)
        self._latencies_s: list[Floats] = []
        self._repeated = 0

    def sent(self, walker: int, update: int, at_s: float) -> None:
        """A walker sent an update; those outside of the window are not counted."""
        if 0 <= (at := update - self._first) < self._span:
            self._sent_s[walker, at] = at_s

    def hear(self, heard: Heard) -> None:
        """Take arrivals; of what repeats the first one counts, and one's own updates do not."""
        place = (heard.update - self._first) % UPDATES
        known = (
            (heard.walker >= 0)
            & (heard.walker < self._walkers)
            & (place < self._span)
            & (heard.walker != heard.listener)
        )
        listener, walker, place, at_s = heard.listener[known], heard.walker[known], place[known], heard.at_s[known]
        late = at_s - self._sent_s[walker, place]
        real = late >= 0  # not one that has this direction from a turn before, nor one that was never sent
        key = np.ravel_multi_index((listener[real], walker[real], place[real]), self._heard.shape)
        fresh, first = np.unique(key, return_index=True)
        flat = self._heard.reshape(-1)
        new = ~flat[fresh]
        flat[fresh[new]] = True
        self._latencies_s.append(late[real][first[new]])
        self._repeated += len(key) - int(new.sum())

    def counts(self) -> Counts:
        """The sum so far."""
        latencies_s = np.concatenate([np.empty(0), *self._latencies_s])
        expected = int(np.isfinite(self._sent_s).sum()) * (self._walkers - 1)
        return Counts(expected, len(latencies_s), self._repeated, latencies_s)
