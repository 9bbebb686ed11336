"""Well-formed hostility: each kind ends as PROTOCOL 8 and 9 say, and honest peers in the same room notice nothing."""

import asyncio
import itertools
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

import soiree
from signalling.config import HomeConfig
from signalling.keys import load_secret
from soiree.client.carrier import DialError
from soiree.ticket import TicketIssuer
from soiree.transport import MAX_CONTROL_BYTES, MAX_FRAME_BYTES
from soiree.wire import control, limits
from soiree.wire import messages as m
from tests.system.party_process import ROOMY, Party, PartyOf, party
from tests.system.raw import Raw, header, hello, raw, spawn
from tests.system.ways import WAYS, join, server_engine, until
from tests.system.witnesses import witnesses

SECRET = secrets.token_hex(32)
BURST = 2000
UNANSWERED = 500
"""So many commands a flood keeps under way, or it would only fill its own end of the connection."""


@pytest.fixture(scope="module", params=WAYS)
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Party, str]]:
    """A server whose secret we know, and the way in."""
    way = str(request.param)
    folder: Path = tmp_path_factory.mktemp(way)
    with party(server_engine(way), folder, env={**ROOMY, "SOIREE_SECRET": SECRET}) as server:
        yield server, way
        assert server.complaints() == []


@pytest.fixture
def server(door: tuple[Party, str]) -> Party:
    return door[0]


@pytest.fixture
def way(door: tuple[Party, str]) -> str:
    return door[1]


@pytest_asyncio.fixture
async def room(server: Party, way: str) -> AsyncIterator[str]:
    """A room with honest peers in it."""
    code = server.room()
    async with witnesses(server.url, code, way, "websocket"):
        yield code


async def _greeted(client: Raw) -> Raw:
    client.say(hello())
    await client.hear(m.Welcome)
    return client


