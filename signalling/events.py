"""The list of rooms, live: server-sent events (the HTML standard, section 9.2), no queue beyond each subscriber's feed."""

import asyncio
import contextlib
from collections.abc import Iterator

import msgspec
from aiohttp import hdrs, web

from signalling.bodies import RoomList, room_view
from signalling.directory import RoomGone
from signalling.errors import ShutdownError, UnknownRoomError
from signalling.homeserver import Homeserver, Subscription
from signalling.limits import FEED_KEEP_ALIVE_S, FEED_WRITE_TIMEOUT_S

RETRY_MS = 2000
"""After how long a browser comes back when the stream ends."""


async def subscribe(home: Homeserver, request: web.Request, base_url: str, client_key: str) -> web.StreamResponse:
    """Tell one subscriber until it leaves, takes nothing for too long, or the server stops. Raises BusyError, ShutdownError."""
    if home.stopping.is_set():
        raise ShutdownError
    with home.feeds.place(client_key):
        response = web.StreamResponse(headers={hdrs.CACHE_CONTROL: "no-store", "X-Accel-Buffering": "no"})
        response.content_type = "text/event-stream"
        response.charset = "utf-8"
        await response.prepare(request)
        subscription = Subscription()
        home.subscriptions.add(subscription)
        try:
            await _tell(home, subscription, response, base_url)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            home.subscriptions.discard(subscription)
        return response


async def _tell(home: Homeserver, subscription: Subscription, response: web.StreamResponse, base_url: str) -> None:
    await response.write(f"retry: {RETRY_MS}\n\n".encode())
    while not home.stopping.is_set():
        data = b"".join(due_events(home, subscription, base_url)) or b": still here\n\n"
        async with asyncio.timeout(FEED_WRITE_TIMEOUT_S):
            await response.write(data)
        subscription.woken.clear()
        if not subscription.feed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FEED_KEEP_ALIVE_S):
                    await subscription.woken.wait()


def due_events(home: Homeserver, subscription: Subscription, base_url: str) -> Iterator[bytes]:
    """What the subscriber is to be told now, as the directory is now."""
    whole, events = subscription.feed.take()
    if whole:
        yield _event("rooms", RoomList([room_view(room, base_url) for room in home.directory.listed()]))
        return
    for event in events:
        if isinstance(event, RoomGone):
            yield _event("gone", {"id": event.room_id})
            continue
        with contextlib.suppress(UnknownRoomError):
            room = home.directory.find(event.room_id)
            if room.public:
                yield _event("room", room_view(room, base_url))


def _event(name: str, body: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(body))
