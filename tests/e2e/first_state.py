"""How long from a link to company: `python -m tests.e2e.first_state` opens one 20 times in Chromium and prints the figures.

Measured in the page, from the start of the navigation until the first state frame that moves an entity of another peer was applied. Each
time the browser's profile is fresh: nothing is cached, everything is fetched, and the join is a new one.
"""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import soiree
from soiree import rtc
from tests.chromium import chromium
from tests.e2e.guests import Guests
from tests.system.party_process import party

RUNS = 20
TARGET_S = 1.0
STEP_S = 0.05
_FIRST = """new Promise((resolve) => {
  const look = () => {
    const room = window.soiree?.room;
    if (!room) return setTimeout(look, 2);
    const stop = room.on("state", ({ entities }) => {
      if (![...entities].some(({ owner }) => owner !== room.peerId)) return;
      stop();
      resolve(performance.now() / 1000);
    });
  };
  look();
})"""


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds from the link to the first state of another peer."""

    engine: str
    transport: str
    runs: list[float]

    @property
    def median_s(self) -> float:
        return statistics.median(self.runs)

    def __str__(self) -> str:
        fastest, slowest = min(self.runs), max(self.runs)
        way = f"{self.transport} ({self.engine})" if self.transport == "webrtc" else self.transport
        return f"{way}: median of {len(self.runs)} {self.median_s:.3f} s, from {fastest:.3f} to {slowest:.3f} s"


async def _wander(room: soiree.Room) -> None:
    avatar = await room.spawn("avatar", upright=True)
    x = 0.0
    while True:
        x = (x + STEP_S) % 5
        avatar.set(position=(x, 0, 0))
        await asyncio.sleep(STEP_S)


@asynccontextmanager
async def wanderer(url: str, code: str) -> AsyncIterator[None]:
    """Somebody who never stands still."""
    async with soiree.join(url, room=code, name="Wanderer", transport="websocket") as room:
        walking = asyncio.create_task(_wander(room))
        yield
        walking.cancel()
        await asyncio.wait({walking})


async def measure(guests: Guests, code: str, transport: str, runs: int) -> list[float]:
    """Open the link so often, one after the other; seconds of each."""
    took: list[float] = []
    for _ in range(runs):
        page = await guests.door(code, "Ada", transport)
        took.append(float(await page.evaluate(_FIRST)))
        await guests.leave()
    return took


async def main() -> int:
    """Measure each engine, and the WebSocket; the number of medians that miss the target."""
    missed = 0
    ways = [(engine, "webrtc") for engine in rtc.available()] + [(rtc.available()[0], "websocket")]
    async with chromium() as browser:
        for engine, transport in ways:
            with TemporaryDirectory(prefix="soiree-") as folder, party(engine, Path(folder)) as server:
                code = server.room()
                async with wanderer(server.url, code):
                    guests = Guests(browser, server.url)
                    figures = Figures(engine, transport, await measure(guests, code, transport, RUNS))
            print(figures, flush=True)
            missed += figures.median_s >= TARGET_S
    return missed


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
