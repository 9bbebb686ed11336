"""What is played at a `Table`, step by step, and what everybody must know after each: the same whichever way packets travel."""

import asyncio
from dataclasses import dataclass

from tests.godot.table import AGREED_WITHIN_S, Known, Player, Table, in_words

NAMES = ("host", "ann", "bob", "cid")
LOSSY_TRIES = 3
NOTICED_WITHIN_S = 40.0
"""Browsers take their time to notice that the other side of a sealed bridge is gone (docs/GODOT.md)."""


@dataclass(frozen=True, slots=True)
class Way:
    """How the packets of a game travel."""

    prefix: str
    mesh: bool = False
    has_server: bool = True
    """Whether the host is the peer 1 that the engine looks at as its server."""
    room: bool = False
    """By `SoireeMultiplayerPeer` and a room instead of a lobby and the engine's own peer."""


WAYS = {
    "direct": Way(""),
    "direct-mesh": Way("", mesh=True),
    "bridge": Way("bridge+ru:"),
    "bridge-mesh": Way("bridge+ru:", mesh=True),
    "relay": Way("relay+ru:", has_server=False),
    "room": Way("", room=True),
}


async def seated(table: Table, players: dict[str, Player], way: Way, password: str = "") -> None:
    """All join, and know of each other."""
    for name in NAMES:
        await come(table, players[name], way, password)
    await table.agree({name: {"peers": others(name), "signals": met(name, way)} for name in NAMES})


async def come(table: Table, player: Player, way: Way, password: str = "") -> Known:
    """One joins the game."""
    if way.room:
        return await table.enter(player, password=password)
    lobby = table.players[0].lobby if table.players else way.prefix
    return await table.join(player, lobby, mesh=way.mesh, password=password)


def others(name: str, of: tuple[str, ...] = NAMES) -> list[str]:
    """All but one, in a fixed order."""
    return sorted(other for other in of if other != name)


def met(name: str, way: Way) -> list[list[str]]:
    """Which signals say so."""
    connected = [["connected_to_server"]] if name != "host" or not way.has_server else []
    return connected + [["peer_connected", other] for other in others(name)]


LOSSY = ("unreliable", "ordered", "second_channel")
SURE = ("reliable", "local", "first_channel")
HEARD_AT_HOME = ("local", "second_channel")


async def calls_of_every_kind(table: Table) -> None:
    for player in table.players:
        for method in SURE:
            await player.do("call", method, f"of {player.name}", 0)
        for _ in range(LOSSY_TRIES):
            for method in LOSSY:
                await player.do("call", method, f"lossy of {player.name}", 0)
        for other in table.players:
            if other is not player:
                await player.do("call", "whisper", [f"to {other.name}", 1.5, None, {"a": [True]}], other.peer)
    await table.players[0].do("call", "decree", "so be it", 0)
    await table.players[1].do("bytes", 15_000, 0)
    await table.agree({name: {"heard": all_heard(name)} for name in NAMES})


def all_heard(name: str) -> list[list[object]]:
    """What one player hears of the others' calls, and of its own."""
    heard: list[list[object]] = [[name, method, words_of(name, method)] for method in HEARD_AT_HOME]
    for other in others(name):
        heard += [[other, method, words_of(other, method)] for method in (*SURE, *LOSSY)]
        heard.append([other, "whisper", [f"to {name}", 1.5, None, {"a": [True]}]])
    if name != "host":
        heard.append(["host", "decree", "so be it"])
    if name != "ann":
        heard.append(["ann", "bytes", "15000 [0, 0, 0, 7]"])
    return sorted(heard, key=in_words)


def words_of(name: str, method: str) -> str:
    """What a player says by this call."""
    return f"{'lossy ' if method in LOSSY else ''}of {name}"


async def a_decree_of_somebody_else_is_refused(table: Table) -> None:
    ann = table.players[1]
    await ann.do("call", "decree", "I am the host", 0)
    await ann.do("call", "reliable", "after", 0)
    after: list[list[object]] = [["ann", "reliable", "after"]]
    expected = {name: sorted(all_heard(name) + after, key=in_words) for name in others("ann")}
    await table.agree({name: {"heard": heard} for name, heard in expected.items()})
    for player in table.players:
        if player is not ann:
            assert "RPC 'decree' is not allowed" in player.game.complaints[0]
            player.game.errors.clear()


async def bytes_on_every_channel(table: Table) -> None:
    host, ann, bob, cid = table.players
    for _ in range(LOSSY_TRIES):
        for player in table.players:
            assert await player.do("send", "lossy to all", 0) == []
        assert await host.do("send", "lossy to one", ann.peer) == []
        assert await ann.do("send", "lossy to all but one", -bob.peer) == []

    def said(who: str, words: str) -> list[list[str]]:
        return [[who, f"{words} {mode} {channel}"] for mode in range(3) for channel in range(3)]

    expected = {name: [row for other in others(name) for row in said(other, "lossy to all")] for name in NAMES}
    expected["ann"] += said("host", "lossy to one")
    for player in (host, cid):
        expected[player.name] += said("ann", "lossy to all but one")
    await table.agree({name: {"raw": sorted(rows)} for name, rows in expected.items()})


