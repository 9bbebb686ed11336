"""What a crowd costs a page: `python -m tests.e2e.frame_times [THINGS…]` prints its main thread's time per picture with so many in sight.

One thing in ten drives in circles, 20 times a second; the others are boxes and what stands about in a city.
"""

import asyncio
import math
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.async_api import Page

import soiree
from soiree import rtc
from tests.chromium import chromium
from tests.e2e.guests import READY, Guests, until
from tests.system.party_process import Party, party

THINGS = (1500, 2000, 4000)
KINDS = ("tree", "tree", "lamp", "house", "bench", "box")
GROUP = 100
ROUND_M = 120.0
"""All lie within."""
PICTURES = 150
STEP_S = 0.05

WATCH = """(() => {
  const ask = requestAnimationFrame.bind(window);
  window.pictures = [];
  window.requestAnimationFrame = (draw) => ask((timestamp) => {
    const begun = performance.now();
    draw(timestamp);
    window.pictures.push(performance.now() - begun);
  });
})()"""
"""Times each picture's work."""

DRAWN = """async ([clicks, count]) => {
  const { room } = window.soiree;
  for (let i = 0; i < clicks; i++) document.querySelector("#zoom-out").click();
  await new Promise((resolve) => setTimeout(resolve, 500));
  window.pictures.length = 0;
  while (window.pictures.length < count) await new Promise(requestAnimationFrame);
  return { pictures: window.pictures.slice(0, count), sight: room.entities.size };
}"""
"""After so many clicks on minus, the time of each of so many pictures."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one crowd at one scale."""

    things: int
    scale: str
    median_ms: float
    mean_ms: float
    p95_ms: float
    worst_ms: float

    def __str__(self) -> str:
        times = f"median {self.median_ms:.1f} ms, mean {self.mean_ms:.1f}, 95 % within {self.p95_ms:.1f}"
        return f"{self.things:5} in sight, {self.scale}: {times}, worst {self.worst_ms:.1f}"


async def furnish(room: soiree.Room, things: int, first: int) -> list[soiree.Entity]:
    """Put so many things about; those that drive."""
    drivers = []
    for begin in range(0, things, GROUP):
        group = room.group()
        spawned = []
        for number in range(begin, min(things, begin + GROUP)):
            kind = "vehicle" if number % 10 == 0 else KINDS[number % len(KINDS)]
            spawned.append((kind, group.spawn(kind, _spot(first + number), upright=kind == "vehicle")))
        await group.commit()
        drivers += [one.entity for kind, one in spawned if kind == "vehicle" and one.entity is not None]
    return drivers


def _spot(number: int) -> tuple[float, float, float]:
    """On a spiral that fills the round evenly."""
    reach, angle = ROUND_M * math.sqrt((number % 4096 + 0.5) / 4096), number * math.pi * (3 - math.sqrt(5))
    return (reach * math.cos(angle), 0.0, reach * math.sin(angle))


async def drive(drivers: list[soiree.Entity]) -> None:
    """Round and round, each about where it was put."""
    homes = [one.position for one in drivers]
    angle = 0.0
    while True:
        angle += STEP_S
        cos, sin = math.cos(angle), math.sin(angle)
        turn = (0.0, math.sin(-angle / 2), 0.0, math.cos(-angle / 2))
        for one, (x, y, z) in zip(drivers, homes, strict=True):
            one.set(
                position=(x + 8 * cos, y, z + 8 * sin), velocity=(-8 * sin, 0, 8 * cos), rotation=turn, upright=True
            )
        await asyncio.sleep(STEP_S)


async def measure(page: Page, clicks: int) -> tuple[list[float], int]:
    """Milliseconds of each picture after so many clicks on minus, and how many things are in sight."""
    told: dict[str, Any] = await page.evaluate(DRAWN, [clicks, PICTURES])
    return sorted(told["pictures"]), int(told["sight"])


async def crowd(guests: Guests, server: Party, things: int) -> list[Cost]:
    """A room with so many things, seen from farther and farther away."""
    code = server.room("A crowd")
    costs = []
    async with AsyncExitStack() as stack:
        drivers: list[soiree.Entity] = []
        for first in range(0, things, 2000):
            room = await stack.enter_async_context(
                soiree.join(server.url, room=code, name=f"peer {first}", transport="websocket")
            )
            drivers += await furnish(room, min(2000, things - first), first)
        driving = asyncio.create_task(drive(drivers))
        page = await guests.page()
        await page.add_init_script(WATCH)
        await page.goto(f"{server.url}/r/{code}?name=Ada&transport=websocket")
        await page.wait_for_selector(READY)
        await until(page, f"room.entities.size > {min(things, 4096) * 0.98}", within_ms=60_000)
        for clicks, scale in ((0, "a street"), (3, "some blocks"), (3, "all of it")):
            pictures, sight = await measure(page, clicks)
            count = len(pictures)
            median, late = pictures[count // 2], pictures[count * 95 // 100]
            costs.append(Cost(sight, scale, median, sum(pictures) / count, late, pictures[-1]))
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
    return costs


async def main(sizes: list[int]) -> None:
    """Print a line for each crowd and scale."""
    async with chromium() as browser:
        with TemporaryDirectory(prefix="soiree-") as folder, party(rtc.available()[0], Path(folder)) as server:
            for things in sizes:
                guests = Guests(browser, server.url)
                for cost in await crowd(guests, server, things):
                    print(cost, flush=True)
                await guests.leave()
                assert guests.troubles == [], guests.troubles


if __name__ == "__main__":
    asyncio.run(main([int(size) for size in sys.argv[1:]] or list(THINGS)))
