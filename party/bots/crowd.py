"""A crowd of bots in one room: brings them in, lets them play, has them stop, compares what they see, and reports."""

import asyncio
import contextlib
import gc
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from aiohttp import ClientSession

import soiree
from party.bots import report as rp
from party.bots.agreement import Difference
from party.bots.bot import Bot
from party.bots.city import CityPlay
from party.bots.measuring import Carried, Measured, late_ticks
from party.bots.play import BallGame, Play, Wander
from party.bots.report import Down, Percentiles, Report
from party.bots.tally import Tally
from party.bots.vr import VrPlay
from soiree.client.ladder import Choice
from soiree.client.lobby import Lobby, split_invite

JOINS_AT_ONCE = 6
"""Bots that are on their way in at a time."""
JOIN_TIMEOUT_S = 30.0
"""How long one bot tries to get in."""
RATE_PAUSE_S = 2.0
"""Before trying again when the server says that joins come too fast."""
LAST_WORDS_S = 5.0
"""How long commands under way may take once everybody has stopped."""
SPARE_PLACES = 8
"""Beyond the bots, in a room made for them."""
LOOK_S = 0.05
"""How often the play looks on while it is measured."""


@dataclass(frozen=True, slots=True)
class CrowdConfig:
    """What `soiree bots` was asked for."""

    url: str
    room: str | None
    """Code of the room; None makes one."""
    count: int
    hz: float
    seconds: float
    scenario: str = "wander"
    """"wander", "ball", "city" or "vr"."""
    transport: Choice = "auto"
    engine: str = "auto"
    password: str | None = None
    seed: int = 1
    budget_kbit_s: int = 0
    """What each asks to be sent at most, in "vr"; 0: the relay adapts."""
    warm_up_s: float = 1.0
    """From when all are in until measuring begins."""
    settle_s: float = 2.0
    """From when all have stopped until their views are compared."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is, for the bar."""

    stage: str
    done: float
    total: float


