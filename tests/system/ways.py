"""Ways into a room, as the tests name them: "libdatachannel", "aiortc" or "websocket", and what can be awaited about a room."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

import soiree
from soiree import rtc
from soiree.client.ladder import Choice

T = TypeVar("T", bound=soiree.Change)
WAYS = (*rtc.available(), "websocket")
BEST = WAYS[0]
POLL_S = 0.02


def choice(way: str) -> Choice:
    """The transport of a way."""
    return "websocket" if way == "websocket" else "webrtc"


def engine(way: str) -> str:
    """The engine of a way."""
    return "auto" if way == "websocket" else way


def server_engine(way: str) -> str:
    """The engine of the server on the other end of a way."""
    return "none" if way == "websocket" else way


def join(url: str, room: str, way: str, **more: Any) -> AbstractAsyncContextManager[soiree.Room]:
    """`soiree.join` over one way alone."""
    return soiree.join(url, room=room, transport=choice(way), engine=engine(way), bind_address="127.0.0.1", **more)


async def until(holds: Callable[[], bool], within_s: float = 10.0, what: str = "", *, poll_s: float = POLL_S) -> None:
    """Wait for something that nobody announces (a counter of another process, say)."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not holds():
        assert loop.time() < deadline, f"not within {within_s:g} s: {what or holds}"
        await asyncio.sleep(poll_s)


async def change(
    changes: AsyncIterator[soiree.Change],
    kind: type[T],
    holds: Callable[[T], bool] = lambda _: True,
    within_s: float = 10.0,
) -> T:
    """The next change of a kind that fits; others are passed over."""
    async with asyncio.timeout(within_s):
        async for told in changes:
            if isinstance(told, kind) and holds(told):
                return told
    raise AssertionError(f"the room ended before {kind.__name__}")


@asynccontextmanager
async def crowd(url: str, room: str, *ways: str) -> AsyncIterator[list[soiree.Room]]:
    """Several peers, in one room when the block begins, each knowing of all."""
    async with AsyncExitStack() as stack:
        rooms = [
            await stack.enter_async_context(join(url, room, way, name=f"peer {n}"))
            for n, way in enumerate(ways, start=1)
        ]
        await until(lambda: all(len(inside.peers) >= len(ways) for inside in rooms), what="all know of all")
        yield rooms


async def same_entity(room: soiree.Room, entity: int) -> soiree.Entity:
    """An entity as this peer knows it, as soon as it does."""
    await until(lambda: entity in room.entities, what=f"entity {entity} is seen")
    return room.entities[entity]
