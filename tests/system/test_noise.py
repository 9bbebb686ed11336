"""Noise: 10,000 random byte strings on each stream of each transport leave the server as it was, and honest peers undisturbed."""

import asyncio
import itertools
import math
import random
from collections.abc import Callable, Iterator
from itertools import islice

import aiohttp
import msgpack
import pytest

from soiree.client.carrier import DialError
from soiree.client.lobby import Lobby
from soiree.transport import CONTROL, MAX_CONTROL_BYTES, MAX_FRAME_BYTES, STATE
from soiree.wire import limits
from soiree.wire import messages as m
from tests.system.party_process import Party, PartyOf
from tests.system.raw import Raw, header, hello, raw, spawn
from tests.system.ways import BEST, WAYS, join, server_engine
from tests.system.witnesses import witnesses

STRINGS = 10_000
PEERS = 4
"""So many make noise at a time, each with one session and one connection after another."""
CHUNK = limits.MALFORMED_LIMIT + 8
"""Strings for one connection, which ends when too many of them could not be read."""


def _length(rng: random.Random, most: int) -> int:
    """Mostly short ones, since most decisions are made on the first bytes."""
    return min(most, int(rng.expovariate(1 / 40)))


def _random(rng: random.Random, most: int) -> bytes:
    return rng.randbytes(_length(rng, most))


def _broken(rng: random.Random, sound: bytes) -> bytes:
    """A sound message with a few bytes changed, cut, or followed by noise."""
    data = bytearray(sound)
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.randrange(1, len(data) + 1)]) + (
        rng.randbytes(rng.randrange(8)) if rng.random() < 0.3 else b""
    )


def _value(rng: random.Random, depth: int = 0) -> object:
    """Anything that MessagePack can hold."""
    kinds = (
        lambda: rng.randrange(-(2**63), 2**64),
        lambda: rng.random() * 10.0 ** rng.randrange(-300, 300),
        lambda: rng.randbytes(rng.randrange(40)),
        lambda: "☃" * rng.randrange(40),
        lambda: None,
        lambda: rng.random() < 0.5,
        lambda: [_value(rng, depth + 1) for _ in range(rng.randrange(6))] if depth < 4 else [],
        lambda: {str(i): _value(rng, depth + 1) for i in range(rng.randrange(4))} if depth < 4 else {},
    )
    return rng.choice(kinds)()


def control_noise(rng: random.Random) -> Iterator[bytes]:
    """Random bytes, broken commands, and arrays of anything; numbered so that most of it is looked at rather than a gap."""
    for number in itertools.count(1):
        yield _random(rng, MAX_CONTROL_BYTES)
        yield _broken(rng, spawn(number))
        yield msgpack.packb([rng.randrange(48), number, *(_value(rng) for _ in range(rng.randrange(12)))])


def state_noise(rng: random.Random) -> Iterator[bytes]:
    """Random bytes, broken frames, sections of noise, and data to anybody."""
    for seq in itertools.count():
        yield _random(rng, MAX_FRAME_BYTES)
        yield _broken(rng, header(seq))
        kind, count = rng.randrange(9), rng.randrange(12)
        yield (header(seq) + bytes((kind, count)) + rng.randbytes(count * 18))[:MAX_FRAME_BYTES]
        yield bytes((rng.randrange(6), rng.randrange(256))) + rng.randbytes(_length(rng, 1100))


Noise = Callable[[random.Random], Iterator[bytes]]
STREAMS: dict[str, tuple[int, Noise]] = {"control": (CONTROL, control_noise), "state": (STATE, state_noise)}


