"""An alarm that rings when it should. uvloop counts whole milliseconds, so a clock of 60 Hz would wander by more than one to either side.

On Linux the kernel's own timer is waited for (timerfd_create(2), Python 3.13); elsewhere the loop's timers serve.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    """Calls a function in the event loop, once each time that it is set."""

    def set(self, at_s: float) -> None:
        """Ring at a time of the loop's clock, at once if it is past; instead of what it was set to."""

    def cancel(self) -> None:
        """Ring no more, and free everything. A second call does nothing."""


class LoopAlarm:
    """Rings to the loop's own precision."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at_s: float) -> None:
        self.cancel()
        self._timer = self._loop.call_at(at_s, self._ring)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


if sys.platform == "linux" and sys.version_info >= (3, 13):

    class KernelAlarm:
        """Rings to a fraction of a millisecond, where the loop's clock is CLOCK_MONOTONIC, as asyncio's and uvloop's are."""

        def __init__(self, ring: Callable[[], None]) -> None:
            self._ring = ring
            self._loop = asyncio.get_running_loop()
            self._timer: int | None = os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)
            self._loop.add_reader(self._timer, self._on_time)

        def set(self, at_s: float) -> None:
            if self._timer is not None:
                os.timerfd_settime_ns(self._timer, flags=os.TFD_TIMER_ABSTIME, initial=max(1, int(at_s * 1e9)))

        def cancel(self) -> None:
            if self._timer is not None:
                self._loop.remove_reader(self._timer)
                os.close(self._timer)
                self._timer = None

        def _on_time(self) -> None:
            if self._timer is None:
                return
            with contextlib.suppress(BlockingIOError):  # set anew since it was due
                os.read(self._timer, 8)
                self._ring()

    def alarm(ring: Callable[[], None]) -> Alarm:
        """The most precise alarm that there is here, in the running event loop."""
        try:
            return KernelAlarm(ring)
        except OSError:  # a kernel or a sandbox without such timers
            return LoopAlarm(ring)

else:

    def alarm(ring: Callable[[], None]) -> Alarm:
        """The most precise alarm that there is here, in the running event loop."""
        return LoopAlarm(ring)
