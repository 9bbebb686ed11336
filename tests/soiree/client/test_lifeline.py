"""A session is kept whatever order things happen in: real room, lifeline and ladder on a real relay's room, over slow ways."""

import asyncio
from random import Random

import msgspec
import pytest

from soiree.client import ladder
from soiree.client.errors import SoireeError
from soiree.client.lobby import Admission
from soiree.client.room import Room
from tests.soiree.client.slow_ways import SlowLadder, SlowRelay

SEEDS = 80
AT_A_TIME = 20
"""Each has a relay of its own, whose ticks must not come late because of the others."""
BOXES = 3


ADMISSION = msgspec.convert(
    {
        "peer_id": 2,
        "session": "s",
        "ticket": "ticket",
        "resume": "resume",
        "identity": "",
        "data_url": "",
        "signal_url": "",
        "ice_servers": [],
        "transports": ["webrtc", "websocket"],
        "room": {
            "id": "room-id",
            "code": "room-code",
            "name": "Room",
            "peers": 0,
            "capacity": 64,
            "public": False,
            "locked": False,
            "password": False,
            "invite_url": "",
            "created_at": "2026-01-01T00:00:00Z",
        },
    },
    Admission,
)


async def _stay(seed: int, *, breaks: bool) -> None:
    """Come in, do things, and see that all is well in the end."""
    random = Random(seed)
    relay = SlowRelay(random)
    room = Room("guest", "resume", "identity", lambda lifeline: SlowLadder(lifeline, relay, ADMISSION))
    life = room._lifeline
    clock = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(20):
            await room.open()
            for _ in range(BOXES):
                await room.spawn("box")
                if breaks and life.carrier is not None and random.random() < 0.7:
                    life.carrier.closed(1, "failed")
                await asyncio.sleep(random.random() * 0.2)
            while room.transport != "webrtc" or relay.attached() is not life.carrier:
                await relay.next_tick()
            await room.spawn("box")
        assert len(room.entities) == BOXES + 1
    except (AssertionError, SoireeError, TimeoutError) as error:
        error.add_note(f"seed {seed}: {room._ended}, {room._session.phase}, on {room.transport}")
        raise
    finally:
        await room.leave()
        clock.cancel()
        await asyncio.wait({clock})


@pytest.mark.parametrize("breaks", [False, True], ids=["slow in every order", "and connections break"])
async def test_never_stuck_never_ended(breaks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ladder, "HEAD_START_S", 0.1)
    places = asyncio.Semaphore(AT_A_TIME)

    async def stay(seed: int) -> None:
        async with places:
            await _stay(seed, breaks=breaks)

    outcomes = await asyncio.gather(*map(stay, range(SEEDS)), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        raise ExceptionGroup("of the stays", failures)
