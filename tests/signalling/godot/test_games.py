"""Games in Python through the whole server: direct, over the bridge, and with the relay as peer 1, on either WebRTC stack."""

import struct
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from signalling.godot import limits
from signalling.godot.socket import DESK
from soiree.channels import TransferMode
from soiree.rtc import available
from tests.signalling.conftest import until
from tests.signalling.godot.clients import OFFER, SEAL, Guest
from tests.signalling.godot.games import Arcade, Game, arcade

ADD, DEL, RELAY = 1, 2, 3
NO_AUTH = b"\x07\x00"


def sys_packet(sub: int, peer: int, inner: bytes = b"") -> bytes:
    return struct.pack("<BBi", 7, sub, peer) + inner


@pytest_asyncio.fixture(params=available())
async def hall(request: pytest.FixtureRequest) -> AsyncIterator[Arcade]:
    async with arcade(request.param) as made:
        yield made


@pytest.mark.parametrize("prefix", ["", "bridge:"], ids=["direct", "bridge"])
async def test_a_host_and_its_guests_hear_each_other_on_every_stream(hall: Arcade, prefix: str) -> None:
    host = await hall.game(prefix)
    guests = [await hall.game(host.guest.lobby) for _ in range(2)]
    for guest in guests:
        await guest.until_open(1)
        await host.until_open(guest.guest.peer)
        await hall.settled()
        for stream in (1, 2, 3, 4, 11):
            guest.send(1, b"up", stream)
            host.send(guest.guest.peer, b"down", stream)
        await host.until_heard(*((guest.guest.peer, stream, b"up") for stream in (1, 2, 3, 4, 11)))
        await guest.until_heard(*((1, stream, b"down") for stream in (1, 2, 3, 4, 11)))
        assert guest.peers == [1]
    traffic = await hall.relay.lobbies.traffic(hall.lobby.client.app[DESK].lobbies.find(host.guest.lobby).handle)  # type: ignore[union-attr]
    if not prefix:
        assert traffic == []
        return
    told = {peer.peer: peer for peer in traffic}
    assert (told[1].legs, told[1].packets_in, told[1].bytes_in) == (2, 10, 40)
    for guest in guests:
        mine = told[guest.guest.peer]
        assert (mine.legs, mine.packets_in, mine.packets_out, mine.bytes_out) == (1, 5, 5, 20)


async def test_a_mesh_over_the_bridge_is_one_of_all(hall: Arcade) -> None:
    first = await hall.game("bridge:", mesh=True)
    games = [first, await hall.game(first.guest.lobby, mesh=True), await hall.game(first.guest.lobby, mesh=True)]
    ids = [game.guest.peer for game in games]
    for game in games:
        others = [peer for peer in ids if peer != game.guest.peer]
        await game.until_open(*others)
        for peer in others:
            game.send(peer, b"from %d" % game.guest.peer)
    for game in games:
        await game.until_heard(*((peer, 1, b"from %d" % peer) for peer in ids if peer != game.guest.peer))


async def test_who_leaves_a_bridge_is_gone_for_the_others_and_they_play_on(hall: Arcade) -> None:
    host = await hall.game("bridge:")
    first, second = await hall.game(host.guest.lobby), await hall.game(host.guest.lobby)
    await host.until_open(first.guest.peer, second.guest.peer)
    await second.until_open(1)
    await first.leave()
    await host.ears.until_closed(first.guest.peer)
    assert host.gone == [first.guest.peer]
    second.send(1, b"still here")
    await host.until_heard((second.guest.peer, 1, b"still here"))


