"""One command, and there is a city: a visitor sees houses stand, vehicles drive, people ride in them and walk."""

import asyncio
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

import soiree
from party.command import party
from party.config import PartyConfig
from party.demo.city import CITY_CODE
from party.server import PartyServer
from relay.config import RelayConfig
from relay.service import RelayService
from signalling.config import HomeConfig
from soiree.ticket import TicketVerifier

ENTITIES = 500


async def test_a_visitor_sees_the_city_live(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = PartyConfig(HomeConfig(port=0, data_dir=tmp_path), RelayConfig(engine="none"))
    server = PartyServer(replace(config, demo="city", demo_entities=ENTITIES))
    await server.start()
    try:
        async with asyncio.timeout(30), soiree.join(server.url, room=CITY_CODE, name="Ada") as room:
            await room.spawn("avatar", position=(0, 0, 0), rule="deny", upright=True)
            begun: dict[int, tuple[float, float, float]] = {}
            driven_m: Counter[int] = Counter()
            fidgeted: set[int] = set()
            async for change in room.changes():
                match change:
                    case soiree.StateUpdated(entity) if entity.kind == "vehicle":
                        start = begun.setdefault(entity.id, entity.position)
                        driven_m[entity.id] = round(math.dist(start, entity.position))
                    case soiree.StateUpdated(entity) if entity.kind == "person" and entity.parent:
                        fidgeted.add(entity.id)
                if sum(far > 20 for far in driven_m.values()) >= 5 and fidgeted:
                    break
            kinds = Counter(entity.kind for entity in room.entities.values())
            assert {"house", "tree", "lamp", "bench", "vehicle", "cabin", "person", "avatar"} == set(kinds)
            rider = room.entities[next(iter(fidgeted))]
            cabin = room.entities[rider.parent]
            assert (cabin.kind, room.entities[cabin.parent].kind) == ("cabin", "vehicle")
            house = next(entity for entity in room.entities.values() if entity.kind == "house")
            assert (house.owner, house.rule) == (0, "deny")
            assert all(peer.name.startswith("City traffic") for peer in room.peers.values() if peer.id != room.peer_id)
    finally:
        await server.stop()
    assert not caplog.records


async def test_when_a_driver_is_thrown_out_all_of_them_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    relays: list[RelayService] = []

    class Known(RelayService):
        def __init__(self, config: RelayConfig, verifier: TicketVerifier) -> None:
            super().__init__(config, verifier)
            relays.append(self)

    monkeypatch.setattr("party.server.RelayService", Known)
    monkeypatch.setattr("party.demo.city.RETRY_S", 0.1)
    config = PartyConfig(HomeConfig(port=0, data_dir=tmp_path), RelayConfig(engine="none"))
    server = PartyServer(replace(config, demo="city", demo_entities=ENTITIES))
    await server.start()
    try:
        [room_id] = relays[0]._rooms
        async with asyncio.timeout(30), soiree.join(server.url, room=CITY_CODE, name="Ada") as room:
            first: set[int] = set()
            drivers: set[int] = set()
            vehicles: set[int] = set()
            kicked = False
            async for change in room.changes():
                drivers = {peer.id for peer in room.peers.values()} - {room.peer_id}
                vehicles = {entity.id for entity in room.entities.values() if entity.kind == "vehicle"}
                if not kicked and len(drivers) == 2 and vehicles and isinstance(change, soiree.StateUpdated):
                    first, kicked = drivers, await relays[0].kick(room_id, min(drivers), "out")
                elif kicked and len(drivers) == 2 and not drivers & first and vehicles:
                    break
            assert {room.entities[vehicle].owner for vehicle in vehicles} <= drivers
    finally:
        await server.stop()
    assert [record.message for record in caplog.records] == ["the traffic has stopped: kicked; again in 0 s"]


def test_entities_are_only_for_the_city() -> None:
    done = CliRunner().invoke(party, ["--demo", "party", "--entities", "1000"])
    assert done.exit_code == 2
    assert "--entities is for --demo city" in done.output


@pytest.mark.parametrize("entities", ["499", "100001"])
def test_a_city_has_its_bounds(entities: str) -> None:
    done = CliRunner().invoke(party, ["--demo", "city", "--entities", entities])
    assert done.exit_code == 2
    assert "500<=x<=100000" in done.output
