"""Pure core: one direction of a simulated link: what it loses, how late the rest arrives, and the queue before its bottleneck."""

import math
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of one direction; the best of all links by default."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    """Each packet takes up to so much longer, so that packets overtake each other."""
    loss: float = 0.0
    """Share of packets that get lost at random."""
    burst_s: float = 0.0
    """Mean length of the times in which everything gets lost; with 0 each packet is lost or not for itself."""
    kbit_s: float = math.inf
    """Of the bottleneck, everything in a packet counted."""
    queue_s: float = 0.2
    """Packets that would have to wait longer for the bottleneck are dropped."""

    def __post_init__(self) -> None:
        if not (
            0 <= self.loss < 1 and min(self.delay_s, self.jitter_s, self.burst_s, self.queue_s) >= 0 and self.kbit_s > 0
        ):
            raise ValueError(f"no such link: {self}")


class Link:
    """Carries packets under conditions that may be changed at any time.

    Attributes:
        conditions: what holds for packets from now on; those that wait for the bottleneck leave at the former rate.
        lost, overflowed: packets lost at random, and dropped since the queue was full.
        carried_bytes: of all that went through the bottleneck, whether it was lost behind it or not.
        waits: (when, how long it waited for the bottleneck) of each packet, in seconds.
    """

    def __init__(self, conditions: Conditions, random: Random) -> None:
        self.conditions = conditions
        self.lost = self.overflowed = self.carried_bytes = 0
        self.waits: list[tuple[float, float]] = []
        self._random = random
        self._free_at = -math.inf
        self._losing = False
        self._turns_at = -math.inf

    def forget(self) -> None:
        """Count anew."""
        self.lost = self.overflowed = self.carried_bytes = 0
        self.waits.clear()

    def carry(self, size: int, now: float) -> float | None:
        """When a packet of `size` bytes that is sent now arrives; None if it never does. Calls are in order of `now`."""
        to = self.conditions
        wait = max(0.0, self._free_at - now)
        if wait > to.queue_s:
            self.overflowed += 1
            return None
        self.waits.append((now, wait))
        self._free_at = now + wait + size / (125 * to.kbit_s)
        self.carried_bytes += size
        if self._loses(now):
            self.lost += 1
            return None
        return self._free_at + to.delay_s + self._random.random() * to.jitter_s

    def _loses(self, now: float) -> bool:
        loss, burst_s = self.conditions.loss, self.conditions.burst_s
        if not loss or not burst_s:
            return self._random.random() < loss
        # Two states (Gilbert), of exponentially distributed lengths.
        if self._turns_at == -math.inf:
            self._turns_at = now
        while self._turns_at <= now:
            self._losing = not self._losing
            self._turns_at += self._random.expovariate(1 / (burst_s if self._losing else burst_s * (1 - loss) / loss))
        return self._losing