async def test_a_sealed_game_goes_on_without_its_lobby(hall: Arcade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEAL_CLOSE_TIMEOUT_S", 0.3)
    host = await hall.game("bridge:")
    guest = await hall.game(host.guest.lobby)
    await host.until_open(guest.guest.peer)
    await guest.until_open(1)
    await host.guest.say(SEAL)
    await until(lambda: host.parted is not None and guest.parted is not None)
    assert (host.sealed, guest.sealed) == (True, True)
    assert host.parted is not None
    assert host.parted[0] == 1000
    guest.send(1, b"after")
    await host.until_heard((guest.guest.peer, 1, b"after"))
    desk = hall.lobby.client.app[DESK]
    assert len(desk.lobbies) == 1
    await guest.leave()
    await host.ears.until_closed(guest.guest.peer)
    await until(lambda: not len(desk.lobbies))
    assert not hall.relay.lobbies._lobbies


async def test_packets_for_a_leg_that_is_not_open_yet_wait_for_it(hall: Arcade) -> None:
    host = await hall.game("bridge:")
    guest = await hall.game(host.guest.lobby)
    await guest.until_open(1)
    for number in range(50):
        guest.send(1, b"%d" % number)
    await host.until_open(guest.guest.peer)
    await host.until_heard((guest.guest.peer, 1, b"49"))
    assert host.heard(guest.guest.peer) == [b"%d" % number for number in range(50)]


async def test_the_longest_packets_of_a_game_pass(hall: Arcade) -> None:
    host = await hall.game("bridge:")
    guest = await hall.game(host.guest.lobby)
    await host.until_open(guest.guest.peer)
    await guest.until_open(1)
    long = bytes(range(256)) * 1024
    guest.send(1, long)
    host.send(guest.guest.peer, long)
    await host.until_heard((guest.guest.peer, 1, long))
    await guest.until_heard((1, 1, long))


async def introduced(*games: Game) -> None:
    """All are connected with peer 1 and told of each other."""
    for game in games:
        others = [sys_packet(ADD, other.guest.peer) for other in games if other is not game]
        await game.until_heard(*((1, 1, told) for told in [NO_AUTH, *others]))


async def test_the_relay_is_peer_one_without_a_game(hall: Arcade) -> None:
    first = await hall.game("relay:")
    second, third = await hall.game(first.guest.lobby), await hall.game(first.guest.lobby)
    games = (first, second, third)
    assert [game.peers for game in games] == [[1], [1], [1]]
    await introduced(*games)
    ids = [game.guest.peer for game in games]
    for stream in (1, 2, 3, 5):
        first.send(1, sys_packet(RELAY, 0, b"\x03all"), stream)
        first.send(1, sys_packet(RELAY, ids[1], b"\x03one"), stream)
        first.send(1, sys_packet(RELAY, -ids[2], b"\x03not third"), stream)
        first.send(1, sys_packet(RELAY, -1, b"\x03not server"), stream)
        said = {
            word: (1, stream, sys_packet(RELAY, ids[0], b"\x03" + word))
            for word in (b"all", b"one", b"not third", b"not server")
        }
        await second.until_heard(*said.values())
        await third.until_heard(said[b"all"], said[b"not server"])
        assert not {said[b"one"][2], said[b"not third"][2]} & set(third.heard(1, stream))
    assert not [packet for packet in first.ears.received if packet.payload[1] == RELAY]
    await second.leave()
    for game in (first, third):
        await game.until_heard((1, 1, sys_packet(DEL, ids[1])))


async def test_a_game_that_authenticates_is_introduced_only_when_it_is_through(hall: Arcade) -> None:
    first = await hall.game("relay:")
    await first.until_open(1)
    first.send(1, b"\x07\x00password")
    second = await hall.game(first.guest.lobby)
    await second.until_open(1)
    second.send(1, b"\x07\x00password")
    second.send(1, b"\x07\x00")
    await second.until_heard((1, 1, NO_AUTH))
    first.send(1, b"\x07\x00")
    await introduced(first, second)
    order = first.heard(1)
    assert order == [NO_AUTH, sys_packet(ADD, second.guest.peer)]


async def test_paths_are_confirmed_for_what_has_calls_only(hall: Arcade) -> None:
    game = await hall.game("relay:")
    await game.until_open(1)
    game.send(1, b"\x01" + b"d41d8cd98f00b204e9800998ecf8427e" + b"\0" + struct.pack("<I", 7) + b"Main/Sync\0")
    game.send(1, b"\x01" + b"a" * 32 + b"\0" + struct.pack("<I", 8) + b"Main\0")
    await game.until_heard((1, 1, b"\x02\x01" + struct.pack("<I", 8)))
    assert game.heard(1) == [NO_AUTH, b"\x02\x01" + struct.pack("<I", 8)]


async def test_unreliable_streams_are_lossy_on_the_relays_side_as_the_name_says(hall: Arcade) -> None:
    host = await hall.game("bridge+ur:", channels=[TransferMode.UNRELIABLE, TransferMode.RELIABLE])
    assert host.guest.lobby.startswith("bridge+ur:")
    guest = await hall.game(host.guest.lobby, channels=[TransferMode.UNRELIABLE, TransferMode.RELIABLE])
    await guest.until_open(1)
    layouts = {
        tuple((stream, channel.ordered, channel.lossy) for stream, channel in lobby.layout.items())[:5]
        for lobby in hall.relay.lobbies._lobbies.values()
    }
    assert layouts == {((1, True, False), (2, True, True), (3, False, True), (4, False, True), (5, True, False))}


HOSTILE = [
    b"",
    b"\x07",
    b"\x07\x03",
    b"\x07\x03\x00\x00\x00",
    b"\x07\x03\x00\x00\x00\x00",
    sys_packet(RELAY, 0, b"\x07\x01\x02\x00\x00\x00"),
    sys_packet(ADD, 99),
    sys_packet(DEL, 1),
    b"\x07\x09",
    b"\x01",
    b"\x01" + b"a" * 37,
    b"\x02\x01",
    b"\xff" * 20,
]


async def test_hostile_packets_are_ignored_and_nobody_else_notices(hall: Arcade) -> None:
    first = await hall.game("relay:")
    second, hostile = await hall.game(first.guest.lobby), await hall.game(first.guest.lobby)
    await introduced(first, second, hostile)
    before = len(second.ears.received)
    for packet in HOSTILE:
        if packet:
            hostile.send(1, packet, 1)
            hostile.send(1, packet, 3)
    hostile.send(1, sys_packet(RELAY, hostile.guest.peer, b"\x03to myself"))
    hostile.send(1, sys_packet(RELAY, 12345, b"\x03to nobody"))
    hostile.send(1, sys_packet(RELAY, -(2**31), b"\x03to all"))
    await second.until_heard((1, 1, sys_packet(RELAY, hostile.guest.peer, b"\x03to all")))
    assert len(second.ears.received) == before + 1
    assert [packet for packet in hostile.ears.received if packet.payload[1] == RELAY] == []
    first.send(1, sys_packet(RELAY, second.guest.peer, b"\x03fine"))
    await second.until_heard((1, 1, sys_packet(RELAY, first.guest.peer, b"\x03fine")))
    for _ in range(80):
        hostile.engine.send(1, 1, b"\x07")
    await hostile.ears.until_closed(1)
    await second.until_heard((1, 1, sys_packet(DEL, hostile.guest.peer)))


async def test_descriptions_that_are_none_close_who_sends_them(hall: Arcade) -> None:
    host = await hall.game("bridge:")
    guest = await hall.game(host.guest.lobby)
    await host.until_open(guest.guest.peer)
    hostile = Guest(await hall.lobby.client.ws_connect("/godot"))
    await hostile.join(host.guest.lobby)
    await hostile.say(OFFER, 1, "v=0 nothing")
    assert await hostile.parted() == (4000, "Session description cannot be used")
    guest.send(1, b"fine")
    await host.until_heard((guest.guest.peer, 1, b"fine"))


async def test_offers_have_a_rate(hall: Arcade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "OFFERS_BURST", 3)
    monkeypatch.setattr(limits, "OFFERS_PER_S", 1e-3)
    host = await hall.game("relay:")
    await host.until_open(1)

    async def pass_over(peer: int, answer: str) -> None:
        """Its connection stands: what is answered to the offers is nothing to it."""

    monkeypatch.setattr(host.engine, "answered", pass_over)
    sdp = await host.engine.offer(77, host.layout)
    for _ in range(4):
        await host.guest.say(OFFER, 1, sdp)
    await until(lambda: host.parted is not None)
    assert host.parted is not None
    assert host.parted[0] == 4000
    await until(lambda: not hall.relay.lobbies._legs)
