"""What is libdatachannel's own: one UDP port for all, and C++ threads that hold callbacks."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from relay.transports.webrtc import webrtc_transport
from soiree.rtc import EngineConfig, EngineUnavailableError, available, create
from soiree.rtc.errors import PortTakenError
from soiree.transport import CONTROL, STATE
from tests.relay.transports.stage import Recorder, webrtc_stage

CONN = 7
MUX_PORT = 23471
"""Below those that the system hands out by itself, which another test might have just now."""


@pytest.mark.parametrize("client", available())
async def test_eight_connections_share_one_udp_port(client: str) -> None:
    config = EngineConfig(bind_address="127.0.0.1", port=MUX_PORT)
    async with webrtc_stage("libdatachannel", client, config) as stage:
        for conn in range(8):
            await stage.join(conn)
        assert udp_sockets_on(MUX_PORT) == 1
        for conn in range(8):
            assert stage.client.send(conn, CONTROL, bytes([conn]))
        await stage.heard.until(lambda: len(stage.heard.received) == 8)
        assert all(packet.payload == bytes([packet.conn]) for packet in stage.heard.received)
        # One leaving does not take the port from the others.
        stage.client.close(0)
        await stage.heard.until_closed(0)
        assert stage.server.send(1, CONTROL, b"still here")
        await stage.told.until(lambda: b"still here" in stage.told.payloads(CONTROL))


async def test_the_port_is_held_from_the_start_to_the_end() -> None:
    made = create("libdatachannel", EngineConfig(bind_address="127.0.0.1", port=0), Recorder())
    assert made.port
    assert udp_sockets_on(made.port) == 1
    with pytest.raises(
        PortTakenError, match=f"^UDP port {made.port} of 127.0.0.1 cannot be had: Address already in use$"
    ):
        create("libdatachannel", EngineConfig(bind_address="127.0.0.1", port=made.port), Recorder())
    await made.aclose()
    assert udp_sockets_on(made.port) == 0


async def test_a_taken_port_that_was_only_wished_for_is_another() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        wished = taken.getsockname()[1]
        made = webrtc_transport("auto", EngineConfig(bind_address="127.0.0.1"), Recorder(), wished_port=wished)
        assert made is not None
        assert made.port not in (None, wished)
        await made.aclose()
    made = webrtc_transport("auto", EngineConfig(bind_address="127.0.0.1"), Recorder(), wished_port=wished)
    assert made is not None
    assert made.port == wished
    await made.aclose()


def udp_sockets_on(port: int) -> int:
    rows = Path("/proc/net/udp").read_text().splitlines()[1:]
    return sum(row.split()[1].endswith(f":{port:04X}") for row in rows)


@pytest.mark.parametrize("client", available())
async def test_a_peer_quicker_than_our_own_channels_is_heard(client: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Chromium says hello the moment its channels are open, which may be before ours have told that they are."""
    loop = asyncio.get_running_loop()
    async with webrtc_stage("libdatachannel", client) as stage:
        told_open = stage.answering._on_open  # type: ignore[attr-defined]
        monkeypatch.setattr(stage.answering, "_on_open", lambda peer: loop.call_later(0.2, told_open, peer))
        answer = await stage.answering.accept(CONN, await stage.offering.offer(CONN))
        await stage.offering.answered(CONN, answer)
        await stage.told.until(lambda: CONN in stage.told.opens)
        assert stage.client.send(CONN, CONTROL, b"hello")
        await stage.heard.until(lambda: stage.heard.payloads(CONTROL) == [b"hello"])
        assert stage.heard.opens == [CONN]


@pytest.mark.parametrize("client", available())
async def test_states_wait_to_be_collected_and_control_does_not(client: str) -> None:
    config = EngineConfig(bind_address="127.0.0.1", collect_s=60.0)
    async with webrtc_stage("libdatachannel", client, config) as stage:
        await stage.join(CONN)
        assert stage.client.send(CONN, STATE, b"state")
        assert stage.client.send(CONN, CONTROL, b"control")
        await stage.heard.until(lambda: stage.heard.payloads(CONTROL) == [b"control"])
        assert stage.heard.payloads(STATE) == []
        async with asyncio.timeout(5):
            while not stage.heard.payloads(STATE):
                stage.answering.collect()
                await asyncio.sleep(0.01)
        assert stage.heard.payloads(STATE) == [b"state"]


@pytest.mark.parametrize("client", available())
async def test_states_are_collected_by_and_by_as_long_as_there_are_connections(client: str) -> None:
    config = EngineConfig(bind_address="127.0.0.1", collect_s=0.02)
    async with webrtc_stage("libdatachannel", client, config) as stage:
        engine: Any = stage.answering
        for conn in (CONN, CONN + 1):
            await stage.join(conn)
            assert stage.client.send(conn, STATE, b"state")
            await stage.heard.until(lambda: len(stage.heard.payloads(STATE)) == 1)
            stage.heard.received.clear()
            stage.client.close(conn)
            await stage.heard.until_closed(conn)
            await asyncio.sleep(0.1)
            assert engine._collector is None


@pytest.mark.parametrize("client", available())
async def test_a_connection_whose_callbacks_are_held_for_too_long_is_closed_all_the_same(
    client: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("soiree.rtc.libdatachannel.LET_GO_TIMEOUT_S", 0.2)
    async with webrtc_stage("libdatachannel", client) as stage:
        await stage.join(CONN)
        peer: Any = stage.end_of(stage.server, CONN)
        held = peer.hook(lambda: None)
        stage.server.close(CONN)
        async with asyncio.timeout(5):
            await stage.server.aclose()
        words = f"connection {CONN} is closed, and libdatachannel has not let go of it"
        assert [record.message for record in caplog.records] == [words]
        assert not peer._quiet.is_set()
        del held
        assert peer._quiet.is_set()


async def test_it_does_not_promise_to_keep_to_turn() -> None:
    with pytest.raises(EngineUnavailableError, match="aiortc can"):
        create("libdatachannel", EngineConfig(relay_only=True), Recorder())
    made = create("auto", EngineConfig(relay_only=True), Recorder())
    assert made.name == "aiortc"
    await made.aclose()
