"""A real Godot game, with the engine's own peer in each kind of lobby and with ours in a room: the same comes out of all."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

import soiree
from signalling.godot import limits
from tests.godot.playing import (
    NAMES,
    WAYS,
    Way,
    a_baton_changes_hands,
    a_decree_of_somebody_else_is_refused,
    bytes_on_every_channel,
    calls_of_every_kind,
    come,
    one_leaves_and_comes_back_late,
    others,
    pawns_of_everybody,
    refusing_it_takes_nobody_and_plays_on,
    sealed_it_takes_nobody_and_plays_on,
    seated,
    the_host_leaves,
    things_come_and_go,
)
from tests.godot.rig import Godot
from tests.godot.table import Known, Player, Table, seats
from tests.party_server import Party, running_party

pytestmark = pytest.mark.asyncio(loop_scope="session")
PASSWORD = "swordfish"
IN_FLIGHT = re.compile(
    r'Parameter "(pinfo|node)" is null|Condition "!connected_peers.has\(sender\)" is true'
    r"|Ignoring (sync data from|delta for) non-authority|Failed to get cached node from peer"
    r'|Node not found: "Main/World/Pawns/'
)
"""What the engine says of state that was on its way when its node, its authority or its sender went, in any kind of lobby."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def players(_godot: Godot) -> AsyncIterator[dict[str, Player]]:
    """Engines, started once for all of these tests."""
    made = await seats(_godot, *NAMES)
    yield made
    for player in made.values():
        await player.game.leave()
        _godot.games.remove(player.game)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def party(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Party]:
    async with running_party(tmp_path_factory.mktemp("party")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def table(party: Party, players: dict[str, Player]) -> AsyncIterator[Table]:
    """Nobody sits there yet; in the end no engine may have complained of anything."""
    made = Table(party)
    yield made
    await made.close()
    complaints = [line for player in players.values() for line in player.game.complaints if not IN_FLIGHT.search(line)]
    for player in players.values():
        player.game.errors.clear()
        await player.do("leave")
    assert complaints == []


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_game_plays_as_it_should(
    table: Table, players: dict[str, Player], way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SEAL_CLOSE_TIMEOUT_S", 0.5)
    await seated(table, players, way)
    await calls_of_every_kind(table)
    await a_decree_of_somebody_else_is_refused(table)
    await bytes_on_every_channel(table)
    await pawns_of_everybody(table)
    await things_come_and_go(table)
    assert [player.game.complaints for player in table.players] == [[]] * 4
    await a_baton_changes_hands(table)
    await one_leaves_and_comes_back_late(table, way)
    if way.room:
        await refusing_it_takes_nobody_and_plays_on(table, way)
    else:
        await sealed_it_takes_nobody_and_plays_on(table, way)
    if way is not WAYS["bridge-mesh"]:  # it would be as slow as in the other bridge, and show nothing else
        await the_host_leaves(table, way)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_game_that_authenticates_lets_in_whom_it_should(
    table: Table, players: dict[str, Player], way: Way
) -> None:
    await seated(table, players, way, PASSWORD)
    for player in table.players:
        await player.do("call", "reliable", "in", 0)
    said = {name: others(name) if way.mesh or name == "host" else ["host"] for name in NAMES}
    if not way.has_server:
        said = {name: [] for name in NAMES}
    expected: dict[str, Known] = {
        name: {
            "passwords": [[other, PASSWORD] for other in said[name]],
            "heard": [[other, "reliable", "in"] for other in others(name)],
        }
        for name in NAMES
    }
    await table.agree(expected)


@pytest.mark.parametrize("name", ["direct", "bridge", "bridge-mesh", "room"])
async def test_a_wrong_password_is_noticed_by_the_game_alone(
    table: Table, players: dict[str, Player], name: str
) -> None:
    way = WAYS[name]
    await come(table, players["host"], way, PASSWORD)
    await come(table, players["ann"], way, PASSWORD)
    await table.agree({"host": {"peers": ["ann"]}, "ann": {"peers": ["host"]}})
    await come(table, players["cid"], way, "guessed")
    met_ann = [["peer_connected", "ann"]]
    await table.agree({"host": {"signals": met_ann}, "cid": {"peers": [], "signals": []}, "ann": {"peers": ["host"]}})


async def test_a_host_sends_somebody_away(table: Table, players: dict[str, Player]) -> None:
    await seated(table, players, WAYS["room"])
    host, ann, bob, cid = table.players
    await host.do("kick", ann.peer)
    await table.agree({"ann": {"peers": []}, "bob": {"peers": ["cid", "host"]}, "host": {"peers": ["bob", "cid"]}})
    assert ["server_disconnected"] in (await table.known(ann))["signals"]
    await table.part(ann)
    await table.part(bob)
    await table.agree({"cid": {"peers": ["host"]}})
    assert ["peer_disconnected", str(bob.peer)] in (await table.known(cid))["signals"]


async def test_packets_longer_than_a_message_arrive_whole(table: Table, players: dict[str, Player]) -> None:
    for name in ("host", "ann", "bob"):
        await table.enter(players[name])
    await table.agree({name: {"peers": others(name, ("host", "ann", "bob"))} for name in ("host", "ann", "bob")})
    await players["host"].do("bytes", 200_000, 0)
    await players["ann"].do("bytes", 12_285, players["bob"].peer)
    heard = ["host", "bytes", "200000 [0, 0, 0, 7]"]
    await table.agree({"ann": {"heard": [heard]}, "bob": {"heard": [["ann", "bytes", "12285 [0, 0, 0, 7]"], heard]}})
    await players["ann"].do("bytes", 300_000, 1)
    assert "a packet of 3000" in players["ann"].game.complaints[0]
    players["ann"].game.errors.clear()


async def test_another_host_takes_over_where_that_was_wished(table: Table, players: dict[str, Player]) -> None:
    host, ann, bob = (players[name] for name in ("host", "ann", "bob"))
    for player in (host, ann, bob):
        await table.enter(player, host_migration=True, transport="websocket")
    await table.agree({name: {"peers": others(name, ("host", "ann", "bob"))} for name in ("host", "ann", "bob")})
    await table.part(host)
    assert (await ann.game.line(r"saw migration to (\d+)"))[1] == "1"
    assert (await bob.game.line(r"saw migration to (\d+)"))[1] == str(bob.peer)
    ann.peer = table.host = 1
    await table.agree({"ann": {"peers": ["bob"]}, "bob": {"peers": ["ann"]}})
    await bob.do("call", "reliable", "up", 0)
    await ann.do("call", "decree", "down", 0)
    await table.agree({"ann": {"heard": [["bob", "reliable", "up"]]}, "bob": {"heard": [["ann", "decree", "down"]]}})


BROADCASTS = 60
CROWD = 16


async def test_a_host_says_once_what_it_says_to_sixteen(table: Table, players: dict[str, Player], party: Party) -> None:
    host = players["host"]
    await table.enter(host)
    code = table.link.rpartition("/")[2]
    spent: dict[tuple[int, str], float] = {}
    async with AsyncExitStack() as stack:
        for size in (1, CROWD):
            while len((await table.known(host))["peers"]) < size:
                await _stand_in(stack, party.url, code)
                await asyncio.sleep(0.1)
            for method in ("bytes", "quick_bytes"):
                spent[size, method] = await host.do("broadcast", method, BROADCASTS, 100)
    for method in ("bytes", "quick_bytes"):
        ratio = spent[CROWD, method] / spent[1, method]
        print(f"{method}: {spent[1, method]:.0f} B to one, {spent[CROWD, method]:.0f} B to {CROWD}: {ratio:.2f}")
        assert spent[1, method] > BROADCASTS * 100
        assert ratio <= 1.5


async def _stand_in(stack: AsyncExitStack, url: str, code: str) -> soiree.Room:
    """One who takes part as far as the host can tell."""
    room = await stack.enter_async_context(soiree.join(url, room=code, name="Stand-in", transport="websocket"))
    while not (seats := [entity for entity in room.entities.values() if entity.kind == "multiplayer.host"]):  # noqa: ASYNC110 (it is told soon, and by nothing that could be awaited)
        await asyncio.sleep(0.02)
    room.send(b"\0\1", to=seats[0].master, reliable=True)
    return room


async def test_hostile_players_in_a_room_are_ignored(table: Table, players: dict[str, Player]) -> None:
    host, ann = players["host"], players["ann"]
    await table.enter(host)
    await table.enter(ann)
    nonsense = [
        b"",
        b"\xff\xff",
        b"\4",
        b"\4\0\0\2",
        b"\4\0\0\2\xff\xff",
        b"\4\0\0\3\1\0x",
        b"\5" * 9,
        b"\5\0\0\1\0\2\0\1\0\2x",
    ]
    forged = [struct.pack("<BHBHBBi", 4, 1, 2, 6, 7, sub, peer) for sub in (1, 2, 3) for peer in (1, 99)]
    async with AsyncExitStack() as stack:
        code = table.link.rpartition("/")[2]
        hostile = await _stand_in(stack, table.party.url, code)
        stranger = str(hostile.peer_id)
        expected = {"host": {"peers": sorted([stranger, "ann"])}, "ann": {"peers": sorted([stranger, "host"])}}
        await table.agree(expected)
        seat = next(entity for entity in hostile.entities.values() if entity.kind == "multiplayer.host")
        for words in nonsense:
            for reliable in (True, False):
                hostile.send(words, to=seat.master, reliable=reliable)
        for words in (*nonsense, *forged, b"\1\1", b"\2\1", b"\3\1"):
            hostile.send(words, to=ann.peer, reliable=True)
        await hostile.set_budget(0)  # answered after all of that was handed on
        await ann.do("call", "reliable", "fine", 0)
        await table.agree(
            {"host": {"heard": [["ann", "reliable", "fine"]], **expected["host"]}, "ann": expected["ann"]}
        )
    await table.agree({"host": {"peers": ["ann"]}, "ann": {"peers": ["host"]}})
