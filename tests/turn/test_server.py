"""The server as it runs: how it starts and stops, what floods and strangers cannot do, and that nothing is left."""

import asyncio
import errno
import gc
import os
import secrets
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import aioice
import pytest
from aioice.turn import create_turn_endpoint

from soiree.turn_credentials import time_limited
from tests.turn.conftest import CONFIG, SECRET, serving
from turn import stun
from turn.errors import ListenError
from turn.limits import MAX_STREAM_FRAME_BYTES, Quotas
from turn.server import TRIES, TurnServer
from turn.stream import StreamLine
from turn.stun import Attr, Class, Message, Method


def descriptors() -> int:
    """How many this process has."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Echo(asyncio.DatagramProtocol):
    """A peer that sends everything back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data, addr)  # type: ignore[attr-defined] # a datagram transport


class Ear(asyncio.DatagramProtocol):
    """What came back."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait(data)


async def echo_times(server: TurnServer, transport: str, count: int, pause_s: float = 0.01) -> list[float]:
    """Round trips in s of aioice's client by a peer behind the server; fails when one is lost."""
    loop = asyncio.get_running_loop()
    peer, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    username, password = time_limited(SECRET, "bob", int(time.time()) + 60)
    client, ear = await create_turn_endpoint(
        Ear, server_addr=server.udp[0], username=username, password=password, transport=transport
    )
    times = []
    try:
        for number in range(count):
            begun = loop.time()
            client.sendto(struct.pack("!I", number), peer.get_extra_info("sockname"))
            assert await asyncio.wait_for(ear.heard.get(), 2) == struct.pack("!I", number)
            times.append(loop.time() - begun)
            await asyncio.sleep(pause_s)
    finally:
        client.close()
        peer.close()
        await asyncio.sleep(0.05)  # aioice says goodbye in a task of its own
    return times


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_aioice_reaches_a_peer(server: TurnServer, transport: str) -> None:
    assert len(await echo_times(server, transport, 20)) == 20


async def test_stun_tells_the_address(server: TurnServer) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.setblocking(False)
        client.bind(("127.0.0.1", 0))
        request = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(client, bytes(request), server.udp[0])
        answer = aioice.stun.parse_message(await asyncio.wait_for(loop.sock_recv(client, 2048), 2))
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == client.getsockname()


async def flood(server: TurnServer, seconds: float) -> None:
    """Garbage, Allocate requests without credentials, and streams whose messages are too long."""
    until = time.monotonic() + seconds
    allocate = Message(
        Method.ALLOCATE, Class.REQUEST, secrets.token_bytes(12), [(Attr.REQUESTED_TRANSPORT, b"\x11\0\0\0")]
    )
    request = stun.encode(allocate)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        while time.monotonic() < until:
            for _ in range(20):
                client.sendto(os.urandom(64), server.udp[0])
                client.sendto(request, server.udp[0])
            _, writer = await asyncio.open_connection(*server.tcp[0])
            writer.write(b"\x40\x01" + (MAX_STREAM_FRAME_BYTES + 1).to_bytes(2) + bytes(2000))
            writer.close()
            await asyncio.sleep(0.01)


async def test_a_flood_takes_nothing_from_honest_clients(server: TurnServer) -> None:
    flooding = asyncio.create_task(flood(server, 3))
    udp, tcp = await asyncio.gather(echo_times(server, "udp", 150), echo_times(server, "tcp", 150))
    await flooding
    assert len(udp) == len(tcp) == 150
    assert server.counts["malformed"] > 1000
    assert server.counts["refused-401"] > 1000
    assert server.allocations == 0


async def test_a_stream_that_is_idle_or_talks_nonsense_is_closed(
    server: TurnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turn.stream.STREAM_IDLE_S", 0.2)
    for said in (b"", b"GET / HTTP/1.1\r\n\r\n"):
        reader, writer = await asyncio.open_connection(*server.tcp[0])
        writer.write(said)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 2)
        writer.close()


async def test_connections_are_bounded() -> None:
    config = replace(CONFIG, quotas=Quotas(connections_per_address=2))
    async with serving(config) as server:
        streams = [await asyncio.open_connection(*server.tcp[0]) for _ in range(3)]
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(streams[2][0].readexactly(1), 2)
        assert server.counts["connection-refused"] == 1
        for _, writer in streams:
            writer.close()


async def test_a_reader_that_stalls_loses_data_and_is_let_go(server: TurnServer) -> None:
    """A TCP client that reads nothing, and a peer that sends much more than fits."""
    loop = asyncio.get_running_loop()
    peer, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    username, password = time_limited(SECRET, "bob", int(time.time()) + 60)
    client, _ear = await create_turn_endpoint(
        Ear, server_addr=server.udp[0], username=username, password=password, transport="tcp"
    )
    client.sendto(b"hello", peer.get_extra_info("sockname"))
    await asyncio.sleep(0.1)
    inner: Any = client
    stream = inner._TurnTransport__inner_protocol.transport
    stream.pause_reading()
    relay = client.get_extra_info("sockname")
    for _ in range(300):
        for _ in range(20):
            peer.sendto(bytes(1200), relay)
        await asyncio.sleep(0)
    (line,) = [line for line in server._lines.values() if isinstance(line, StreamLine)]
    waiting = 0 if line._transport is None else line._transport.get_write_buffer_size()
    assert server.counts["lost"] > 100
    assert waiting < 300_000
    stream.resume_reading()
    client.close()
    peer.close()
    await asyncio.sleep(0.05)


async def test_a_taken_port_is_told() -> None:
    async with serving() as server:
        with pytest.raises(ListenError, match="UDP port"):
            async with serving(replace(CONFIG, listen=(server.udp[0],))):
                pass


@pytest.mark.parametrize("taken", [3, TRIES])
async def test_a_free_port_is_free_for_both_protocols(taken: int) -> None:
    """Whatever UDP port the system gives, somebody has the TCP port, so and so often."""
    loop, alone = asyncio.get_running_loop(), replace(CONFIG, listen=(("127.0.0.1", 0),))
    create, asked = loop.create_server, list[int]()

    async def create_server(*args: Any, **kwargs: Any) -> Any:
        asked.append(args[2])
        if len(asked) <= taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        return await create(*args, **kwargs)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(loop, "create_server", create_server)
        before = descriptors()
        if taken < TRIES:
            async with serving(alone) as server:
                assert server.udp == server.tcp == [("127.0.0.1", asked[-1])]
                await echo_times(server, "tcp", 1)
        else:
            with pytest.raises(ListenError, match="TCP port"):
                async with serving(alone):
                    pass
        await asyncio.sleep(0)
        assert descriptors() == before
    assert len(asked) == min(taken + 1, TRIES)


async def test_nothing_is_left_of_200_clients() -> None:
    async with serving() as server:
        await echo_times(server, "udp", 1)
        before = descriptors()
        for _ in range(100):
            await asyncio.gather(echo_times(server, "udp", 1, 0), echo_times(server, "tcp", 1, 0))
        async with asyncio.timeout(5):
            while server.allocations:  # noqa: ASYNC110 (goodbyes come by themselves)
                await asyncio.sleep(0.01)
        gc.collect()
        assert descriptors() <= before
        assert not server._relays
