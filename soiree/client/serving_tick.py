"""When a client serves: at multiples of its period on the event loop's clock."""

import asyncio
from collections.abc import Callable

DEFAULT_SEND_HZ = 20.0
MAX_SEND_HZ = 60.0


class ServingTick:
    """One timer, armed anew before each call of `serve(now, late_s, second)`.

    `late_s` is how much too late it comes, and `second` whether it is the first of a second.
    """

    def __init__(self, serve: Callable[[float, float, bool], None]) -> None:
        self._serve = serve
        self._loop = asyncio.get_running_loop()
        self._period_s = 1 / DEFAULT_SEND_HZ
        self._phase_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def set_rate(self, hz: float, phase_s: float) -> None:
        """Serve `hz` times a second, at multiples of the period plus `phase_s`. Raises ValueError."""
        if not 1.0 <= hz <= MAX_SEND_HZ:
            raise ValueError(f"a rate of {hz} Hz, 1 to {MAX_SEND_HZ:g}")
        self._period_s, self._phase_s = 1 / hz, phase_s
        self.start()

    def start(self, after: float | None = None) -> None:
        """Set the timer for the first multiple of the period past `after` (timers may fire a little early) and past now."""
        if self._timer is not None:
            self._timer.cancel()
        if self._stopped:
            return
        period_s = self._period_s
        past = self._loop.time() if after is None else max(self._loop.time(), after + period_s / 2)
        due = ((past - self._phase_s) // period_s + 1) * period_s + self._phase_s
        self._timer = self._loop.call_at(due, self._fire, due)

    def stop(self) -> None:
        """No more calls, ever."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _fire(self, due: float) -> None:
        self.start(due)
        now = self._loop.time()
        self._serve(now, now - due, int(due) != int(due - self._period_s))
