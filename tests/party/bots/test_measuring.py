"""Bytes on the wire are counted with the headers of what carried them, and metrics that cannot be read are no error."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

import soiree
from party.bots.measuring import Carried, late_ticks
from party.bots.report import WEBSOCKET_OVERHEAD_BYTES
from party.bots.tally import Tally
from party.bots.wanderer import Wanderer
from relay.budget import FRAME_OVERHEAD_BYTES
from soiree import rtc
from soiree.client.ladder import Choice
from tests.party_server import Party, running_party

WAYS: list[tuple[Choice, str, int]] = [
    ("websocket", "auto", WEBSOCKET_OVERHEAD_BYTES),
    *(("webrtc", engine, FRAME_OVERHEAD_BYTES) for engine in rtc.available()),
]


@pytest_asyncio.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    async with running_party(tmp_path) as running:
        yield running


@pytest.mark.parametrize(("transport", "engine", "overhead"), WAYS)
async def test_headers_are_those_of_the_transport(party: Party, transport: Choice, engine: str, overhead: int) -> None:
    async with soiree.join(party.url, room=party.room, transport=transport, engine=engine) as room:
        bot = Wanderer(0, room, Tally(), Random(1))
        before = Carried.of(bot)
        assert before.overhead == overhead
        await bot.enter(20.0, 0.0)
        came = Carried.of(bot) - before
        assert came.packets > 0
        assert came.bits(came.overhead) == 8 * (came.octets + overhead * came.packets)


async def test_a_party_tells_its_late_ticks_and_others_do_not(party: Party) -> None:
    told = await late_ticks(party.url)
    assert told is not None
    assert told.longest_since(told) == 0
    assert await late_ticks(f"{party.url}/nowhere") is None
    assert await late_ticks("http://127.0.0.1:9") is None
