"""Who iterates over the changes of a room: wakes them, and ends them."""

import asyncio
import weakref
from collections.abc import AsyncIterator

from soiree.client.changes import Change
from soiree.client.downward import Frame
from soiree.client.errors import RoomClosedError
from soiree.client.feed import Feed

MAX_READERS = 64
"""Readers of changes at a time."""


class Reader(AsyncIterator[Change]):
    """One reader: what it has not read yet is kept for it until it is dropped."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.wake = asyncio.Event()

    async def __anext__(self) -> Change:
        while (change := self.feed.take()) is None:
            if self.feed.over is True:
                raise StopAsyncIteration
            if self.feed.over is not False:
                raise self.feed.over
            self.wake.clear()
            await self.wake.wait()
        return change


class Readers:
    """All readers of one room. They are held weakly, so that one who has turned away costs nothing."""

    def __init__(self) -> None:
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()
        self._over: RoomClosedError | bool = False

    def __bool__(self) -> bool:
        return bool(self._readers)

    def add(self, *, state: bool) -> Reader:
        """A reader of what happens from now on. Raises ValueError for one too many."""
        if len(self._readers) >= MAX_READERS:
            raise ValueError(f"{MAX_READERS} readers of changes already")
        reader = Reader(Feed(state=state))
        reader.feed.end(self._over)
        self._readers.add(reader)
        return reader

    def publish(self, change: Change) -> None:
        """Something happened."""
        for reader in self._readers:
            reader.feed.put(change)
            reader.wake.set()

    def publish_state(self, frame: Frame) -> None:
        """Things moved on, for those who want to know."""
        wanting = [reader for reader in self._readers if reader.feed.state]
        entities = frame.entities() if wanting else ()
        for reader in wanting:
            for entity in entities:
                reader.feed.put_state(entity)
            reader.wake.set()

    def end(self, over: RoomClosedError | bool) -> None:
        """Nothing more will happen: with an error, or (True) in good order."""
        self._over = over
        for reader in self._readers:
            reader.feed.end(over)
            reader.wake.set()
