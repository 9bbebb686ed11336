"""How late drivers see each other, told from where all of them truly are.

Pure core: places and what each knows in, seconds out. An *approach* begins when a thing comes within the radius (less a margin, since the
relay knows places a little later) of an eye that it was out of reach of. It ends when the eye has been told of the thing and sees it where
it was at most FRESH_S ago. One that goes out of reach again before that counts with the time it was within.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.float64]
"""(n, 2) x and z in metres; NaN for who has none."""

RADIUS_M: Final = 160.0
"""How far one sees by default (docs/PROTOCOL.md)."""
LINGER_M: Final = 64.0
"""What was in sight stays so up to this much farther away."""
MARGIN_M: Final = 10.0
"""Nobody is held to what happens so close to the edge."""
FRESH_S: Final = 0.5
SLACK_M: Final = 1.0
"""Fresh is a place not farther from the true one than FRESH_S at the thing's speed and this."""


def is_fresh(behind_m: float, speed_m_s: float) -> bool:
    """Whether a thing of this speed, seen so far from where it is, is seen where it was at most FRESH_S ago."""
    return behind_m <= FRESH_S * speed_m_s + SLACK_M


class Sightings:
    """All pairs of an eye and a thing; both are numbered alike, and nobody approaches what is his own.

    Attributes:
        late_s: how late each approach was seen.
        never: approaches that went out of reach again unseen; their times are among `late_s`.
    """

    def __init__(self, count: int) -> None:
        self.late_s: list[float] = []
        self.never = 0
        self._near: npt.NDArray[np.bool_] | None = None  # (eyes, things)
        self._own = np.eye(count, dtype=np.bool_)
        self._waiting: dict[tuple[int, int], float] = {}

    def observe(self, now_s: float, eyes: Places, things: Places, sees: Callable[[int, int], bool]) -> None:
        """Look once; `sees(eye, thing)` is asked only of those approached. What is near at first was not approached."""
        far_m = distances(eyes, things)
        within = (far_m <= RADIUS_M - MARGIN_M) & ~self._own
        out = ~(far_m <= RADIUS_M)
        if self._near is None:
            self._near = within
            return
        for eye, thing in np.argwhere(within & ~self._near).tolist():
            self._waiting.setdefault((eye, thing), now_s)
        self._near = (self._near | within) & ~out
        for pair, since_s in list(self._waiting.items()):
            unseen = not sees(*pair)
            if unseen and not out[pair]:
                continue
            self.never += unseen
            self.late_s.append(now_s - since_s)
            del self._waiting[pair]

    def awaits(self, eye: int, thing: int) -> bool:
        """Whether the eye has approached the thing, and not seen it yet."""
        return (eye, thing) in self._waiting

    def end(self, now_s: float) -> None:
        """Nothing more is observed: what is still unseen counts with the time so far if that is long, and not at all otherwise."""
        overdue = [now_s - since_s for since_s in self._waiting.values() if now_s - since_s > FRESH_S]
        self.late_s += overdue
        self.never += len(overdue)
        self._waiting.clear()


def distances(eyes: Places, things: Places) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """(eyes, things) metres; NaN where either is nowhere."""
    apart = eyes[:, None, :] - things[None, :, :]
    return np.asarray(np.hypot(apart[..., 0], apart[..., 1]), dtype=np.float64)
