"""The list of rooms, live."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse

from signalling import events
from signalling.config import HomeConfig
from signalling.directory import RoomGone, RoomShown
from signalling.feed import Feed
from signalling.limits import FEED_EVENTS
from signalling.rooms import RoomDraft
from tests.signalling.conftest import Lobby, running_lobby, until


@asynccontextmanager
async def listening(lobby: Lobby) -> AsyncIterator[ClientResponse]:
    async with lobby.client.get("/api/v1/rooms/events") as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        assert await response.content.readuntil(b"\n\n") == b"retry: 2000\n\n"
        yield response


async def heard(response: ClientResponse) -> tuple[str, Any]:
    """The next event: its name and data."""
    async with asyncio.timeout(5):
        block = (await response.content.readuntil(b"\n\n")).decode()
    name, data = block.strip().split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


async def test_the_whole_list_comes_first_then_what_changes(lobby: Lobby) -> None:
    made = await lobby.create(name="First")
    async with listening(lobby) as response:
        assert await heard(response) == ("rooms", {"rooms": [made["room"]]})
        second = await lobby.create(name="Second")
        assert await heard(response) == ("room", second["room"])
        joined = await lobby.enter(second["room"])
        assert await heard(response) == ("room", {**second["room"], "peers": 1})
        lobby.relay.end(joined["session"])
        assert await heard(response) == ("room", second["room"])
        await lobby.call("DELETE", f"/rooms/{made['room']['id']}", key=made["host_key"])
        assert await heard(response) == ("gone", {"id": made["room"]["id"]})


async def test_an_unlisted_room_is_never_told_and_one_that_hides_is_gone(lobby: Lobby) -> None:
    hidden = await lobby.create(public=False)
    async with listening(lobby) as response:
        assert await heard(response) == ("rooms", {"rooms": []})
        await lobby.enter(hidden["room"])
        path = f"/rooms/{hidden['room']['id']}"
        shown = (await lobby.call("PATCH", path, {"public": True}, hidden["host_key"]))[1]
        assert await heard(response) == ("room", shown)
        await lobby.call("PATCH", path, {"public": False}, hidden["host_key"])
        assert await heard(response) == ("gone", {"id": hidden["room"]["id"]})


async def test_a_quiet_stream_is_kept_alive(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FEED_KEEP_ALIVE_S", 0.01)
    async with listening(lobby) as response:
        assert (await heard(response))[0] == "rooms"
        assert await response.content.readuntil(b"\n\n") == b": still here\n\n"


async def test_a_stopping_server_ends_the_streams_and_takes_no_more(lobby: Lobby) -> None:
    async with listening(lobby) as response:
        await heard(response)
        lobby.home.stop()
        async with asyncio.timeout(5):
            assert await response.content.read() == b""
    async with lobby.client.get("/api/v1/rooms/events") as response:
        assert response.status == 503


async def test_subscribers_are_bounded_in_all_and_for_one_address() -> None:
    for config in (HomeConfig(max_feeds=1), HomeConfig(max_feeds_per_address=1)):
        async with (
            running_lobby(config) as lobby,
            listening(lobby),
            lobby.client.get("/api/v1/rooms/events") as response,
        ):
            assert (response.status, (await response.json())["error"]["code"]) == (503, "busy")
            assert response.headers["Retry-After"] == "5"


async def test_a_subscriber_who_takes_nothing_is_let_go(lobby: Lobby, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FEED_WRITE_TIMEOUT_S", 0.05)
    server = lobby.client.server
    _, writer = await asyncio.open_connection(server.host, server.port, limit=1)
    writer.write(b"GET /api/v1/rooms/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await writer.drain()
    async with asyncio.timeout(20):
        await until(lambda: bool(lobby.home.subscriptions))
        for n in range(400):
            await lobby.home.create_permanent_room(RoomDraft("x" * 60), code=f"room{n}")
        while lobby.home.subscriptions:
            for subscription in lobby.home.subscriptions:
                subscription.feed.whole = True
                subscription.woken.set()
            await asyncio.sleep(0)
    assert len(lobby.home.feeds) == 0
    writer.close()


def test_a_feed_keeps_the_newest_of_each_room() -> None:
    feed = Feed(whole=False)
    feed.add([RoomShown("a"), RoomShown("b"), RoomShown("a"), RoomGone("b")])
    assert feed.take() == (False, [RoomGone("b"), RoomShown("a")])
    assert not feed


def test_a_feed_that_falls_behind_its_bound_starts_again_with_the_whole_list() -> None:
    feed = Feed(whole=False)
    feed.add(RoomShown(str(n)) for n in range(FEED_EVENTS))
    assert (len(feed), feed.whole) == (FEED_EVENTS, False)
    feed.add([RoomShown("one more")])
    assert (len(feed), feed.whole) == (0, True)
    feed.add([RoomShown("after")])
    assert feed.take() == (True, [])
