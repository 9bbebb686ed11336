"""What one bot counts while it plays.

Pure core: things happen with `now_ns`, counters come out.
"""

from array import array
from collections import Counter
from dataclasses import dataclass, field

NS_PER_US = 1000
MAX_LATENCIES = 4_000_000
"""Samples that one bot keeps, 16 MB; later ones are not counted."""


@dataclass(slots=True)
class Tally:
    """One bot's counters; latencies and events only while `measuring`."""

    measuring: bool = False
    join_ms: float = 0.0
    updates_sent: int = 0
    """Samples of one's avatar and of what one carries."""
    updates_received: int = 0
    """Transforms of others that came in."""
    events_sent: int = 0
    events_lost: int = 0
    """Numbers that a sender's row of events skipped, told twice, or never came to."""
    grants: int = 0
    rides: int = 0
    """Cabins of others that it got into."""
    refusals: Counter[str] = field(default_factory=Counter)
    latencies_us: "array[int]" = field(default_factory=lambda: array("I"))
    _newest_stamp: dict[int, int] = field(default_factory=dict)
    """Entity to the newest stamp seen of it: a record sent again is no second update."""
    _next_event: dict[int, int] = field(default_factory=dict)

    def hear_stamp(self, entity: int, stamp_ns: int, now_ns: int) -> None:
        """A record came that was written at `stamp_ns` on this machine's monotonic clock."""
        if stamp_ns <= self._newest_stamp.get(entity, 0):
            return
        self._newest_stamp[entity] = stamp_ns
        if self.measuring and len(self.latencies_us) < MAX_LATENCIES:
            self.latencies_us.append(min(0xFFFFFFFF, max(0, (now_ns - stamp_ns) // NS_PER_US)))

    def hear_event(self, peer: int, number: int) -> None:
        """A peer's event came, the first of which is number 1."""
        expected = self._next_event.get(peer, 1)
        if number == expected:
            self._next_event[peer] = expected + 1
            return
        self.events_lost += abs(number - expected)
        self._next_event[peer] = max(expected, number + 1)

    def missing(self, sent: dict[int, int]) -> int:
        """Events that never came, of those that each peer sent."""
        return sum(max(0, count + 1 - self._next_event.get(peer, 1)) for peer, count in sent.items())
