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
from signalling.config import HomeConfig

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


def test_entities_are_only_for_the_city() -> None:
    done = CliRunner().invoke(party, ["--demo", "party", "--entities", "1000"])
    assert done.exit_code == 2
    assert "--entities is for --demo city" in done.output


@pytest.mark.parametrize("entities", ["499", "100001"])
def test_a_city_has_its_bounds(entities: str) -> None:
    done = CliRunner().invoke(party, ["--demo", "city", "--entities", entities])
    assert done.exit_code == 2
    assert "500<=x<=100000" in done.output
