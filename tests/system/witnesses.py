"""Honest peers who watch whether anything that happens around them touches them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

import soiree
from tests.system.ways import crowd, until

EVERY_S = 0.05
HEARD = 10
"""At the least so many things are said."""
NOTICED_S = 0.3
"""Median delay of what the witnesses tell each other, above which they would have noticed something."""
STOPPED_S = 5.0
"""Longest delay: a shared machine may hold everybody up for a moment, but nobody may hold up the server."""


@dataclass
class Witnesses:
    """Two peers of which one tells the other the time."""

    rooms: list[soiree.Room]
    sent: int = 0
    delays_s: list[float] = field(default_factory=list)
    interruptions: int = 0

    @property
    def worst_s(self) -> float:
        """The longest delay so far."""
        return max(self.delays_s, default=0.0)

    async def _tell(self) -> None:
        while True:
            self.sent += 1
            await self.rooms[0].send_event("now", [self.sent, time.monotonic()], to=self.rooms[1].peer_id)
            await asyncio.sleep(EVERY_S)

    async def _hear(self) -> None:
        async for told in self.rooms[1].changes(state=False):
            if isinstance(told, soiree.Event) and told.name == "now":
                number, then = told.payload
                self.delays_s.append(time.monotonic() - then)
                assert number == len(self.delays_s), "once and in order"
            elif isinstance(told, soiree.Interrupted):
                self.interruptions += 1


@asynccontextmanager
async def witnesses(url: str, code: str, *ways: str) -> AsyncIterator[Witnesses]:
    """Two honest peers in a room for as long as the block lasts. Raises AssertionError when they noticed anything."""
    async with crowd(url, code, *ways) as rooms:
        watching = Witnesses(rooms)
        hearing = asyncio.create_task(watching._hear())
        await asyncio.sleep(0)
        telling = asyncio.create_task(watching._tell())
        try:
            yield watching
            await until(lambda: len(watching.delays_s) >= HEARD, what="they go on talking")
            assert not hearing.done(), hearing
            assert not telling.done(), telling
        finally:
            for task in (hearing, telling):
                task.cancel()
            await asyncio.gather(hearing, telling, return_exceptions=True)
        assert [room.closed for room in rooms] == [None] * len(rooms)
        assert [room.stats().connections for room in rooms] == [1] * len(rooms)
        assert watching.interruptions == 0
        assert watching.sent - len(watching.delays_s) <= 2
        print(f"honest peers: {len(watching.delays_s)} events, the slowest took {watching.worst_s * 1000:.0f} ms")
        assert median(watching.delays_s) < NOTICED_S
        assert watching.worst_s < STOPPED_S
