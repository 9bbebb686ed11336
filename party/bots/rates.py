"""How often each of a crowd got news of the others: of those nearest to it, and of all the rest.

Pure core: counts and places of a stretch of time in, updates a second out.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from party.bots.sightings import Places, distances

NEAREST: Final = 20


@dataclass(slots=True)
class Rates:
    """Updates a second of each pair in each window; who came among the nearest or left them meanwhile is in neither."""

    nearest_hz: list[npt.NDArray[np.float64]] = field(default_factory=list)
    others_hz: list[npt.NDArray[np.float64]] = field(default_factory=list)

    def add(self, before: Places, after: Places, counts: npt.NDArray[np.int64], seconds: float) -> None:
        """A window is over.

        Args:
            before: (n, 2) metres, places when it began.
            after: those when it ended.
            counts: (n, n) updates that each receiver got of each.
            seconds: its length.
        """
        first, last = nearest(before), nearest(after)
        others = ~first & ~last & ~np.eye(len(counts), dtype=np.bool_)
        self.nearest_hz.append(counts[first & last] / seconds)
        self.others_hz.append(counts[others] / seconds)


def nearest(places: Places) -> npt.NDArray[np.bool_]:
    """(n, n) whether a column is one of the NEAREST of its row, which is none of its own."""
    far_m = distances(places, places)
    np.fill_diagonal(far_m, np.inf)
    rank = far_m.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    return np.asarray((rank < NEAREST) & np.isfinite(far_m))


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a set of rates; None where there was nothing."""

    min: float | None
    p5: float | None
    p50: float | None

    @classmethod
    def of(cls, windows: list[npt.NDArray[np.float64]]) -> "Spread":
        """Rounded to 0.01."""
        rates = np.concatenate(windows) if windows else np.empty(0)
        if not len(rates):
            return cls(None, None, None)
        return cls(*(round(float(rate), 2) for rate in np.percentile(rates, [0, 5, 50])))