async def pawns_of_everybody(table: Table) -> None:
    host = table.players[0]
    await host.do("name_clock", "noon")
    for player in table.players:
        await host.do("seat", player.peer)
    bare = {name: ["(0.0, 0.0, 0.0)", "", name] for name in NAMES}
    await table.agree({name: {"pawns": bare, "clock": "noon"} for name in NAMES})
    for number, player in enumerate(table.players):
        assert await player.do("dress", number + 1, f"hat of {player.name}")
    await table.agree({name: {"pawns": dressed(NAMES)} for name in NAMES})
    before = {player.name: (await table.known(player))["ticks"] for player in table.players}
    async with asyncio.timeout(AGREED_WITHIN_S):
        for player in table.players:
            while (await table.known(player))["ticks"] <= before[player.name]:  # noqa: ASYNC110 (another engine knows)
                await asyncio.sleep(0.1)


def dressed(names: tuple[str, ...]) -> Known:
    """The pawns of these."""
    places = {name: number + 1 for number, name in enumerate(NAMES)}
    return {name: [f"({places[name]}.0, 0.5, -{places[name]}.0)", f"hat of {name}", name] for name in names}


async def things_come_and_go(table: Table) -> None:
    host = table.players[0]
    await host.do("bring", "lamp", "bright")
    await host.do("bring", "cup", "full")
    await host.do("value", "lamp", 7)
    lamp, cup = {"lamp": ["bright", 7, "host"]}, {"cup": ["full", 0, "host"]}
    await table.agree({name: {"things": lamp | cup} for name in NAMES})
    await host.do("take_away", "cup")
    await table.agree({name: {"things": lamp} for name in NAMES})


async def a_baton_changes_hands(table: Table) -> None:
    host, ann, bob, _ = table.players
    await host.do("hand_over", ann.peer, 0)
    await table.agree({name: {"baton": ["ann", ""]} for name in NAMES})
    await ann.do("write", "ann had it")
    await table.agree({name: {"baton": ["ann", "ann had it"]} for name in NAMES})
    await ann.do("hand_over", bob.peer, 0)
    await table.agree({name: {"baton": ["bob", "ann had it"]} for name in NAMES})
    await bob.do("write", "bob has it")
    await table.agree({name: {"baton": ["bob", "bob has it"]} for name in NAMES})


async def one_leaves_and_comes_back_late(table: Table, way: Way) -> None:
    host, _, bob, cid = table.players
    left = str(cid.peer)
    await table.part(cid)
    rest = NAMES[:3]
    await table.agree({name: {"peers": others(name, rest)} for name in rest})
    for player in table.players:
        assert ["peer_disconnected", left] in (await table.known(player))["signals"]
    await host.do("unseat", int(left))
    await table.agree({name: {"pawns": dressed(rest)} for name in rest})
    await come(table, cid, way)
    assert str(cid.peer) != left
    await table.agree({name: {"peers": others(name)} for name in NAMES})
    await host.do("seat", cid.peer)
    await host.do("hand_over", bob.peer, cid.peer)
    await table.agree(
        {
            "cid": {
                "pawns": dressed(rest) | {"cid": ["(0.0, 0.0, 0.0)", "", "cid"]},
                "things": {"lamp": ["bright", 7, "host"]},
                "clock": "noon",
                "heard": [],
                "signals": met("cid", way),
            }
        }
    )
    await bob.do("write", "for the late one")
    await table.agree({name: {"baton": ["bob", "for the late one"]} for name in NAMES})


async def sealed_it_takes_nobody_and_plays_on(table: Table, way: Way) -> None:
    host, ann, _, cid = table.players
    await table.part(cid)
    rest = NAMES[:3]
    await host.do("seal")
    closed = {"sealed": True, "end": [1000, "Seal complete"]}
    refused = await come(table, cid, way)
    assert refused == {"trouble": [4000, "Lobby is sealed"]}
    await table.agree({name: {"peers": others(name, rest)} | closed for name in rest})
    await ann.do("call", "reliable", "still here", 0)
    await table.agree({name: {"last": ["ann", "reliable", "still here"]} for name in ("host", "bob")})


async def refusing_it_takes_nobody_and_plays_on(table: Table, way: Way) -> None:
    host, ann, _, cid = table.players
    await table.part(cid)
    rest = NAMES[:3]
    await host.do("refuse", True)
    await come(table, cid, way)
    await table.agree({"cid": {"peers": [], "signals": [["connection_failed"]]}})
    await table.part(cid)
    await host.do("refuse", False)
    await table.agree({name: {"peers": others(name, rest)} for name in rest})
    await ann.do("call", "reliable", "still here", 0)
    await table.agree({name: {"last": ["ann", "reliable", "still here"]} for name in ("host", "bob")})


async def the_host_leaves(table: Table, way: Way) -> None:
    host, ann, bob = table.players
    await table.part(host)
    alone = way.has_server and not way.mesh
    for player, other in ((ann, bob), (bob, ann)):
        await table.agree({player.name: {"peers": [] if alone else [other.name]}}, NOTICED_WITHIN_S)
        assert (["server_disconnected"] in (await table.known(player))["signals"]) is alone
