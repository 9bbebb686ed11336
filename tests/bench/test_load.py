"""The load's own parts: its WebSocket reading, what it keeps, and its guest's talk with a relay."""

import asyncio

import pytest
from aiohttp import WSMsgType, web
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import LoadError
from bench.load import arrivals
from bench.load.arrivals import Arrivals
from bench.load.guest import Guest
from bench.load.sockets import BINARY, FrameReader, Sockets
from soiree.wire import control
from soiree.wire.messages import Error, Hello, Refused
from soiree.wire.state import FrameType, Ping, pack_ping, unpack_header, unpack_pong


def server_frame(payload: bytes) -> bytes:
    """As a server sends it: unmasked."""
    size = len(payload)
    if size < 126:
        return bytes((BINARY, size)) + payload
    if size < 65536:
        return bytes((BINARY, 126)) + size.to_bytes(2, "big") + payload
    return bytes((BINARY, 127)) + size.to_bytes(8, "big") + payload


@given(
    st.lists(st.sampled_from([0, 1, 125, 126, 127, 1152, 65535, 65536]), max_size=4),
    st.lists(st.integers(1, 70_000), max_size=12),
)
def test_frames_are_read_however_the_stream_is_cut(sizes: list[int], cuts: list[int]) -> None:
    payloads = [bytes([at]) * size for at, size in enumerate(sizes)]
    stream, reader, read = b"".join(map(server_frame, payloads)), FrameReader(), []
    for cut in [*cuts, len(stream)]:
        read += reader.feed(stream[:cut])
        stream = stream[cut:]
    assert read == [(BINARY, payload) for payload in payloads]


async def test_messages_of_all_sizes_go_there_and_back() -> None:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await socket.ping(b"?")
                await socket.send_bytes(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/", echo)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    sockets = Sockets(lambda client, message: heard.put_nowait((client, message)))
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        await sockets.connect(5, url)
        for size in (0, 125, 126, 60_000):
            sockets.send(5, bytes(size))
            assert await heard.get() == (5, bytes(size))
        with pytest.raises(LoadError, match="no upgrade"):
            await sockets.connect(6, f"{url}/nowhere")
    finally:
        await sockets.aclose()
        await runner.cleanup()


async def test_nothing_can_be_said_on_a_connection_that_is_gone() -> None:
    sockets = Sockets(lambda _client, _message: None)
    with pytest.raises(LoadError, match="client 0 had no WebSocket"):
        await sockets.connect(0, "http://127.0.0.1:1/")
    with pytest.raises(LoadError, match="no WebSocket any more"):
        sockets.send(0, b"x")


def test_payloads_that_all_get_are_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MAX_KEPT_BYTES", 1000)
    kept = Arrivals()
    kept.keeping = kept.counting = True
    for listener in range(50):
        kept.note(listener, bytes(100), shared=True)
    assert kept.payload_bytes == 5000
    [(payloads, listeners, _)] = kept.batches(100)
    assert len(payloads) == 50
    assert listeners.tolist() == list(range(50))
    for listener in range(9):
        kept.note(listener, bytes(100), shared=False)
    with pytest.raises(LoadError, match="fewer --seconds"):
        kept.note(9, bytes(100), shared=False)


def test_a_guest_greets_spawns_and_answers_pings() -> None:
    guest = Guest(3, 20.0)
    assert isinstance(control.decode_from_client(guest.hello()), Hello)
    ping = Ping(7, 600, 123, 0)
    answer = guest.on_state(pack_ping(ping), 99)
    assert answer is not None
    assert unpack_pong(answer) == (7, 123, 99)
    assert unpack_header(guest.frame(0)).tick == 600


def test_a_guest_says_what_the_relay_objects_to() -> None:
    guest = Guest(3, 20.0)
    with pytest.raises(LoadError, match="kicked"):
        guest.on_control(control.encode(Error(0, "kicked", "Go.")))
    with pytest.raises(LoadError, match="too-many"):
        guest.on_control(control.encode(Refused(1, 1, 0, "too-many", 0, 0)))


def test_a_guest_before_its_avatar_only_acknowledges() -> None:
    guest = Guest(3, 20.0)
    frame = guest.frame(0)
    assert frame[0] == FrameType.STATE
    assert unpack_header(frame).flags == 0
    assert guest.on_state(frame, 0) is None
    assert unpack_header(guest.frame(1)).ack_seq == 0
    assert unpack_header(guest.frame(1)).flags == 1
