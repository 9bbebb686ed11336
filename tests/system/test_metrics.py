"""What `/metrics` counts is what happened."""

import json
import urllib.request
from pathlib import Path

import pytest

import soiree
from soiree import rtc
from soiree.wire import messages as m
from tests.system.party_process import ROOMY, party
from tests.system.raw import header, hello, raw
from tests.system.ways import BEST, crowd, same_entity, until


async def test_joins_refusals_drops_and_who_is_here(tmp_path: Path) -> None:
    engines = rtc.available()
    with party(BEST, tmp_path, env=ROOMY) as server:
        code = server.room()
        assert server.metric("soiree_rooms") == 1
        async with crowd(server.url, code, *engines, "websocket") as rooms:
            assert server.metric("soiree_joins_total", transport=BEST, fresh="true") == len(engines)
            assert server.metric("soiree_joins_total", transport="websocket", fresh="true") == 1
            assert server.metric("soiree_peers") == len(rooms)
            assert server.metric("soiree_connections") == len(rooms)
            await rooms[0].switch("websocket")
            assert server.metric("soiree_joins_total", transport="websocket", fresh="false") == 1

            ball = await rooms[0].spawn("ball", rule="deny")
            for room in rooms[1:]:
                with pytest.raises(soiree.RefusedError):
                    await (await same_entity(room, ball.id)).request()
            assert server.metric("soiree_refusals_total", reason="rule") == len(rooms) - 1
            await ball.set_rule("allow")
            await rooms[1].entities[ball.id].request()
            assert server.metric("soiree_grants_total", cause="request") == 1
            await until(lambda: server.metric("soiree_messages_total", direction="in", stream="state") > 10)
            for direction in ("in", "out"):
                for stream in ("control", "state"):
                    assert server.metric("soiree_messages_total", direction=direction, stream=stream) > 0
                    assert server.metric("soiree_payload_bytes_total", direction=direction, stream=stream) > 0
            async with raw(server.url, code, "websocket") as client:
                client.say(hello())
                await client.hear(m.Welcome)
                client.state(b"\xff")
                client.state(header(0) + b"\x63\x01")
                await until(lambda: server.metric("soiree_drops_total", reason="malformed") == 2)
        await until(lambda: server.metric("soiree_leaves_total", reason="bye") == len(rooms))
        ticks = server.metric("soiree_tick_seconds_count")
        await until(lambda: server.metric("soiree_tick_seconds_count") > ticks + 10, what="the clock ticks")
        assert server.complaints() == []


def test_a_server_says_whether_it_lives_and_is_ready(tmp_path: Path) -> None:
    with party("none", tmp_path) as server:
        for path in ("/healthz", "/readyz"):
            with urllib.request.urlopen(server.url + path, timeout=10) as answer:
                assert answer.status == 200
        with urllib.request.urlopen(f"{server.url}/api/v1/openapi.json", timeout=10) as answer:
            assert json.load(answer)["openapi"]
