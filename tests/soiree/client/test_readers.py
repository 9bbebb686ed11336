"""Readers are woken, ended, bounded, and forgotten when they turn away."""

import asyncio
from typing import cast

import pytest

from soiree.client.changes import Interrupted, StateUpdated
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.errors import RoomClosedError
from soiree.client.readers import MAX_READERS, Readers


async def test_a_waiting_reader_is_woken_and_ended() -> None:
    readers = Readers()
    reader = readers.add(state=False)
    first = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    readers.publish(Interrupted())
    assert await first == Interrupted()
    last = asyncio.ensure_future(anext(reader))
    await asyncio.sleep(0)
    readers.end(RoomClosedError("kicked"))
    with pytest.raises(RoomClosedError, match="kicked"):
        await last


async def test_who_comes_after_the_end_hears_of_it() -> None:
    readers = Readers()
    readers.end(True)
    assert [change async for change in readers.add(state=True)] == []


async def test_readers_are_bounded_and_those_that_turned_away_do_not_count() -> None:
    readers = Readers()
    kept = [readers.add(state=False) for _ in range(MAX_READERS)]
    with pytest.raises(ValueError, match="readers"):
        readers.add(state=False)
    kept.pop()
    kept.append(readers.add(state=False))
    assert len(kept) == MAX_READERS
    kept.clear()
    assert not readers


async def test_state_is_told_only_to_those_who_want_it() -> None:
    class Moved:
        def entities(self) -> tuple[Entity, ...]:
            return (ball,)

    ball, readers = cast(Entity, object()), Readers()
    wanting, other = readers.add(state=True), readers.add(state=False)
    readers.publish_state(cast(Frame, Moved()))
    readers.publish(Interrupted())
    readers.end(True)
    assert [change async for change in wanting] == [StateUpdated(ball), Interrupted()]
    assert [change async for change in other] == [Interrupted()]
