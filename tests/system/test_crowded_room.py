"""A room as full of things as one peer may fill it, and somebody who comes late."""

import asyncio
import time

import pytest

import soiree
from soiree.wire import limits
from soiree.wire import messages as m
from tests.system.party_process import PartyOf
from tests.system.raw import Raw, header, hello, raw
from tests.system.ways import BEST, WAYS, crowd, join, until
from tests.system.witnesses import witnesses

THINGS = 2000
BATCH = 20
LARGEST_SPAWNED = 400
"""More than that of any of these things has, bytes."""
PROPERTIES: dict[str, m.PropertyValue] = {"colour": "red", "size": 3, "label": "one of many things in this room"}


async def _fill(room: soiree.Room, count: int) -> None:
    """Make so many things, within the rate of PROTOCOL 8."""
    for first in range(0, count, BATCH):
        places = [((first + n) % 50, 0.0, (first + n) // 50) for n in range(BATCH)]
        await asyncio.gather(*(room.spawn("thing", place, properties=PROPERTIES) for place in places))
        if first > limits.CONTROL_RATE_PER_S:
            await asyncio.sleep(BATCH / limits.CONTROL_RATE_PER_S)


async def test_a_late_joiner_gets_all_of_2000_things_and_others_notice_nothing(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code = server.room()
    async with (
        witnesses(server.url, code, "websocket", BEST),
        join(server.url, code, "websocket", name="maker") as maker,
    ):
        await _fill(maker, THINGS)
        for way in WAYS:
            await _come_late(server.url, code, way, maker)
            await _paced(server.url, code, way)


async def _come_late(url: str, code: str, way: str, maker: soiree.Room) -> None:
    """All things come, the nearest first, as they are."""
    began = time.monotonic()
    async with join(url, code, way, name="late") as late:
        await until(lambda: len(late.entities) == THINGS, within_s=30, what="all things came")
        print(f"{way}: {THINGS} things in {time.monotonic() - began:.2f} s")
        for entity, thing in maker.entities.items():
            assert late.entities[entity].account() == thing.account()
        nearest = maker.entities[next(iter(late.entities))]
        assert nearest.position[0] ** 2 + nearest.position[2] ** 2 <= 1.0, "the nearest came first"


async def _paced(url: str, code: str, way: str) -> None:
    """No more than SNAPSHOT_IN_FLIGHT_BYTES of `spawned` come before some are applied."""
    async with raw(url, code, way) as client:
        client.say(hello())
        applied = 0
        for seq in range(0, 10, 2):
            await until(lambda: sum(_unapplied(client, applied)) > limits.SNAPSHOT_IN_FLIGHT_BYTES / 2)  # noqa: B023
            # A frame is taken and acknowledged at ticks of the relay: all that would come of itself has come by then.
            client.state(header(seq, applied))
            await until(lambda: client.acked == seq)  # noqa: B023
            sizes = _unapplied(client, applied)
            assert sum(sizes) < limits.SNAPSHOT_IN_FLIGHT_BYTES + LARGEST_SPAWNED, "the last may reach over"
            applied = client.heard[-1].n
            client.state(header(seq + 1, applied))


def _unapplied(client: Raw, applied: int) -> list[int]:
    """Sizes of the groups of `spawned` heard after the message numbered `applied`, bytes."""
    heard = zip(client.heard, client.heard_bytes, strict=True)
    return [size for message, size in heard if isinstance(message, m.Group) and message.n > applied]


async def test_one_peer_may_have_4096_things_and_no_more(party_of: PartyOf) -> None:
    server = party_of(BEST)
    async with crowd(server.url, server.room(), "websocket", "websocket") as (hoarder, witness):
        await _fill(hoarder, limits.MAX_ENTITIES_PER_PEER - limits.MAX_ENTITIES_PER_PEER % BATCH)
        for _ in range(limits.MAX_ENTITIES_PER_PEER % BATCH):
            await hoarder.spawn("thing")
        with pytest.raises(soiree.RefusedError) as refused:
            await hoarder.spawn("thing")
        assert refused.value.reason == "too-many"
        assert len(witness.entities) == limits.MAX_ENTITIES_PER_PEER
        await next(iter(hoarder.entities.values())).despawn()
        await hoarder.spawn("thing")
