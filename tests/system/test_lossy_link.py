"""Real transports on a shaped link: the server sits behind it, two peers before it, so that all they say and hear crosses it."""

import asyncio
import math
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import quantiles

import pytest

import soiree
from bench.simulated_link import Conditions
from soiree import rtc
from tests.system.party_process import party
from tests.system.shaper import Shaped, shaped
from tests.system.ways import choice, engine, same_entity, server_engine, until

DELAY_S = 0.025
JITTER_S = 0.005
EVENTS = 40
THINGS = 20
MOVES = 6
STEP_S = 0.4
SEEN_WITHIN_S = 5.0
NARROW_KBIT_S = 256.0
FOUND_S = 3.0
"""By then the rate has followed the link."""
MEASURED_S = 5.0
NOW = struct.Struct("<d")


@asynccontextmanager
async def pair(link: Shaped, way: str, folder: Path) -> AsyncIterator[list[soiree.Room]]:
    """Two peers in a room of a server behind the link, which is still perfect."""
    with party(server_engine(way), folder, "--host", link.inside, before=link.prefix) as server:
        code = server.room()
        joins = [
            soiree.join(server.url, room=code, transport=choice(way), engine=engine(way), bind_address=link.outside)
            for _ in range(2)
        ]
        async with joins[0] as first, joins[1] as second:
            await until(lambda: len(first.peers) == len(second.peers) == 2, what="both know of both")
            yield [first, second]
        assert server.complaints() == []


async def _say_all(speaker: soiree.Room, hearer: soiree.Room) -> float:
    """Numbered events from one to the other, each heard once and in order; the longest that one took, seconds."""
    changes, worst_s = hearer.changes(state=False), 0.0

    async def say() -> None:
        said = []
        for number in range(EVENTS):
            said.append(
                asyncio.ensure_future(speaker.send_event("count", [number, time.monotonic()], to=hearer.peer_id))
            )
            await asyncio.sleep(0.02)
        await asyncio.gather(*said)

    saying, numbers = asyncio.create_task(say()), count()
    async with asyncio.timeout(20):
        async for told in changes:
            if isinstance(told, soiree.Event) and told.name == "count":
                number, then = told.payload
                assert number == next(numbers), "once and in order"
                worst_s = max(worst_s, time.monotonic() - then)
                if number == EVENTS - 1:
                    break
        await saying
    return worst_s


class RestWatch:
    """How long each of a peer's things takes until another peer sees where it came to rest."""

    def __init__(self, watcher: soiree.Room) -> None:
        self.took_s: list[float] = []
        self._watcher = watcher
        self._waiting: dict[int, tuple[float, object]] = {}
        watcher.on_frame = self._on_frame

    def expect(self, thing: soiree.Entity) -> None:
        """The thing rests from now on."""
        self._waiting[thing.id] = time.monotonic(), thing.account()

    async def all_seen(self) -> None:
        await until(lambda: not self._waiting, SEEN_WITHIN_S, "all see where all came to rest", poll_s=0.005)

    def _on_frame(self, frame: soiree.Frame) -> None:
        for entity in frame.moved:
            since, account = self._waiting.get(entity.id, (0.0, None))
            if entity.account() == account:
                del self._waiting[entity.id]
                self.took_s.append(time.monotonic() - since)


async def _move_and_rest(mover: soiree.Room, watcher: soiree.Room) -> list[float]:
    """Seconds from rest to correct, of each thing and move."""
    things = [await mover.spawn("thing", (float(number), 0.0, 0.0), rule="deny") for number in range(THINGS)]
    for thing in things:
        await same_entity(watcher, thing.id)
    watch = RestWatch(watcher)
    for move in range(1, MOVES + 1):
        for number, thing in enumerate(things):
            thing.set((float(number), 0.0, move / 4))
            watch.expect(thing)
            await asyncio.sleep(STEP_S / THINGS)
        await watch.all_seen()
    assert len(watch.took_s) == MOVES * THINGS
    return watch.took_s


@pytest.mark.parametrize("way", rtc.available())
async def test_on_a_lossy_link_no_control_is_lost_and_states_converge(way: str, tmp_path: Path) -> None:
    async with shaped() as link, pair(link, way, tmp_path) as (mover, watcher):
        for loss, p95_s in ((0.05, 0.6), (0.2, 1.5)):
            lossy = Conditions(DELAY_S, JITTER_S, loss)
            await link.shape(lossy, lossy)
            worst_s, took_s = await asyncio.gather(_say_all(watcher, mover), _move_and_rest(mover, watcher))
            hundredths = quantiles(took_s, n=100)
            print(
                f"{way}, {loss:.0%} loss: rest to correct p50 {hundredths[49] * 1000:.0f} ms, p95 {hundredths[94] * 1000:.0f} ms, "
                f"max {max(took_s) * 1000:.0f} ms; slowest event {worst_s * 1000:.0f} ms"
            )
            assert hundredths[49] > DELAY_S * 2, "everything crosses the link twice"
            assert hundredths[94] < p95_s
        assert mover.closed is watcher.closed is None
        assert mover.stats().connections == watcher.stats().connections == 1


async def test_on_a_narrow_link_queueing_stays_bounded(tmp_path: Path) -> None:
    """A watcher hears of a busy scene over 256 kbit/s: what it hears stays young."""
    way = rtc.available()[0]
    async with shaped() as link, pair(link, way, tmp_path) as (mover, watcher):
        await _watch_a_busy_scene(link, mover, watcher)


async def _watch_a_busy_scene(link: Shaped, mover: soiree.Room, watcher: soiree.Room) -> None:
    things = [await mover.spawn("thing", (n % 10 * 2.0, 0.0, n // 10 * 2.0), rule="deny") for n in range(150)]
    await same_entity(watcher, things[-1].id)
    ages_s: list[tuple[float, float]] = []

    def on_frame(frame: soiree.Frame) -> None:
        now = time.monotonic()
        ages_s.extend((now, now - NOW.unpack(props)[0]) for _, props in frame.props)

    def move(now: float) -> None:
        for number, thing in enumerate(things):
            x, z = number % 10 * 2.0, number // 10 * 2.0
            thing.set((x, 1.0, z + math.sin(now)), velocity=(0.0, 0.0, math.cos(now)))
        things[0].set_props(NOW.pack(time.monotonic()))

    watcher.on_frame = on_frame
    await link.shape(Conditions(DELAY_S), Conditions(DELAY_S, kbit_s=NARROW_KBIT_S))
    mover.before_frame = move
    began = time.monotonic()
    await asyncio.sleep(FOUND_S + MEASURED_S)
    late = sorted(age for at, age in ages_s if at > began + FOUND_S)
    p50, p95 = (late[len(late) * p // 100] for p in (50, 95))
    print(f"narrow link: {len(late)} times heard, age p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert len(late) > 2 * MEASURED_S
    assert p50 > DELAY_S * 2
    assert p95 < 0.5
