"""Alarms ring once for each time that they are set, no sooner than they should, and not at all when they were cancelled."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
import uvloop

from relay import alarm
from relay.alarm import Alarm

KINDS = ["LoopAlarm", "KernelAlarm"] if hasattr(alarm, "KernelAlarm") else ["LoopAlarm"]


class Rung:
    """When it rang."""

    def __init__(self, make: Callable[[Callable[[], None]], Alarm]) -> None:
        self.loop = asyncio.get_running_loop()
        self.at: list[float] = []
        self.alarm = make(lambda: self.at.append(self.loop.time()))


@pytest_asyncio.fixture(params=KINDS)
async def rung(request: pytest.FixtureRequest) -> AsyncIterator[Rung]:
    rung = Rung(getattr(alarm, request.param))
    yield rung
    rung.alarm.cancel()


async def test_it_rings_once_when_it_is_time(rung: Rung) -> None:
    due = rung.loop.time() + 0.05
    rung.alarm.set(due)
    await asyncio.sleep(0.03)
    assert rung.at == []
    await asyncio.sleep(0.1)
    assert len(rung.at) == 1
    assert rung.at[0] >= due - 0.002


async def test_what_is_past_rings_at_once(rung: Rung) -> None:
    rung.alarm.set(rung.loop.time() - 5.0)
    await asyncio.sleep(0.05)
    rung.alarm.set(-1.0)
    await asyncio.sleep(0.05)
    assert len(rung.at) == 2


async def test_set_anew_it_rings_at_the_new_time_alone(rung: Rung) -> None:
    rung.alarm.set(rung.loop.time() + 0.02)
    rung.alarm.set(rung.loop.time() + 0.1)
    await asyncio.sleep(0.06)
    assert rung.at == []
    await asyncio.sleep(0.1)
    assert len(rung.at) == 1


async def test_cancelled_it_is_silent(rung: Rung) -> None:
    rung.alarm.set(rung.loop.time() + 0.01)
    rung.alarm.cancel()
    rung.alarm.cancel()
    await asyncio.sleep(0.05)
    assert rung.at == []


@pytest.mark.skipif(len(KINDS) == 1, reason="needs timers of Linux, and Python 3.13")
def test_a_kernel_without_such_timers_does_with_the_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(38, "Function not implemented")

    async def make() -> Alarm:
        made = alarm.alarm(lambda: None)
        made.cancel()
        return made

    assert type(asyncio.run(make())).__name__ == "KernelAlarm"
    monkeypatch.setattr("os.timerfd_create", refuse)
    assert type(asyncio.run(make())).__name__ == "LoopAlarm"


@pytest.mark.skipif(sys.platform == "win32", reason="no uvloop there")
def test_it_rings_in_uvloop_too() -> None:
    async def ring() -> float:
        loop = asyncio.get_running_loop()
        rang = loop.create_future()
        made = alarm.alarm(lambda: rang.set_result(loop.time()))
        due = loop.time() + 0.05
        made.set(due)
        try:
            return float(await rang) - due
        finally:
            made.cancel()

    assert -0.002 < uvloop.run(ring()) < 1.0
