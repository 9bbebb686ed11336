"""Sessions that outlive what carries them: a reload, a network that fails, a change of transport (PROTOCOL 3)."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack

import pytest

import soiree
from tests.system.namespace import Namespace, namespace
from tests.system.party_process import PartyOf, party
from tests.system.victim_process import VictimProcess, victim
from tests.system.ways import BEST, WAYS, crowd, join, server_engine, until

MESSAGES = 1000
OUTAGE_S = 10.0
SAID = 50
"""Messages heard from a peer that is to be cut off before it is."""


async def test_a_reloaded_page_is_the_same_peer_with_the_same_things(party_of: PartyOf, way: str) -> None:
    server = party_of(server_engine(way))
    code = server.room()
    async with join(server.url, code, "websocket", name="witness") as room:
        lent = await room.spawn("lent", rule="allow")
        epoch = lent.epoch
        async with victim(server.url, code, way) as first:
            await until(lambda: lent.owner == first.peer, what="the victim owns what was lent")
            before = await first.owns(lent.id)
            first.process.send_signal(signal.SIGKILL)
            await first.process.wait()
            async with victim(server.url, code, way, first.resume) as second:
                assert second.peer == first.peer
                await until(lambda: not room.peers[first.peer].away, what="it is back")
                await second.comes_to(before, "peer", "owned", "mastered")
        assert len(before["owned"]) == 3
        assert lent.epoch == epoch + 1, "it changed its owner once: on being lent"


async def test_a_session_that_has_left_cannot_be_resumed(party_of: PartyOf) -> None:
    server = party_of(BEST)
    code = server.room()
    async with join(server.url, code, "websocket") as room:
        token = room.resume_token
    with pytest.raises(soiree.JoinError) as refused:
        async with join(server.url, code, "websocket", resume=token):
            pass
    assert refused.value.code == "session-gone"


async def _count(room: soiree.Room, speaker: int, count: int, heard: list[int]) -> list[int]:
    """Fill in the numbers of the first `count` events of a peer, and return them."""
    async for told in room.changes(state=False):
        if isinstance(told, soiree.Event) and told.peer == speaker:
            heard.append(told.payload)
            if len(heard) == count:
                break
    return heard


async def _say(room: soiree.Room, count: int, every_s: float = 0.02) -> None:
    """Numbered events, paced below the rate of PROTOCOL 8, each sent without waiting for the answer to the last."""
    said = []
    for number in range(count):
        said.append(asyncio.ensure_future(room.send_event("count", number)))
        if number % 10 == 9:
            await asyncio.sleep(every_s)
    await asyncio.gather(*said)


@pytest.mark.parametrize("engine", WAYS[:-1])
async def test_transports_may_change_under_1000_messages_each_way(party_of: PartyOf, engine: str) -> None:
    server = party_of(engine)
    async with crowd(server.url, server.room(), engine, "websocket") as (mover, other):
        me = mover.peer_id
        hearing = [
            asyncio.create_task(_count(mover, other.peer_id, MESSAGES, [])),
            asyncio.create_task(_count(other, me, MESSAGES, [])),
        ]
        await asyncio.sleep(0)
        talking = asyncio.gather(_say(mover, MESSAGES), _say(other, MESSAGES))
        for transport in ("websocket", "webrtc", "websocket", "webrtc"):
            await mover.switch(transport)
            assert mover.transport == transport
        assert not talking.done(), "the transport changed while they talked"
        await talking
        for heard in await asyncio.gather(*hearing):
            assert heard == list(range(MESSAGES))
        assert mover.peer_id == me
        assert mover.stats().connections == 5
        assert mover.closed is None


@pytest.mark.timeout(110)
async def test_a_network_that_fails_for_10_s_loses_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Client and server are in two network namespaces, and frames between them go nowhere for a while: nothing is told of it to either."""
    async with namespace() as space, AsyncExitStack() as stack:
        talks = []
        for way in WAYS:
            server = stack.enter_context(
                party(server_engine(way), tmp_path_factory.mktemp(way), "--host", space.outside)
            )
            code = server.room()
            witness = await stack.enter_async_context(soiree.join(server.url, room=code, transport="websocket"))
            cut_off = victim(server.url, code, way, bind=space.inside, before=space.prefix)
            talks.append((way, server, witness, await stack.enter_async_context(cut_off)))
        heard: list[list[int]] = [[] for _ in talks]
        outage = asyncio.create_task(_outage(space, heard))
        await asyncio.gather(
            *(
                _talk(way, witness, cut_off, hears, outage)
                for (way, _, witness, cut_off), hears in zip(talks, heard, strict=True)
            )
        )
        for _, server, _, _ in talks:
            assert server.complaints() == []


async def _outage(space: Namespace, heard: list[list[int]]) -> float:
    """Fail once all of them talk, and recover: when that was."""
    await until(lambda: all(len(numbers) >= SAID for numbers in heard), within_s=30, what="all talk")
    await space.fail()
    await asyncio.sleep(OUTAGE_S)
    await space.recover()
    return time.monotonic()


async def _talk(
    way: str, witness: soiree.Room, cut_off: VictimProcess, heard: list[int], outage: "asyncio.Task[float]"
) -> None:
    """Both say numbered events all through the outage, and both hear all of them, once and in order."""
    lent = await witness.spawn("lent", rule="allow")
    await until(lambda: lent.owner == cut_off.peer, what="the victim owns what was lent")
    before = await cut_off.owns(lent.id)
    hearing = asyncio.create_task(_count(witness, cut_off.peer, MESSAGES, heard))
    causes = asyncio.create_task(_causes(witness, lent, 2))
    await asyncio.sleep(0)
    cut_off.order(f"talk {MESSAGES}")
    await _say(witness, MESSAGES, every_s=0.13)
    (lapse, _), (resume, back) = await causes
    assert (lapse, resume) == ("lapse", "resume")
    print(f"{way}: back {back - await outage:.2f} s after the network")
    assert await hearing == list(range(MESSAGES))
    await cut_off.told("talked")
    after = await cut_off.comes_to(before | {"heard": list(range(MESSAGES))}, "peer", "owned", "mastered", "heard")
    assert after["closed"] is None
    assert after["connections"] > before["connections"]


async def _causes(room: soiree.Room, entity: soiree.Entity, count: int) -> list[tuple[str, float]]:
    """Why and when an entity changed its owner, for so many times."""
    causes: list[tuple[str, float]] = []
    async for told in room.changes(state=False):
        if isinstance(told, soiree.OwnerChanged) and told.entity is entity:
            causes.append((told.cause, time.monotonic()))
            if len(causes) == count:
                break
    return causes