async def test_a_stranger_who_says_something_else_before_hello(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        client.say(spawn(1))
        assert await client.end() == "protocol"


async def test_hello_twice(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        client.say(hello())
        assert await client.end() == "protocol"


async def test_a_gap_in_the_numbers(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        client.say(spawn(1))
        client.say(spawn(3))
        assert await client.end() == "protocol"
        assert len(client.all(m.Spawned)) == 1


async def test_a_repeated_number_is_passed_over(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        for number in (1, 1, 1, 2):
            client.say(spawn(number))
        await client.hear(m.Spawned, 2)
        client.say(control.encode(m.View(3, 0.0, 0.0, 0.0, 10.0)))
        await client.hear(m.Done)
        assert [told.re for told in client.all(m.Spawned)] == [1, 2]


async def test_another_major_version(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        client.say(hello(version=(2, 0)))
        assert await client.end() == "version"


async def test_messages_above_their_limit(server: Party, room: str, way: str) -> None:
    for stream, size in ((1, MAX_CONTROL_BYTES + 1), (3, MAX_FRAME_BYTES + 1)):
        async with raw(server.url, room, way) as client:
            await _greeted(client)
            client.say(bytes(size), stream)
            assert await client.end() == "oversized"


async def test_tokens_that_are_no_good(server: Party, room: str, way: str) -> None:
    info = server.call("GET", f"/rooms/{room}")
    ours = TicketIssuer(load_secret(HomeConfig(secret=SECRET)))
    claims = {"room": info["id"], "session": "s", "subject": "x", "name": "x", "host": False, "jti": "1"}
    now = time.time()
    bad = {
        "forged": TicketIssuer(bytes(32)).ticket(**claims, peer=77, now=now),
        "expired": ours.ticket(**claims, peer=77, now=now - 60),
        "of another kind": ours.host_key(room=info["id"], now=now),
        "nonsense": "a.b.c",
    }
    for token in bad.values():
        assert await _refused(server, room, way, token) == "unauthorized"
    async with raw(server.url, room, way) as client:
        assert await _refused(server, room, way, client.admission.ticket or "") == "unauthorized"
        await _greeted(client)
        client.say(control.encode(m.Bye(0, "bye")))
        await client.end()
        assert await _refused(server, room, way, client.admission.resume) == "session-gone"


async def _refused(server: Party, room: str, way: str, token: str) -> str:
    """Why a token is not taken."""
    try:
        async with raw(server.url, room, way, token=token) as client:
            return await client.end()
    except DialError as error:
        return error.code


async def test_messages_that_cannot_be_read(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        for _ in range(limits.MALFORMED_LIMIT - 1):
            client.say(b"\xc1")
        client.say(spawn(1))
        await client.hear(m.Spawned)
        client.state(b"\xff\xff")
        assert await client.end() == "malformed"


async def test_a_flood_of_frames_is_dropped_and_counted(server: Party, room: str, way: str) -> None:
    before = server.metric("soiree_drops_total", reason="rate")
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        for number in range(3000):
            client.state(header(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await until(lambda: server.metric("soiree_drops_total", reason="rate") > before, what="frames are dropped")
        client.say(spawn(1))
        await client.hear(m.Spawned)


async def test_a_flood_of_commands_is_refused_then_ended(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client:
        await _greeted(client)
        for number in itertools.count(1):
            client.say(control.encode(m.View(number, 0.0, 0.0, 0.0, 10.0)))
            if number % 50 == 0:
                client.state(header(number // 50, client.heard[-1].n))
                answers = number - UNANSWERED
                await until(lambda: len(client.heard) > answers or client.reason is not None, what="answers come")  # noqa: B023
            if client.reason or isinstance(client.heard[-1], m.Error):
                break
        assert await client.end() == "rate"
        assert len(client.all(m.Done)) >= BURST
        assert {refused.reason for refused in client.all(m.Refused)} == {"rate"}


async def test_a_reader_who_never_applies_is_ended(server: Party, room: str, way: str) -> None:
    async with raw(server.url, room, way) as client, join(server.url, room, "websocket", name="talker") as talker:
        await _greeted(client)
        await client.hear(m.PeerJoined, 4)
        text = "x" * (limits.MAX_EVENT_BYTES - 10)
        for _ in range(limits.MAX_UNAPPLIED_BYTES // limits.MAX_EVENT_BYTES + 2):
            try:
                await talker.send_event("long", text, to=client.admission.peer_id)
            except soiree.RefusedError as error:
                assert error.reason == "unknown-peer", "it is gone"
                break
        assert await client.end() == "backlog"


async def test_state_of_what_is_not_ones_own(server: Party, room: str, way: str) -> None:
    before = server.metric("soiree_drops_total", reason="not-owner")
    async with join(server.url, room, "websocket", name="owner") as owner, raw(server.url, room, way) as client:
        box = await owner.spawn("box", (1.0, 2.0, 3.0), rule="deny")
        await _greeted(client)
        await client.hear(m.Spawned)
        applied = client.heard[-1].n
        record = b"\x02\x01" + box.id.to_bytes(4, "little") + bytes(10)
        for seq in range(5):
            client.state(header(seq, applied) + record)
        await until(lambda: server.metric("soiree_drops_total", reason="not-owner") >= before + 5)
        client.say(control.encode(m.Despawn(1, box.id, "along")))
        client.say(control.encode(m.Assign(2, box.id, client.admission.peer_id, False)))
        client.say(control.encode(m.Request(3, box.id, box.epoch, "")))
        await client.hear(m.Refused, 3)
        assert [refused.reason for refused in client.all(m.Refused)] == ["not-master", "not-master", "rule"]
        assert box.alive
        assert box.position == pytest.approx((1.0, 2.0, 3.0), abs=0.01)


async def test_strangers_who_never_say_hello(party_of: PartyOf) -> None:
    async def wait(way: str) -> None:
        server = party_of(server_engine(way))
        async with raw(server.url, server.room(), way) as client:
            began = time.monotonic()
            client.state(header(0))
            assert await client.end(within_s=20) == "timeout"
            assert 9.5 < time.monotonic() - began < 13.0

    await asyncio.gather(*map(wait, WAYS))
