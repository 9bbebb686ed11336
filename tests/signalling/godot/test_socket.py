"""The lobby protocol as clients see it: everything that the official servers do, each of their errors, and their close codes."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signalling.config import HomeConfig
from signalling.godot import limits
from signalling.godot.socket import DESK, HARD_LIMIT_BYTES
from soiree.rtc import IceServer
from tests.signalling.conftest import Lobby, running_lobby, until
from tests.signalling.godot.clients import (
    ANSWER,
    CANDIDATE,
    ICE,
    ID,
    JOIN,
    OFFER,
    PEER_CONNECT,
    PEER_DISCONNECT,
    SEAL,
    Guests,
    guests_of,
)

REFUSED = 4000


@pytest_asyncio.fixture
async def guests(lobby: Lobby) -> AsyncIterator[Guests]:
    async with guests_of(lobby) as made:
        yield made


@pytest.mark.parametrize("mesh", [True, False], ids=["mesh", "client-server"])
async def test_a_joiner_is_told_its_id_then_the_peers_then_the_lobby(guests: Guests, mesh: bool) -> None:
    host = await guests.come()
    assert await host.join(mesh=mesh) == [(ID, 1, "true" if mesh else ""), (JOIN, 0, host.lobby)]
    assert len(host.lobby) == 16
    assert host.lobby.isalnum()
    first = await guests.come()
    heard = await first.join(host.lobby)
    assert 2 <= first.peer < 2**31
    assert heard == [(ID, first.peer, "true" if mesh else ""), (PEER_CONNECT, 1, ""), (JOIN, 0, host.lobby)]
    assert await host.told() == (PEER_CONNECT, first.peer, "")
    second = await guests.come()
    heard = await second.join(host.lobby)
    known = [peer for kind, peer, _ in heard if kind == PEER_CONNECT]
    assert known == ([1, first.peer] if mesh else [1])
    assert await host.told() == (PEER_CONNECT, second.peer, "")
    if mesh:
        assert await first.told() == (PEER_CONNECT, second.peer, "")
    assert await first.is_in_peace()


async def test_descriptions_and_candidates_pass_as_they_are_and_name_their_sender(guests: Guests) -> None:
    host = await guests.hosting()
    guest = await guests.joining(host)
    await host.told()
    for kind, data in ((OFFER, "v=0\r\nwhatever ☃"), (ANSWER, ""), (CANDIDATE, "\n0\n0\ncandidate:1")):
        await guest.say(kind, 1, data)
        assert await host.told() == (kind, guest.peer, data)
        await host.say(kind, guest.peer, data)
        assert await guest.told() == (kind, 1, data)


async def test_numbers_may_have_a_point(guests: Guests) -> None:
    host = await guests.hosting()
    guest = await guests.joining(host)
    await host.told()
    await guest.ws.send_str('{"type": 4.0, "id": 1.0, "data": "x"}')
    assert await host.told() == (OFFER, guest.peer, "x")


async def test_who_leaves_is_told_of(guests: Guests) -> None:
    host = await guests.hosting(mesh=True)
    first, second = await guests.joining(host), await guests.joining(host)
    for _ in range(2):
        await host.told()
    await first.told()
    await second.ws.close()
    assert await host.told() == (PEER_DISCONNECT, second.peer, "")
    assert await first.told() == (PEER_DISCONNECT, second.peer, "")


async def test_without_its_host_a_lobby_ends(guests: Guests, lobby: Lobby) -> None:
    host = await guests.hosting()
    guest = await guests.joining(host)
    await host.ws.close()
    assert await guest.parted() == (REFUSED, "Room host has disconnected")
    late = await guests.come()
    await late.say(JOIN, 1, host.lobby)
    assert await late.parted() == (REFUSED, "Lobby does not exists")


async def test_a_sealed_lobby_lets_nobody_in_and_is_closed_in_time(
    guests: Guests, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.SEAL_CLOSE_TIMEOUT_S == 10.0
    monkeypatch.setattr(limits, "SEAL_CLOSE_TIMEOUT_S", 0.4)
    host = await guests.hosting()
    first, second = await guests.joining(host), await guests.joining(host)
    for _ in range(2):
        await host.told()
    await host.say(SEAL)
    for each in (host, first, second):
        assert await each.told() == (SEAL, 0, "")
    late = await guests.come()
    await late.say(JOIN, 1, host.lobby)
    assert await late.parted() == (REFUSED, "Lobby is sealed")
    await second.ws.close()
    assert await host.parted() == (1000, "Seal complete")
    assert await first.parted() == (1000, "Seal complete")


async def test_one_that_joins_nothing_is_closed(guests: Guests) -> None:
    idle = await guests.come()
    began = idle.ws._loop.time()
    assert await idle.parted() == (REFUSED, "Have not joined lobby yet")
    assert 0.8 < idle.ws._loop.time() - began < 3


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "hello",
        "[]",
        "1",
        "null",
        "{}",
        '{"type": 0, "id": 0}',
        '{"type": 0, "data": ""}',
        '{"id": 0, "data": ""}',
        '{"type": "0", "id": 0, "data": ""}',
        '{"type": 0, "id": null, "data": ""}',
        '{"type": 0, "id": 0, "data": 1}',
        '{"type": -1, "id": 0, "data": ""}',
        '{"type": 0, "id": -1, "data": ""}',
        '{"type": 0, "id": 4294967297, "data": ""}',
        '{"type": 0, "id": 1e999, "data": ""}',
        '{"type": 0, "id": true, "data": ""}',
        "[" * 5000,
    ],
)
async def test_what_is_no_message_is_refused(guests: Guests, frame: str) -> None:
    guest = await guests.come()
    await guest.ws.send_str(frame)
    assert await guest.parted() == (REFUSED, "Invalid message format")


async def test_binary_frames_are_refused(guests: Guests) -> None:
    guest = await guests.come()
    await guest.ws.send_bytes(b'{"type": 0, "id": 0, "data": ""}')
    assert await guest.parted() == (REFUSED, "Invalid transfer mode, must be text")


async def test_what_needs_a_lobby_is_refused_without_one(guests: Guests) -> None:
    for kind in (OFFER, ANSWER, CANDIDATE, SEAL, 99):
        guest = await guests.come()
        await guest.say(kind, 1, "x")
        assert await guest.parted() == (REFUSED, "Invalid message when not in a lobby")


async def test_misuse_in_a_lobby_closes_who_does_it_and_nobody_else(guests: Guests) -> None:
    host = await guests.hosting(mesh=True)
    cases = (
        ((SEAL, 0, ""), "Only host can seal the lobby"),
        ((JOIN, 0, ""), "Already in a lobby"),
        ((JOIN, 0, host.lobby), "Already in a lobby"),
        ((OFFER, 2, "x"), "Invalid destination"),
        ((CANDIDATE, 0, "x"), "Invalid destination"),
        ((ID, 0, ""), "Invalid command"),
        ((PEER_CONNECT, 1, ""), "Invalid command"),
        ((PEER_DISCONNECT, 1, ""), "Invalid command"),
        ((ICE, 1, ""), "Invalid command"),
        ((1000, 1, ""), "Invalid command"),
    )
    for said, words in cases:
        guest = await guests.joining(host)
        assert (await host.told())[0] == PEER_CONNECT
        await guest.say(*said)
        assert await guest.parted() == (REFUSED, words)
        assert await host.told() == (PEER_DISCONNECT, guest.peer, "")
    guest = await guests.joining(host)
    await host.told()
    await guest.say(OFFER, guest.peer, "to myself")
    assert await guest.parted() == (REFUSED, "Invalid destination")


async def test_who_writes_to_one_that_has_just_left_is_not_closed(guests: Guests) -> None:
    host = await guests.hosting()
    guest = await guests.joining(host)
    await host.told()
    await guest.ws.close()
    await host.told()
    await host.say(CANDIDATE, guest.peer, "late")
    assert await host.is_in_peace()


async def test_peers_lobbies_and_places_have_bounds(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PEERS", 4)
    monkeypatch.setattr(limits, "MAX_LOBBIES", 1)
    monkeypatch.setattr(limits, "MAX_PEERS_PER_LOBBY", 2)
    host = await guests.hosting()
    guest = await guests.come()
    await guest.say(JOIN, 1, "")
    assert await guest.parted() == (REFUSED, "Too many lobbies open, disconnecting")
    await guests.joining(host)
    third = await guests.come()
    await third.say(JOIN, 1, host.lobby)
    assert await third.parted() == (REFUSED, "Lobby is full")
    await guests.come()
    await guests.come()
    assert await (await guests.come()).parted() == (REFUSED, "Too many peers connected")


async def test_one_address_has_its_share_only(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_PEERS_PER_ADDRESS", 2)
    monkeypatch.setattr(limits, "MAX_LOBBIES_PER_ADDRESS", 1)
    await guests.hosting()
    second = await guests.come()
    assert await (await guests.come()).parted() == (REFUSED, "Too many peers connected")
    await second.say(JOIN, 1, "")
    assert await second.parted() == (REFUSED, "Too many lobbies open, disconnecting")


async def test_messages_have_a_rate_and_a_length(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MESSAGES_BURST", 20)
    host = await guests.hosting()
    for length, words in ((limits.MAX_MESSAGE_CHARS + 1, "Message is too long"),):
        guest = await guests.joining(host)
        await guest.ws.send_str("x" * length)
        assert await guest.parted() == (REFUSED, words)
    guest = await guests.joining(host)
    for _ in range(40):
        await guest.say(CANDIDATE, 1, "x")
    assert await guest.parted() == (REFUSED, "Too many messages")
    huge = await guests.joining(host)
    await huge.ws.send_str("x" * (HARD_LIMIT_BYTES + 1))
    assert (await huge.parted())[0] == 1009


async def test_who_reads_nothing_is_let_go(guests: Guests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signalling.godot.socket.OUTBOX", 8)
    host = await guests.hosting()
    guest = await guests.joining(host)
    host.ws._reader._protocol.pause_reading()
    for _ in range(200):
        await guest.say(CANDIDATE, 1, "x" * 40_000)
    assert await guest.parted() == (REFUSED, "Room host has disconnected")
    host.ws._reader._protocol.resume_reading()


async def test_a_client_that_asks_is_told_of_ice_servers_before_the_peers() -> None:
    servers = (IceServer(("turn:turn.example:3478",), "user", "secret"),)
    async with running_lobby(HomeConfig(ice_servers=servers)) as lobby, guests_of(lobby) as guests:
        host = await guests.hosting()
        guest = await guests.come("?ice=1")
        kinds = [kind for kind, _, _ in await guest.join(host.lobby)]
        assert kinds == [ID, ICE, PEER_CONNECT, JOIN]
        again = await guests.come("?ice=1")
        heard = await again.join(host.lobby)
        assert json.loads(heard[1][2]) == [
            {"urls": ["turn:turn.example:3478"], "username": "user", "credential": "secret"}
        ]


async def test_an_address_that_makes_no_sense_is_refused_before_the_socket_opens(lobby: Lobby) -> None:
    for query in ("?mode=up", "?channels=x", "?channels=" + "r" * 9):
        async with lobby.client.get(f"/godot{query}") as response:
            assert response.status == 400
            assert (await response.json())["error"]["code"] == "invalid"
    async with lobby.client.get("/godot") as response:
        assert response.status == 400
        assert "WebSocket" in (await response.json())["error"]["message"]


async def test_lobbies_can_be_off() -> None:
    async with running_lobby(HomeConfig(godot_mode="off")) as lobby, lobby.client.get("/godot") as response:
        assert response.status == 404


async def test_relayed_lobbies_need_a_relay(guests: Guests) -> None:
    for prefix in ("relay:", "bridge:"):
        host = await guests.hosting(prefix)
        assert host.lobby.startswith(prefix)
        guest = await guests.joining(host)
        await guest.say(OFFER, 1, "v=0")
        assert await guest.parted() == (REFUSED, "This server cannot relay now")


async def test_the_server_says_that_it_stops(lobby: Lobby) -> None:
    async with guests_of(lobby) as guests:
        host = await guests.hosting()
        lobby.home.stop()
        async with lobby.client.get("/godot") as response:
            assert response.status == 503
        lobby.client.app[DESK].stop()
        assert await host.parted() == (1001, "Server is stopping")


async def test_nothing_is_left_of_lobbies_that_end(guests: Guests, lobby: Lobby) -> None:
    desk = lobby.client.app[DESK]
    for _ in range(5):
        host = await guests.hosting(mesh=True)
        guest = await guests.joining(host)
        await guest.ws.close()
        await host.ws.close()
    await until(lambda: not len(desk.lobbies) and not desk._lines)
    assert not desk.lobbies._members
    assert not desk.lobbies._ids
    assert desk._timer is None