async def _make_noise(url: str, room: str, way: str, stream: str, chunks: Iterator[random.Random]) -> None:
    """For each of the chunks a connection, of one session as long as that lives."""
    number, noise = STREAMS[stream]
    admission, token = None, ""
    async with aiohttp.ClientSession() as http:
        for rng in chunks:
            strings = list(islice(noise(rng), CHUNK))
            if admission is None:
                admission = await Lobby(http, url).join(room, name="noise")
                token = admission.ticket or ""
            try:
                async with raw(url, room, way, admission, token) as client:
                    client.say(hello())
                    await client.hear(m.Welcome)
                    await _say_all(client, number, strings)
                token = admission.resume
            except DialError as error:
                assert error.code == "session-gone", (
                    "a well-formed bye among the noise, and nothing else, ends a session"
                )
                admission = None


async def _say_all(client: Raw, stream: int, strings: list[bytes]) -> None:
    for string in strings:
        client.say(string, stream)
    for _ in range(2 * limits.MALFORMED_LIMIT):  # whatever was left of it ends here
        client.say(b"\xc1")
    await client.end()


async def _honest_client(server: Party, room: str, way: str) -> None:
    """The next honest client is served."""
    async with join(server.url, room, way, name="honest") as guest:
        box = await guest.spawn("box", (1.0, 2.0, 3.0))
        await box.set_properties({"colour": "red"})
        await box.despawn()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", STREAMS)
async def test_noise_on_a_stream(party_of: PartyOf, stream: str, way: str) -> None:
    server = party_of(server_engine(way))
    room = server.room()
    chunks = map(random.Random, range(math.ceil(STRINGS / CHUNK)))
    before = server.metric("soiree_drops_total", reason="malformed")
    async with witnesses(server.url, room, "websocket", "websocket"):
        await asyncio.gather(*(_make_noise(server.url, room, way, stream, chunks) for _ in range(PEERS)))
        await _honest_client(server, room, way)
    malformed = server.metric("soiree_drops_total", reason="malformed") - before
    print(f"{STRINGS} strings of {stream} noise over {way}: {malformed:.0f} could not be read")
    assert malformed > STRINGS / 4, "most of it was looked at"


@pytest.mark.parametrize("before_hello", [True, False], ids=["before hello", "after hello"])
async def test_noise_that_is_no_frame_on_the_data_websocket(party_of: PartyOf, before_hello: bool) -> None:
    """What is not even framed: unknown streams, empty messages, text."""
    server = party_of(BEST)
    room = server.room()
    rng = random.Random(7)
    async with aiohttp.ClientSession() as http:
        lobby = Lobby(http, server.url)
        admission = await lobby.join(room, name="noise")
        token = admission.ticket
        for number in range(500):
            async with http.ws_connect(f"{admission.data_url}?token={token}") as ws:
                token = admission.resume
                if not before_hello:
                    await ws.send_bytes(b"\x01" + hello())
                if number % 5 == 0:
                    await ws.send_str(rng.randbytes(20).hex())
                else:
                    await ws.send_bytes(
                        bytes([rng.choice((0, 2, *range(4, 256)))]) + _random(rng, 2000) if number % 5 > 1 else b""
                    )
                while (await ws.receive()).type != aiohttp.WSMsgType.CLOSE:
                    pass
                assert ws.close_code == 4000
    await _honest_client(server, room, "websocket")


async def test_noise_below_the_websocket(party_of: PartyOf) -> None:
    """Bytes that are no WebSocket frames, and requests that are no HTTP."""
    server = party_of(BEST)
    room = server.room()
    host, port = server.url.removeprefix("http://").split(":")
    rng = random.Random(11)
    async with aiohttp.ClientSession() as http:
        admission = await Lobby(http, server.url).join(room, name="noise")
    token = admission.ticket
    upgrade = (
        "GET /ws?token={} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    for number in range(500):
        reader, writer = await asyncio.open_connection(host, int(port))
        if number % 2:
            writer.write(upgrade.format(token).encode())
            await reader.readuntil(b"\r\n\r\n")
            token = admission.resume
        writer.write(rng.randbytes(rng.randrange(1, 400)))
        if rng.random() < 0.5:
            writer.write_eof()
        else:
            writer.transport.abort()
        writer.close()
    await _honest_client(server, room, "websocket")
