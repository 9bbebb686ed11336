"""Connections with other channels than ours, over either stack, at either end."""

import pytest

from soiree.channels import GODOT_MAX_BYTES, TransferMode, godot_layout
from tests.relay.transports.stage import ENGINE_PAIRS, webrtc_stage

LAYOUT = godot_layout([TransferMode.UNRELIABLE])
CONN = 3


@pytest.mark.parametrize(("server", "client"), ENGINE_PAIRS, ids=lambda name: str(name))
async def test_a_game_is_heard_on_each_of_its_channels(server: str, client: str) -> None:
    async with webrtc_stage(server, client) as stage:
        answer = await stage.answering.accept(CONN, await stage.offering.offer(CONN, LAYOUT), LAYOUT)
        await stage.offering.answered(CONN, answer)
        await stage.told.until(lambda: CONN in stage.told.opens)
        await stage.heard.until(lambda: CONN in stage.heard.opens)
        for stream in LAYOUT:
            assert stage.client.send(CONN, stream, bytes([stream]))
            assert stage.server.send(CONN, stream, bytes([stream]))
        long = bytes(range(256)) * (GODOT_MAX_BYTES // 256)
        assert stage.client.send(CONN, 1, long)
        for heard in (stage.told, stage.heard):
            await heard.until(lambda heard=heard: len(heard.received) >= len(LAYOUT))  # type: ignore[misc]
            assert {(packet.stream, packet.payload) for packet in heard.received if len(packet.payload) == 1} == {
                (stream, bytes([stream])) for stream in LAYOUT
            }
        await stage.heard.until(lambda: long in stage.heard.payloads(1))
        with pytest.raises(ValueError, match="on stream 2"):
            stage.client.send(CONN, 2, bytes(GODOT_MAX_BYTES + 1))
