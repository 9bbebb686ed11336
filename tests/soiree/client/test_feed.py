"""Readers of changes: in order, coalesced, bounded, never silently short."""

from typing import Any, cast

import pytest

from soiree.client.changes import Interrupted, StateUpdated
from soiree.client.entity import Entity
from soiree.client.errors import RoomClosedError, SlowReaderError
from soiree.client.feed import Feed


def entity() -> Entity:
    """Feeds only compare entities."""
    return cast(Entity, object())


def test_changes_come_in_order_and_state_waits_once() -> None:
    feed, ball = Feed(), entity()
    feed.put_state(ball)
    feed.put(Interrupted())
    feed.put_state(ball)
    assert [feed.take(), feed.take(), feed.take()] == [StateUpdated(ball), Interrupted(), None]
    feed.put_state(ball)
    assert feed.take() == StateUpdated(ball), "once read, the next one is news"


def test_a_reader_that_is_too_slow_is_told_after_what_it_still_has() -> None:
    feed = Feed(bound=3)
    for _ in range(5):
        feed.put(Interrupted())
    assert [feed.take() for _ in range(4)] == [Interrupted()] * 3 + [None]
    assert isinstance(feed.over, SlowReaderError)


@pytest.mark.parametrize("over", [True, RoomClosedError("kicked")])
def test_after_the_end_nothing_is_taken_in(over: Any) -> None:
    feed = Feed()
    feed.end(over)
    feed.put(Interrupted())
    feed.put_state(entity())
    feed.end(RoomClosedError("closed"))
    assert feed.take() is None
    assert feed.over is over
