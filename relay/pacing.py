"""Pure core: how often clients are served, following how busy the relay and its machine are.

The world's clock runs at 60 Hz. A client is served on every n-th tick: every 1st while there is CPU, up to every 6th in overload. Where
even that is too much, each client gets only a share of what its budget allows, the nearest first. So overload slows sending and never
grows a queue.
"""

from soiree.wire.state import TICK_HZ

FASTEST = 1
SLOWEST = 6
BUSY_SHARE = 0.85
"""Share of a core above which clients are served less often, if it lasts: by so much twice in a row."""
FULL_SHARE = 0.95
"""Above this they are at once: there is no room to wait in."""
ROOMY_SHARE = 0.8
"""They are served more often at once where that takes no more than this, though all that is used grew with it."""
TRY_SHARE = 1.25
"""Where it would take up to this if all grew with it, it is tried, since most does not; not before CALM_S have passed since it was busy."""
CALM_S = 4.0
LONGEST_CALM_S = 64.0
"""Each try that failed within CALM_S doubles the time to the next, up to this."""
LATE_SHARE = 0.05
"""Share of ticks left out above which clients are served less often, whatever the CPU share says: others may be using the core. At a time
half as many as from one serve to the next do not count: to serve many takes longer than a tick, and the next serve is still in time."""
CALM_SHARE = 0.02
"""Share of ticks left out below which they may be served more often."""
LEAST_SHARE = 0.3
"""By then most of the cost is that of messages, however little is in them."""
LESS, MORE = 0.85, 1.4
"""What the share is multiplied with while there is too much, and at most, as far as there is room, later: a rate grows no faster."""
INTERVAL_S = 0.5
"""How long the share is measured before a decision."""


class Pacing:
    """Decides `serve_every` from CPU time.

    Attributes:
        serve_every: clients are served on every n-th tick, 1…6.
        budget_share: of their budgets, what clients may be sent, LEAST_SHARE…1.
        cpu_share: share of one core used over the last interval, all threads.
        due_at: when it decides next.
    """

    def __init__(self, now: float, cpu_s: float, fastest: int = FASTEST) -> None:
        """Args: the clock and the process's CPU time (s), and the least that `serve_every` may be."""
        self.serve_every = fastest
        self.budget_share = 1.0
        self._fastest = fastest
        self.cpu_share = 0.0
        self._since = now
        self._cpu_s = cpu_s
        self._late = 0
        self.due_at = now + INTERVAL_S
        self._calm_s = CALM_S
        self._busy_at = self._faster_at = now - CALM_S
        self._was_busy = False

    def measure(self, now: float, cpu_s: float, late: int = 0) -> None:
        """Note the clock, the process's CPU time (s, all threads) and how many ticks were left out; decides once per INTERVAL_S."""
        self._late += max(0, late - self.serve_every // 2)
        if now < self.due_at:
            return
        elapsed = now - self._since
        self.cpu_share = max(0.0, cpu_s - self._cpu_s) / elapsed
        late_share = self._late / (elapsed * TICK_HZ)
        self._since, self._cpu_s, self._late, self.due_at = now, cpu_s, 0, now + INTERVAL_S
        was_busy, self._was_busy = self._was_busy, self.cpu_share > BUSY_SHARE
        if self.cpu_share > (BUSY_SHARE if was_busy else FULL_SHARE) or late_share > LATE_SHARE:
            self._note_busy(now)
            if self.serve_every < SLOWEST:
                self.serve_every += 1
            else:
                self.budget_share = max(LEAST_SHARE, LESS * self.budget_share)
        elif self.budget_share < 1:
            if late_share < CALM_SHARE and self.cpu_share < ROOMY_SHARE:
                self.budget_share = min(1.0, self.budget_share * min(MORE, BUSY_SHARE / max(self.cpu_share, 0.01)))
        elif late_share < CALM_SHARE and self._may_be_faster(now):
            self._faster_at = now
            self.serve_every -= 1

    def _note_busy(self, now: float) -> None:
        if now - self._faster_at < CALM_S:
            self._calm_s = min(2 * self._calm_s, LONGEST_CALM_S)
        elif now - self._busy_at > self._calm_s:
            self._calm_s = CALM_S
        self._busy_at, self._was_busy = now, False
        self._faster_at = now - CALM_S

    def _may_be_faster(self, now: float) -> bool:
        if self.serve_every == self._fastest:
            return False
        at_most = self.cpu_share * self.serve_every / (self.serve_every - 1)
        return at_most < (TRY_SHARE if now - self._busy_at >= self._calm_s else ROOMY_SHARE)
