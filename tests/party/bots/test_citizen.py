"""People of the city ride in cabins, their own and others', and others see them do it."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio

import soiree
from party.bots.citizen import Citizen
from party.bots.streets import Lap, Round
from party.bots.tally import Tally
from tests.party_server import Party, running_party

LAP = Lap(0, 0, 40, 40, 5)


@pytest_asyncio.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    async with running_party(tmp_path) as running:
        yield running


@contextlib.asynccontextmanager
async def citizen(party: Party, index: int, *, seed: int, on_foot: bool = False) -> AsyncIterator[Citizen]:
    async with soiree.join(party.url, room=party.room, name=f"citizen {index}", transport="websocket") as room:
        way = Round(LAP, 8.0, Random(seed))
        bot = Citizen(index, room, Tally(), Random(seed), way, on_foot=on_foot)
        await bot.enter(20.0, 0.0)
        yield bot


async def known(room: soiree.Room, entity_id: int) -> soiree.Entity:
    """The entity, once it is in sight."""
    changes = room.changes(state=False)
    while entity_id not in room.entities:
        await anext(changes)
    return room.entities[entity_id]


async def test_a_rider_gets_in_and_out_and_home_and_others_see_it(party: Party) -> None:
    async with citizen(party, 0, seed=1) as host, citizen(party, 1, seed=2) as guest:
        assert host.cabin is not None
        assert guest.cabin is not None
        seen = await known(host.room, guest.avatar.id)
        assert seen.parent == guest.cabin.id
        changes = host.room.changes(state=False)
        cabin = await known(guest.room, host.cabin.id)
        assert cabin.attach_rule == "allow"
        guest.stop()  # it dawdles nowhere
        await guest.ride(cabin, host)
        moves: list[int] = []
        async for change in changes:
            if isinstance(change, soiree.ParentChanged) and change.entity is seen:
                moves.append(change.parent)
                if len(moves) == 3:
                    break
        assert moves == [host.cabin.id, 0, guest.cabin.id]
        assert guest.tally.rides == 1
        assert guest.eye == guest.place


async def test_the_eye_is_where_the_rider_is(party: Party) -> None:
    async with (
        citizen(party, 0, seed=1) as host,
        citizen(party, 1, seed=2) as guest,
        citizen(party, 2, seed=3, on_foot=True) as walker,
    ):
        assert guest.eye == guest.place
        assert walker.eye == walker.place
        assert walker.vehicle is None
        assert guest.driving
        assert not walker.driving
        assert host.cabin is not None
        await guest.get_into(await known(guest.room, host.cabin.id), host)
        assert guest.eye == host.place != guest.place
        await guest.avatar.set_parent(None)
        assert guest.eye == (guest.avatar.position[0], guest.avatar.position[2])


async def test_a_closed_cabin_is_not_got_into(party: Party) -> None:
    async with citizen(party, 0, seed=1) as host, citizen(party, 1, seed=2) as guest:
        assert host.cabin is not None
        await host.cabin.set_attach_rule("owner")
        cabin = await known(guest.room, host.cabin.id)
        guest.stop()
        with pytest.raises(soiree.RefusedError) as refused:
            await guest.ride(cabin, host)
        assert refused.value.reason == "attach-rule"
        assert guest.eye == guest.place
