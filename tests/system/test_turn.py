"""Clients of every kind in one room through a TURN server alone: Debian's coturn or ours, by configuration, over UDP and TCP."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import soiree
from soiree import rtc
from soiree.rtc.engine import EngineConfig, IceServer
from soiree.transport import CONTROL, Rung
from soiree.turn_credentials import time_limited
from tests.relay.transports.stage import webrtc_stage
from tests.system.coturn import SECRET, Coturn, coturn
from tests.system.namespace import namespace
from tests.system.own_turn import own_turn
from tests.system.party_process import ROOMY, party
from tests.system.ways import until

CONN = 7
TURN_PORT = 3478
WITHIN_S = 3.0
SERVERS = {"coturn": coturn, "ours": own_turn}
"""One takes the place of the other by configuration alone."""


@pytest.fixture(scope="module", params=SERVERS)
def turn_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Coturn]:
    with SERVERS[request.param](tmp_path_factory.mktemp("turn")) as running:
        yield running


@pytest.mark.parametrize("relay_engine", rtc.available())
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_a_room_works_through_turn_alone(
    turn_server: Coturn, tmp_path: Path, protocol: str, relay_engine: str
) -> None:
    with party(relay_engine, tmp_path, env=ROOMY | turn_server.settings(protocol)) as server:
        code = server.room()
        async with (
            soiree.join(
                server.url, room=code, name="Ada", transport="webrtc", engine="aiortc", ice_transport_policy="relay"
            ) as ada,
            soiree.join(server.url, room=code, name="Bob", transport="webrtc") as bob,
        ):
            assert ada.rung == f"turn-{protocol}"
            assert bob.rung == "direct"
            await play(ada, bob)
        assert server.complaints() == []


async def play(ada: soiree.Room, bob: soiree.Room) -> None:
    """State, commands and events go both ways."""
    ball = await ada.spawn("ball", position=(0, 0, 0), rule="allow")
    await until(lambda: ball.id in bob.entities, what="Bob sees the ball")
    ball.set(position=(3, 0, 4))
    await until(lambda: bob.entities[ball.id].position == pytest.approx((3, 0, 4), abs=0.01), what="it moves")
    await bob.entities[ball.id].request()
    await until(lambda: ball.owner == bob.peer_id, what="Ada hears who owns it")


@pytest.mark.parametrize("engine", rtc.available())
@pytest.mark.parametrize("kind", SERVERS)
async def test_where_a_firewall_lets_in_turn_alone_each_stack_finds_its_way(
    tmp_path: Path, engine: str, kind: str
) -> None:
    """libdatachannel cannot be kept to TURN but by a network that is."""
    async with namespace() as space:
        await space.let_in_udp(TURN_PORT)
        with (
            SERVERS[kind](tmp_path, space.inside, space.prefix, TURN_PORT) as turn,
            party(
                "auto", tmp_path, "--host", space.inside, before=space.prefix, env=ROOMY | turn.settings("udp")
            ) as server,
        ):
            code = server.room()
            began = time.monotonic()
            async with (
                soiree.join(server.url, room=code, name="Ada", transport="webrtc", engine=engine) as ada,
                soiree.join(server.url, room=code, name="Bob", transport="websocket") as bob,
            ):
                took_s = time.monotonic() - began
                assert ada.rung == "turn-udp"
                await play(ada, bob)
                assert took_s < WITHIN_S
            assert server.complaints() == []


async def test_credentials_that_have_lapsed_are_worth_nothing(turn_server: Coturn, tmp_path: Path) -> None:
    with party("aiortc", tmp_path, env=ROOMY | turn_server.settings("udp")) as server:
        code = server.room()
        joined = server.call("POST", f"/rooms/{code}/join", {"name": "Ada"})
        (told,) = joined["ice_servers"]
        assert told["urls"] == [turn_server.url("udp")]
        assert told["username"].endswith(f":{joined['peer_id']}")
    expired = IceServer((turn_server.url("udp"),), *time_limited(SECRET, "7", 1_700_000_000))
    for server_told, candidates in (
        (IceServer(tuple(told["urls"]), told["username"], told["credential"]), 1),
        (expired, 0),
    ):
        config = EngineConfig("127.0.0.1", ice_servers=(server_told,), relay_only=True)
        async with webrtc_stage("aiortc", "aiortc", offering=config) as stage:
            assert (await stage.offering.offer(CONN)).count("typ relay") == candidates


@pytest.mark.parametrize("client", rtc.available())
async def test_a_relay_without_inbound_udp_is_reached_behind_turn_over_tcp(turn_server: Coturn, client: str) -> None:
    server = IceServer((turn_server.url("tcp"),), *time_limited(SECRET, "relay", 2_000_000_000))
    behind = EngineConfig("127.0.0.1", ice_servers=(server,), relay_only=True)
    async with webrtc_stage("aiortc", client, behind) as stage:
        await stage.join(CONN)
        assert stage.server.send(CONN, CONTROL, b"from behind")
        await stage.told.until(lambda: stage.told.payloads(CONTROL) == [b"from behind"])
        assert stage.server.rung(CONN) is Rung.TURN_TCP
        assert stage.client.rung(CONN) is Rung.TURN_UDP


EMBEDDED = {"SOIREE_TURN": "on", "SOIREE_TURN_LISTEN": "127.0.0.1:0"}


@pytest.mark.parametrize("relay_engine", rtc.available())
async def test_a_party_brings_its_own(tmp_path: Path, relay_engine: str) -> None:
    """It may send to the relay's ICE ports, and to nothing else on this machine."""
    with party(relay_engine, tmp_path, env=ROOMY | EMBEDDED) as server:
        code = server.room()
        async with (
            soiree.join(
                server.url, room=code, name="Ada", transport="webrtc", engine="aiortc", ice_transport_policy="relay"
            ) as ada,
            soiree.join(server.url, room=code, name="Bob", transport="websocket") as bob,
        ):
            assert ada.rung == "turn-udp"
            await play(ada, bob)
        (told,) = server.call("POST", f"/rooms/{code}/join", {"name": "Eve"})["ice_servers"]
        assert [url.rpartition("?")[2] for url in told["urls"]] == ["transport=udp", "transport=tcp"]
        assert server.complaints() == []


def test_only_where_others_can_come_in(tmp_path: Path) -> None:
    with party("auto", tmp_path, env=ROOMY) as server:
        assert server.call("POST", f"/rooms/{server.room()}/join", {"name": "Ada"})["ice_servers"] == []