class Crowd:
    """One run. `await run()` gives its report."""

    def __init__(self, config: CrowdConfig, on_progress: Callable[[Progress], None] = lambda _: None) -> None:
        self.config = config
        self.code = config.room
        self.differences: list[Difference] = []
        self._on_progress = on_progress
        self._random = Random(config.seed)
        self._play: Play[Any] = _play_of(config)
        self._loop_late_ms: list[float] = []
        self._errors: Counter[str] = Counter()
        self.kept_out: soiree.SoireeError | None = None
        """Why the first of those who could not join could not."""
        self._tallies = [Tally() for _ in range(config.count)]
        self._arrived = 0
        self._leave = asyncio.Event()
        self._everybody = asyncio.Event()
        self._gate = asyncio.Semaphore(JOINS_AT_ONCE)

    async def run(self) -> Report:
        """Run it all.

        Raises:
            JoinError: the room could not be made. Bots that cannot join are counted instead.
        """
        self.code = self.config.room or await self._make_room()
        guests = [asyncio.create_task(self._guest(index)) for index in range(self.config.count)]
        try:
            await self._everybody.wait()
            return await self._perform()
        finally:
            self._leave.set()
            _, late = await asyncio.wait(guests, timeout=10.0)
            for guest in late:
                guest.cancel()
            await asyncio.gather(*guests, return_exceptions=True)

    async def _make_room(self) -> str:
        async with ClientSession() as http:
            base, code = split_invite(self.config.url)
            if code is not None:
                return code
            created = await Lobby(http, base).create_room("Bots", capacity=self.config.count + SPARE_PLACES)
            return created.room.code

    # One bot's stay

    async def _guest(self, index: int) -> None:
        arrived = False
        try:
            async with contextlib.AsyncExitStack() as stay:
                async with self._gate:
                    bot = await self._bring_in(index, stay)
                self._play.bots.append(bot)
                arrived = True
                self._count_arrival()
                leaving, ended = asyncio.create_task(self._leave.wait()), asyncio.create_task(bot.stay())
                await asyncio.wait((leaving, ended), return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    ended.result()
                ended.cancel()
                leaving.cancel()
        except soiree.SoireeError as error:
            self._errors[error.code] += 1
            if not arrived:
                self.kept_out = self.kept_out or error
                self._count_arrival()

    def _count_arrival(self) -> None:
        self._arrived += 1
        self._on_progress(Progress("joining", self._arrived, self.config.count))
        if self._arrived == self.config.count:
            self._everybody.set()

    async def _bring_in(self, index: int, stay: contextlib.AsyncExitStack) -> Bot:
        config, deadline = self.config, time.monotonic() + JOIN_TIMEOUT_S
        while True:
            begun = time.monotonic()
            try:
                async with asyncio.timeout(max(0.1, deadline - begun)):
                    room = await stay.enter_async_context(
                        soiree.join(
                            split_invite(config.url)[0],
                            room=self.code,
                            name=f"bot {index + 1}",
                            password=config.password,
                            transport=config.transport,
                            engine=config.engine,
                        )
                    )
                    self._tallies[index].join_ms = (time.monotonic() - begun) * 1000
                    bot: Bot = self._play.bot(index, room, self._tallies[index], Random(self._random.random()))
                    await bot.enter(config.hz, index / config.count / config.hz)
                    return bot
            except TimeoutError as error:
                raise soiree.JoinError("timeout", f"not in the room after {JOIN_TIMEOUT_S:g} s") from error
            except soiree.JoinError as error:
                if error.code not in ("rate", "busy") or time.monotonic() + RATE_PAUSE_S > deadline:
                    raise
                await asyncio.sleep(RATE_PAUSE_S)

    # What they do together

    async def _perform(self) -> Report:
        play = self._play
        if not play.bots:
            return self._report(Measured())
        await play.set_out()
        async with contextlib.AsyncExitStack() as ending:
            listening = [asyncio.create_task(bot.listen()) for bot in play.bots]
            ending.push_async_callback(_end, listening)
            await asyncio.sleep(self.config.warm_up_s)
            gc.collect()
            gc.freeze()  # tens of thousands of objects that stay: no collection needs to walk them
            ending.callback(gc.unfreeze)
            chatter = [asyncio.create_task(bot.chatter(play.event_period_s)) for bot in play.bots]
            acting = chatter + [asyncio.create_task(act) for act in play.acting()]
            ending.push_async_callback(_end, acting)
            measured = await self._measured()
            await self._settle(acting)
            return self._report(measured)

    async def _measured(self) -> Measured:
        """Let them play, and measure it."""
        play = self._play
        ticks = await late_ticks(split_invite(self.config.url)[0])
        before = [Carried.of(bot) for bot in play.bots]
        self._measure(True)
        begun, cpu_s = time.monotonic(), time.process_time()
        play.begin(begun)
        await self._pass_time("playing", self.config.seconds, play.observe)
        ended = time.monotonic()
        seconds, cpu_share = ended - begun, (time.process_time() - cpu_s) / (ended - begun)
        play.end(ended)
        self._measure(False)
        carried = [Carried.of(bot) - earlier for bot, earlier in zip(play.bots, before, strict=True)]
        later = await late_ticks(split_invite(self.config.url)[0])
        since = None if ticks is None or later is None else (later.total - ticks.total, later.longest_since(ticks))
        return Measured(
            seconds=seconds,
            cpu_share=cpu_share,
            kbit_s=[each.bits(rp.HEADER_BYTES) / 1000 / seconds for each in carried],
            kbit_s_with_headers=[each.bits(each.overhead) / 1000 / seconds for each in carried],
            late_ticks=None if since is None else since[0],
            longest_late_streak=None if since is None else since[1],
        )

    async def _pass_time(self, stage: str, seconds: float, look: Callable[[float], None] = lambda _now_s: None) -> None:
        begun = now = time.monotonic()
        shown = -1.0
        while (passed := now - begun) < seconds:
            if passed - shown >= 0.25:
                shown = passed
                self._on_progress(Progress(stage, passed, seconds))
            due = min(now + LOOK_S, begun + seconds)
            await asyncio.sleep(due - now)
            now = time.monotonic()
            look(now)
            self._loop_late_ms.append((now - due) * 1000)
        self._on_progress(Progress(stage, seconds, seconds))

    async def _settle(self, acting: list[asyncio.Task[None]]) -> None:
        """Everybody stops; 2 s later views are compared."""
        self._on_progress(Progress("settling", 0, self.config.settle_s))
        for bot in self._play.bots:
            bot.stop()
        await asyncio.wait(acting, timeout=LAST_WORDS_S)
        await self._pass_time("settling", self.config.settle_s)
        for task in acting:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                self._errors[type(error).__name__] += 1
        self.differences = self._play.differences()

    def _measure(self, measuring: bool) -> None:
        for tally in self._tallies:
            tally.measuring = measuring

    def _report(self, measured: Measured) -> Report:
        play = self._play
        tallies = [bot.tally for bot in play.bots]
        here = play.here()
        sent = {bot.room.peer_id: bot.tally.events_sent for bot in play.bots}
        lost = sum(bot.tally.events_lost + bot.tally.missing(sent) for bot in here)
        refusals: Counter[str] = sum((tally.refusals for tally in tallies), Counter())
        return Report(
            joined=len(play.bots),
            failed=sum(self._errors.values()),
            join_ms=Percentiles.of([tally.join_ms for tally in tallies]),
            seconds=round(measured.seconds, 2),
            updates_sent=sum(tally.updates_sent for tally in tallies),
            updates_received=sum(tally.updates_received for tally in tallies),
            latency_ms=Percentiles.of(rp.merged(tally.latencies_us for tally in tallies)),
            kbit_s_down_per_client=round(statistics.fmean(measured.kbit_s), 1) if measured.kbit_s else 0.0,
            kbit_s_down_with_headers=Down.of(measured.kbit_s_with_headers),
            events_sent=sum(sent.values()),
            control_lost=lost,
            converged=bool(here) and not self.differences,
            differences=len(self.differences),
            late_ticks=measured.late_ticks,
            longest_late_streak=measured.longest_late_streak,
            rung=rp.rungs(bot.room.rung for bot in here),
            grants=sum(tally.grants for tally in tallies),
            refusals=dict(refusals),
            errors=dict(self._errors),
            cpu_share=round(measured.cpu_share, 2),
            saturated=measured.cpu_share > rp.SATURATED,
            loop_late_ms=Percentiles.of(self._loop_late_ms),
            figures=play.figures(self.differences),
        )


def _play_of(config: CrowdConfig) -> Play[Any]:
    random = Random(config.seed)
    match config.scenario:
        case "ball":
            return BallGame(config.count, random)
        case "city":
            return CityPlay(config.count, random)
        case "vr":
            return VrPlay(config.count, random, config.budget_kbit_s)
        case _:
            return Wander(config.count, random)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
