"""What the relay says of ticks that it left out, in its metrics.

Pure core: the text of `/metrics` in, counts out.
"""

import math
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

TOTAL = "soiree_late_ticks_total"
STREAKS = "soiree_late_streak_ticks_bucket"


@dataclass(frozen=True, slots=True)
class LateTicks:
    """Counters as they stood at one moment."""

    total: int
    """Ticks left out."""
    streaks: dict[float, int] = field(default_factory=dict)
    """Length in ticks → how many rows of ticks left out were at most so long."""

    @classmethod
    def read(cls, text: str) -> "LateTicks | None":
        """From the exposition; None if the relay does not say. Raises ValueError when it is none."""
        total, streaks = None, {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == TOTAL:
                    total = int(sample.value)
                elif sample.name == STREAKS:
                    streaks[float(sample.labels["le"])] = int(sample.value)
        return None if total is None else cls(total, streaks)

    def longest_since(self, before: "LateTicks") -> int | None:
        """At most how many ticks in a row were left out since, to the next length that is told apart; None if not known."""
        new = {length: count - before.streaks.get(length, 0) for length, count in self.streaks.items()}
        if not new:
            return None
        rows = new[math.inf]
        if not rows:
            return 0
        longest = min(length for length, count in new.items() if count == rows)
        return int(longest) if math.isfinite(longest) else int(max(filter(math.isfinite, new), default=0)) + 1
