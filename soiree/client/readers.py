"""Who iterates over the changes of a room: wakes them, and ends them."""

import asyncio
from collections.abc import AsyncIterator

from soiree.client.changes import Change
from soiree.client.downward import Frame
from soiree.client.errors import RoomClosedError
from soiree.client.feed import Feed

MAX_READERS = 64
"""Readers of changes at a time."""


class Readers:
    """All readers of one room, each with a feed of its own."""

    def __init__(self) -> None:
        self._feeds: dict[Feed, asyncio.Event] = {}
        self._over: RoomClosedError | bool = False

    def __bool__(self) -> bool:
        return bool(self._feeds)

    def add(self, *, state: bool) -> AsyncIterator[Change]:
        """A reader of what happens from now on. Raises ValueError for one too many."""
        if len(self._feeds) >= MAX_READERS:
            raise ValueError(f"{MAX_READERS} readers of changes already")
        feed = Feed(state=state)
        feed.end(self._over)
        self._feeds[feed] = asyncio.Event()
        return self._read(feed)

    async def _read(self, feed: Feed) -> AsyncIterator[Change]:
        wake = self._feeds[feed]
        try:
            while True:
                while (change := feed.take()) is not None:
                    yield change
                if feed.over is True:
                    return
                if feed.over is not False:
                    raise feed.over
                wake.clear()
                await wake.wait()
        finally:
            self._feeds.pop(feed, None)

    def publish(self, change: Change) -> None:
        """Something happened."""
        for feed, wake in self._feeds.items():
            feed.put(change)
            wake.set()

    def publish_state(self, frame: Frame) -> None:
        """Things moved on, for those who want to know."""
        wanting = [(feed, wake) for feed, wake in self._feeds.items() if feed.state]
        entities = frame.entities() if wanting else ()
        for feed, wake in wanting:
            for entity in entities:
                feed.put_state(entity)
            wake.set()

    def end(self, over: RoomClosedError | bool) -> None:
        """Nothing more will happen: with an error, or (True) in good order."""
        self._over = over
        for feed, wake in self._feeds.items():
            feed.end(over)
            wake.set()
