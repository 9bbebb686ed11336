"""A peer that dies without a word: what it owned lapses, others are told, its things follow their lifetimes (PROTOCOL 6 and 7)."""

import asyncio
import signal
import time
from dataclasses import dataclass, field

import pytest

import soiree
from soiree import rtc
from tests.system.party_process import PartyOf
from tests.system.victim_process import victim
from tests.system.ways import BEST, WAYS, change, join, until

LAPSE_S, AWAY_S, LEFT_S = 5.0, 10.0, 30.0
EARLY_S = 0.7
"""The relay counts from the last sign of life, which comes up to an idle frame (0.2 s) before the kill; and clocks are read late."""
LATE_S = 1.5


@dataclass
class Obituary:
    """When what was told of one victim, seconds after its death."""

    lapsed: float = 0.0
    away: float = 0.0
    left: float = 0.0
    box_gone: float = 0.0
    car_inherited: float = 0.0
    causes: list[str] = field(default_factory=list)


async def _watch(room: soiree.Room, peer: int, lent: int, told: Obituary, ready: asyncio.Event) -> None:
    """Fill in the obituary until all of it is known."""
    died = 0.0
    changes = room.changes(state=False)
    ready.set()
    async for happened in changes:
        after = time.monotonic() - died
        if isinstance(happened, soiree.OwnerChanged) and happened.entity.id == lent:
            told.causes.append(happened.cause)
            told.lapsed = time.monotonic()
        elif isinstance(happened, soiree.Away) and happened.peer.id == peer:
            told.away = after
        elif isinstance(happened, soiree.MasterChanged) and happened.former == peer:
            told.car_inherited = after
        elif isinstance(happened, soiree.Despawned) and happened.entity.master == peer:
            told.box_gone = after
        elif isinstance(happened, soiree.Left) and happened.peer.id == peer:
            told.left = after
            return


async def _kill(url: str, code: str, way: str, number: signal.Signals) -> Obituary:
    """Let a victim own something of ours, end it, and note what we hear of it."""
    told, ready = Obituary(), asyncio.Event()
    async with join(url, code, "websocket", name="witness") as room:
        async with victim(url, code, way) as dying:
            lent = await room.spawn("lent", rule="allow")
            await until(lambda: lent.owner == dying.peer, what="the victim owns what was lent")
            await until(lambda: sum(thing.master == dying.peer for thing in room.entities.values()) == 2)
            watching = asyncio.create_task(_watch(room, dying.peer, lent.id, told, ready))
            await ready.wait()
            died = time.monotonic()
            dying.process.send_signal(number)
            await asyncio.wait_for(watching, 60)
        assert lent.owner == room.peer_id
    told.lapsed -= died
    for name in ("away", "left", "box_gone", "car_inherited"):
        setattr(told, name, getattr(told, name) - died)
    return told


def _check(way: str, number: signal.Signals, told: Obituary) -> None:
    away_s = 0.0 if way == "websocket" and number is signal.SIGKILL else AWAY_S
    print(f"{way:15} {number.name}: lapsed {told.lapsed:.2f} s, away {told.away:.2f} s, left {told.left:.2f} s")
    assert told.causes == ["lapse"]
    assert LAPSE_S - EARLY_S < told.lapsed < LAPSE_S + LATE_S
    assert away_s - EARLY_S < told.away < away_s + LATE_S
    assert away_s + LEFT_S - EARLY_S < told.left < away_s + LEFT_S + LATE_S
    assert told.left < 40 + LATE_S
    assert abs(told.box_gone - told.left) < 0.5
    assert abs(told.car_inherited - told.left) < 0.5


@pytest.mark.timeout(110)
async def test_what_a_killed_peer_owned_lapses_at_5_s_it_is_away_by_10_and_has_left_by_40(party_of: PartyOf) -> None:
    cases = [
        *((engine, engine, signal.SIGKILL) for engine in rtc.available()),
        (BEST, "websocket", signal.SIGKILL),
        (BEST, "websocket", signal.SIGSTOP),
    ]
    parties = {engine: party_of(engine) for engine, _, _ in cases}
    rooms = [parties[engine].room() for engine, _, _ in cases]
    obituaries = await asyncio.gather(
        *(
            _kill(parties[engine].url, code, way, number)
            for (engine, way, number), code in zip(cases, rooms, strict=True)
        )
    )
    for (_, way, number), told in zip(cases, obituaries, strict=True):
        _check(way, number, told)
    for engine, server in parties.items():
        await until(lambda server=server: server.metric("soiree_peers") == 0, what=f"{engine}: nobody is left")  # type: ignore[misc]
        assert server.metric("soiree_leaves_total", reason="timeout") >= 1


async def test_a_peer_frozen_for_10_s_comes_back_to_all_that_is_its_own(party_of: PartyOf) -> None:
    servers = {way: party_of(BEST if way == "websocket" else way) for way in WAYS}
    await asyncio.gather(*(_freeze(server.url, server.room(), way) for way, server in servers.items()))


async def _freeze(url: str, code: str, way: str) -> None:
    async with join(url, code, "websocket", name="witness") as room, victim(url, code, way) as frozen:
        lent = await room.spawn("lent", rule="allow")
        await until(lambda: lent.owner == frozen.peer, what="the victim owns what was lent")
        before = await frozen.owns(lent.id)
        changes = room.changes(state=False)
        frozen.process.send_signal(signal.SIGSTOP)
        lapse = await change(changes, soiree.OwnerChanged)
        assert (lapse.cause, lapse.owner) == ("lapse", room.peer_id)
        assert (await change(changes, soiree.Away)).peer.away
        frozen.process.send_signal(signal.SIGCONT)
        back = await change(changes, soiree.OwnerChanged)
        assert (back.cause, back.owner) == ("resume", frozen.peer)
        await until(lambda: not room.peers[frozen.peer].away, what="it is back")
        await frozen.comes_to(before, "peer", "owned", "mastered")
