"""Coming and going, 200 times: nothing of it stays in the server."""

import asyncio
from pathlib import Path

from aiohttp import ClientSession

from party.config import PartyConfig
from party.server import PartyServer
from relay.config import RelayConfig
from signalling.config import HomeConfig
from soiree.client.lobby import Lobby
from soiree.rtc import EngineConfig
from tests.system.party_process import Party, PartyOf
from tests.system.ways import join, server_engine, until

JOINS = 200
FIRST = 50
"""Joins after which the server has all that it keeps: pools, caches, arenas."""
AT_ONCE = 5
GROWTH = 1.10


async def _come_and_go(url: str, code: str, way: str, count: int) -> None:
    """So many joins and leaves, some at a time."""
    left = iter(range(count))

    async def guest() -> None:
        for number in left:
            async with join(url, code, way, name=f"guest {number}") as room:
                await room.spawn("avatar", rule="allow")

    await asyncio.gather(*(guest() for _ in range(AT_ONCE)))


async def _empty(server: Party) -> None:
    """Wait until nobody is left in it."""
    await until(lambda: server.metric("soiree_peers") == 0, what="no peer is left")
    await until(lambda: server.metric("soiree_connections") == 0, what="no connection is left")


async def test_after_200_joins_and_leaves_the_server_holds_what_it_held(party_of: PartyOf, way: str) -> None:
    server = party_of(server_engine(way))
    code = server.room()
    await _come_and_go(server.url, code, way, FIRST)
    await _empty(server)
    before = server.holdings()
    await _come_and_go(server.url, code, way, JOINS - FIRST)
    await _empty(server)
    # Sockets that wait for their other end to close come and go within a second or so.
    await until(lambda: server.holdings().descriptors <= before.descriptors, what="descriptors are given back")
    after = server.holdings()
    print(f"{way}: {before} then {after}, grown {after.rss_bytes / before.rss_bytes - 1:.1%}")
    assert after.threads < before.threads + AT_ONCE, "pools fill up late; a leak would be one for each join"
    assert after.rss_bytes <= before.rss_bytes * GROWTH
    assert server.metric("soiree_joins_total") == JOINS
    assert server.metric("soiree_leaves_total", reason="bye") == JOINS


async def test_no_task_is_left_in_the_server(tmp_path: Path, way: str) -> None:
    relay = RelayConfig(engine=server_engine(way), rtc=EngineConfig("127.0.0.1"))
    server = PartyServer(PartyConfig(HomeConfig(data_dir=tmp_path, port=0), relay))
    alone = asyncio.all_tasks()
    await server.start()
    try:
        idle = asyncio.all_tasks()
        async with ClientSession() as http:
            room = (await Lobby(http, server.url.rstrip("/")).create_room("a test", capacity=64)).room
        await _come_and_go(server.url, room.code, way, 20)
        await until(lambda: asyncio.all_tasks() <= idle, what=f"of {idle} none is new")
    finally:
        await server.stop()
    await until(lambda: asyncio.all_tasks() == alone, what="no task of the server is left")
