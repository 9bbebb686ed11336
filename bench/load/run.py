"""One run of the load: everybody comes in, walks, is measured for a while, and goes."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.errors import LoadError
from bench.load.crowd import Crowd
from bench.load.report import LoadReport
from bench.tally import Heard, Tally
from bench.usage import Usage, loopback_bytes, usage_of

ENTER_TIMEOUT_S = 120.0
"""For all to come in."""
SETTLE_TIMEOUT_S = 60.0
"""For all to be told of all."""
IDLE_EVERY = 4
"""Updates of which one is said until all are there: a full room leaves a server less time to let others in."""
AT_ONCE = 8
"""Clients that come in at a time."""
DRAIN_S = 1.0
"""After it was measured: what was sent still arrives."""
TIMER_S = 0.001
"""uvloop's timers are no finer; asked for less, they come too early, and again, and again."""
READ_AT_ONCE = 2000
"""Payloads that are read in one go."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """Counters at one moment."""

    at_s: float
    server: Usage
    load_cpu_s: float
    loopback_bytes: int

    @classmethod
    def take(cls, server_pid: int) -> "_Sample":
        return cls(time.monotonic(), usage_of(server_pid), time.process_time(), loopback_bytes())


class Walk:
    """Has each client say its walker's updates, `hz` a second, one after the other; turns late by more than a period are left out."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self._turn = 0
        self._spacing_s = 1 / (crowd.hz * crowd.clients)
        self.failed: asyncio.Future[None] = self._loop.create_future()
        self.said: list[tuple[int, int, float]] = []
        """(client, update, monotonic s), while `noting`."""
        self.noting = False
        self.every = IDLE_EVERY
        """Each client says every so many of its updates."""
        self._timer = self._loop.call_soon(self._go)

    @property
    def update(self) -> int:
        """The update whose turn it is now."""
        return self._turn // self._crowd.clients

    def _go(self) -> None:
        clients, now = self._crowd.clients, self._loop.time()
        due = int((now - self._begun_s) / self._spacing_s)
        self._turn = max(self._turn, due - clients)
        try:
            if self._crowd.failed is not None:
                raise self._crowd.failed
            while self._turn <= due:
                update, client = divmod(self._turn, clients)
                at_s = time.monotonic()
                if update % self.every == 0 and self._crowd.speak(client, update) and self.noting:
                    self.said.append((client, update, at_s))
                self._turn += 1
        except (LoadError, OSError) as error:
            self.failed.set_exception(error)
            return
        due_s = self._begun_s + self._turn * self._spacing_s
        self._timer = self._loop.call_later(max(TIMER_S, due_s - self._loop.time()), self._go)

    async def go_on(self, seconds: float) -> None:
        """Walk for so long. Raises LoadError when a client cannot any more."""
        await asyncio.wait([self.failed], timeout=seconds)
        if self.failed.done():
            self.failed.result()

    def stop(self) -> None:
        """Stand still."""
        self._timer.cancel()
        if not self.failed.done():
            self.failed.cancel()


async def _enter(crowd: Crowd, say: Callable[[str], None]) -> None:
    """All come in, a few at a time."""
    waiting, entered = iter(range(crowd.clients)), 0

    async def usher() -> None:
        nonlocal entered
        for client in waiting:
            await crowd.enter(client)
            entered += 1
            if entered % 10 == 0 or entered == crowd.clients:
                say(f"{entered} of {crowd.clients} came in")

    try:
        async with asyncio.timeout(ENTER_TIMEOUT_S), asyncio.TaskGroup() as ushers:
            for _ in range(AT_ONCE):
                ushers.create_task(usher())
    except TimeoutError:
        raise LoadError(f"{entered} of {crowd.clients} came in within {ENTER_TIMEOUT_S:.0f} s") from None
    except ExceptionGroup as errors:
        raise LoadError(f"{entered} of {crowd.clients} came in: {errors.exceptions[0]}") from errors


async def _settle(crowd: Crowd, walk: Walk) -> None:
    until = time.monotonic() + SETTLE_TIMEOUT_S
    while not crowd.settled():
        if time.monotonic() > until:
            raise LoadError(f"not everybody was told of everybody within {SETTLE_TIMEOUT_S:.0f} s")
        await walk.go_on(0.1)


async def run(
    crowd: Crowd, url: str, server_pid: int, warm_up_s: float, seconds: float, say: Callable[[str], None]
) -> LoadReport:
    """Do it: come in, walk for `warm_up_s`, be measured for `seconds`.

    Raises:
        LoadError: somebody could not come in, or was lost.
    """
    await crowd.open(url)
    walk = Walk(crowd)
    try:
        say("coming in")
        await _enter(crowd, say)
        say("waiting until all know of all")
        await _settle(crowd, walk)
        say("warming up")
        walk.every = 1
        await walk.go_on(warm_up_s)
        say(f"measuring for {seconds:g} s")
        crowd.arrivals.keeping = crowd.arrivals.counting = walk.noting = True
        first, before = walk.update + 1, _Sample.take(server_pid)
        await walk.go_on(seconds)
        last, after = walk.update - 1, _Sample.take(server_pid)
        crowd.arrivals.counting = walk.noting = False
        await walk.go_on(DRAIN_S)
        crowd.arrivals.keeping = False
    finally:
        walk.stop()
        await crowd.aclose()
    say("reading what came")
    return _report(crowd, _tally(crowd, walk, first, last), before, after)


def _tally(crowd: Crowd, walk: Walk, first: int, last: int) -> Tally:
    tally = Tally(crowd.clients, first, last)
    for client, update, at_s in walk.said:
        tally.sent(client, update, at_s)
    for payloads, listeners, times in crowd.arrivals.batches(READ_AT_ONCE):
        counts, walkers, updates = crowd.read(payloads)
        tally.hear(Heard(np.repeat(listeners, counts), walkers, updates, np.repeat(times, counts)))
    return tally


def _report(crowd: Crowd, tally: Tally, before: _Sample, after: _Sample) -> LoadReport:
    counts = tally.counts()
    return LoadReport(
        seconds=after.at_s - before.at_s,
        expected=counts.expected,
        delivered=counts.delivered,
        repeated=counts.repeated,
        p50_ms=counts.percentile_ms(50),
        p99_ms=counts.percentile_ms(99),
        payload_bytes=crowd.arrivals.payload_bytes,
        payloads=crowd.arrivals.payloads,
        loopback_bytes=after.loopback_bytes - before.loopback_bytes,
        server_cpu_s=after.server.cpu_s - before.server.cpu_s,
        load_cpu_s=after.load_cpu_s - before.load_cpu_s,
        server_rss_bytes=after.server.rss_bytes,
    )
