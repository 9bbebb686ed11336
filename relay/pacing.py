"""Pure core: how often clients are served, following how busy the relay and its machine are.

The world's clock runs at 60 Hz. A client is served on every n-th tick: every 1st while there is CPU, up to every 6th in overload, so that
overload slows sending and never grows a queue (DESIGN of the budget: docs/ARCHITECTURE.md).
"""

from soiree.wire.state import TICK_HZ

FASTEST = 1
SLOWEST = 6
BUSY_SHARE = 0.8
"""Share of a core above which clients are served less often."""
IDLE_SHARE = 0.5
"""Share of a core below which they are served more often; far enough below BUSY_SHARE that one step does not swing back."""
LATE_SHARE = 0.05
"""Share of ticks left out above which clients are served less often, whatever the CPU share says: others may be using the core."""
CALM_SHARE = 0.02
"""Share of ticks left out below which they may be served more often."""
INTERVAL_S = 0.5
"""How long the share is measured before a decision."""


class Pacing:
    """Decides `serve_every` from CPU time.

    Attributes:
        serve_every: clients are served on every n-th tick, 1…6.
        cpu_share: share of one core used over the last interval, all threads.
    """

    def __init__(self, now: float, cpu_s: float, fastest: int = FASTEST) -> None:
        """Args: the clock and the process's CPU time (s), and the least that `serve_every` may be."""
        self.serve_every = fastest
        self._fastest = fastest
        self.cpu_share = 0.0
        self._since = now
        self._cpu_s = cpu_s
        self._late = 0

    def measure(self, now: float, cpu_s: float, late: int = 0) -> None:
        """Note the clock, the process's CPU time (s, all threads) and how many ticks were left out; decides once per INTERVAL_S."""
        self._late += late
        elapsed = now - self._since
        if elapsed < INTERVAL_S:
            return
        self.cpu_share = max(0.0, cpu_s - self._cpu_s) / elapsed
        late_share = self._late / (elapsed * TICK_HZ)
        self._since, self._cpu_s, self._late = now, cpu_s, 0
        if self.cpu_share > BUSY_SHARE or late_share > LATE_SHARE:
            self.serve_every = min(SLOWEST, self.serve_every + 1)
        elif self.cpu_share < IDLE_SHARE and late_share < CALM_SHARE:
            self.serve_every = max(self._fastest, self.serve_every - 1)
