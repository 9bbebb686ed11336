"""What is the data WebSocket's own: framing, close codes, and TCP that must not bring stale state."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import WSMsgType
from hypothesis import given
from hypothesis import strategies as st

from relay.transports import websocket
from soiree.client.websocket import WebSocketConnectError
from soiree.connections import FLUSH_TIMEOUT_S
from soiree.transport import CONTROL, DEFAULT_STATE_CAP_BYTES, MAX_FRAME_BYTES, STATE, CloseReason
from soiree.websocket import CLOSE_CODES, MAX_REASON_BYTES, FramingError, close_frame, frame, reason_of, unframe
from soiree.websocket_connections import BURST_BYTES, CLOSE_TIMEOUT_S, MAX_MESSAGE_BYTES, MAX_STATE_AGE_S
from tests.relay.transports.stage import WebSocketStage, websocket_stage

CONN = 7


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[WebSocketStage]:
    async with websocket_stage() as made:
        yield made


@given(st.sampled_from([CONTROL, STATE]), st.binary(max_size=64))
def test_a_frame_comes_back_as_it_went(stream: int, payload: bytes) -> None:
    assert unframe(frame(stream, payload)) == (stream, payload)


@given(st.binary(max_size=8))
def test_any_bytes_are_a_frame_or_a_framing_error(message: bytes) -> None:
    try:
        stream, payload = unframe(message)
    except FramingError:
        assert not message or message[0] not in (CONTROL, STATE)
    else:
        assert frame(stream, payload) == message


def test_every_reason_survives_its_close_code() -> None:
    for reason, code in CLOSE_CODES.items():
        assert close_frame(reason) == (code, reason.encode())
        assert reason_of(code) == (CloseReason.REMOTE if reason == "bye" else reason)
    assert reason_of(None) == CloseReason.FAILED
    assert reason_of(3999) == CloseReason.REMOTE


@given(st.text(min_size=20, max_size=200))
def test_any_reason_fits_a_close_frame(reason: str) -> None:
    code, text = close_frame(reason)
    assert code == 1000
    assert len(text) <= MAX_REASON_BYTES
    assert reason.startswith(text.decode())


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        ("text", 4000, "malformed"),
        (b"", 4000, "malformed"),
        (b"\x02data", 4000, "malformed"),
        (b"\x03" + bytes(MAX_FRAME_BYTES + 1), 4006, "oversized"),
        (b"\x01" + bytes(MAX_MESSAGE_BYTES), 1009, "oversized"),
    ],
)
async def test_a_misuse_closes_with_its_code(
    stage: WebSocketStage, message: str | bytes, code: int, reason: str
) -> None:
    async with stage.session.ws_connect(f"{stage.url}?conn={CONN}", max_msg_size=0) as ws:
        await (ws.send_str(message) if isinstance(message, str) else ws.send_bytes(message))
        last = await ws.receive()
        assert last.type is WSMsgType.CLOSE
        assert last.data == code
    assert await stage.heard.until_closed(CONN) == reason
    assert not stage.heard.received


async def test_a_socket_that_breaks_has_failed(stage: WebSocketStage) -> None:
    await stage.join(CONN)
    stage.client._connections[CONN]._socket.abort()
    assert await stage.heard.until_closed(CONN) == CloseReason.FAILED
    assert await stage.told.until_closed(CONN) == CloseReason.FAILED


async def test_the_client_hears_the_reason_of_a_code(stage: WebSocketStage) -> None:
    await stage.join(CONN)
    stage.server.close(CONN, "superseded")
    assert await stage.told.until_closed(CONN) == "superseded"


async def test_the_server_believes_no_reason_of_a_stranger(stage: WebSocketStage) -> None:
    await stage.join(CONN)
    stage.client.close(CONN, "superseded")
    assert await stage.heard.until_closed(CONN) == CloseReason.REMOTE


async def test_a_refused_handshake_tells_its_status(stage: WebSocketStage) -> None:
    with pytest.raises(WebSocketConnectError) as refusal:
        await stage.dialling.connect(CONN, stage.url.replace("/ws", "/nowhere"))
    assert refusal.value.status == 404
    assert not stage.told.opens


async def test_a_relay_that_is_not_there_cannot_be_reached(stage: WebSocketStage) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(WebSocketConnectError, match="cannot be reached"):
        await stage.dialling.connect(CONN, f"http://127.0.0.1:{port}/ws")


async def test_a_number_in_use_is_refused(stage: WebSocketStage) -> None:
    await stage.join(CONN)
    with pytest.raises(ValueError, match="in use"):
        await stage.dialling.connect(CONN, f"{stage.url}?conn=8")
    assert await stage.heard.until_closed(8) == CloseReason.REMOTE


async def fill(stage: WebSocketStage) -> int:
    """Send numbered state until the stalled path takes no more for 0.3 s, longer than state may wait; how many it took."""
    taken = refused = 0
    while refused < 30:
        if stage.server.send(CONN, STATE, taken.to_bytes(4, "little") + bytes(MAX_FRAME_BYTES - 4)):
            taken += 1
            refused = 0
            await asyncio.sleep(0)
        else:
            refused += 1
            await asyncio.sleep(MAX_STATE_AGE_S * 1.2 / 30)
    return taken


async def test_state_that_waited_out_a_stall_is_dropped_and_the_next_is_fresh(stage: WebSocketStage) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    taken = await fill(stage)
    dropped = stage.end_of(stage.server, CONN).dropped_out
    stall(False)
    async with asyncio.timeout(5):
        while not stage.server.send(CONN, STATE, b"fresh"):  # noqa: ASYNC110 (a transport does not tell when it takes state again)
            await asyncio.sleep(0.005)
    await stage.told.until(lambda: b"fresh" in stage.told.payloads(STATE))
    numbers = [int.from_bytes(payload[:4], "little") for payload in stage.told.payloads(STATE)[:-1]]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) < taken
    assert stage.end_of(stage.server, CONN).dropped_out > dropped


async def test_a_burst_in_one_turn_of_the_loop_is_taken_by_a_free_socket_and_bounded(stage: WebSocketStage) -> None:
    await stage.join(CONN)
    for _ in range(8):
        assert stage.server.send(CONN, STATE, bytes(MAX_FRAME_BYTES))
    await stage.told.until(lambda: len(stage.told.received) == 8)
    stall = await stage.join_stallable(CONN + 1)
    stall(True)
    taken = 0
    while stage.server.send(CONN + 1, STATE, bytes(MAX_FRAME_BYTES)):
        taken += MAX_FRAME_BYTES
    waiting = stage.end_of(stage.server, CONN + 1)._socket.get_write_buffer_size()  # type: ignore[attr-defined]
    assert waiting <= BURST_BYTES + DEFAULT_STATE_CAP_BYTES + 2 * MAX_FRAME_BYTES


async def test_a_server_that_stops_frees_a_reader_that_has_stalled(stage: WebSocketStage) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    await fill(stage)
    async with asyncio.timeout(FLUSH_TIMEOUT_S + CLOSE_TIMEOUT_S + 1):
        await stage.server.aclose()
    assert await stage.heard.until_closed(CONN) == CloseReason.LOCAL


def any_waits(_: bytes) -> bool:
    return True


async def test_states_are_kept_to_be_told_together_and_come_with_control(stage: WebSocketStage) -> None:
    stage.websockets._may_wait = any_waits
    await stage.join(CONN)
    for payload in (b"one", b"two"):
        assert stage.client.send(CONN, STATE, payload)
    async with asyncio.timeout(5):
        while stage.end_of(stage.server, CONN).packets_in < 2:  # noqa: ASYNC110 (that it tells nobody is what is tried)
            await asyncio.sleep(0.005)
    assert stage.heard.received == []
    stage.server.collect()
    assert stage.heard.payloads(STATE) == [b"one", b"two"]
    assert stage.client.send(CONN, STATE, b"three")
    assert stage.client.send(CONN, CONTROL, b"control")
    await stage.heard.until(lambda: stage.heard.payloads(CONTROL) == [b"control"])
    assert stage.heard.payloads(STATE) == [b"one", b"two", b"three"]
    assert stage.heard.batches == 2


async def test_states_that_may_not_wait_are_told_at_once_with_all_that_was_kept(stage: WebSocketStage) -> None:
    stage.websockets._may_wait = lambda payload: payload.startswith(b"later")
    await stage.join(CONN)
    for _ in range(2):
        for payload in (b"later: one", b"now: two"):
            assert stage.client.send(CONN, STATE, payload)
        await stage.heard.until(lambda: stage.heard.payloads(STATE) == [b"later: one", b"now: two"])
        stage.heard.received.clear()
    assert stage.heard.batches == 2


async def test_what_comes_faster_than_it_is_told_stays_in_order(
    stage: WebSocketStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MOST_AT_ONCE", 3)
    stage.websockets._may_wait = any_waits
    await stage.join(CONN)
    said = [(STATE, number.to_bytes(4, "little")) for number in range(400)]
    said[100::100] = [(CONTROL, payload) for _, payload in said[100::100]]
    for stream, payload in said:
        assert stage.client.send(CONN, stream, payload)
        if payload[0] % 8 == 0:
            await asyncio.sleep(0)
    async with asyncio.timeout(10):
        while len(stage.heard.received) < len(said):
            stage.server.collect()
            await asyncio.sleep(0.005)
    assert [(stream, payload) for _, stream, payload in stage.heard.received] == said


async def test_nothing_follows_what_ended_a_connection(stage: WebSocketStage) -> None:
    async with stage.session.ws_connect(f"{stage.url}?conn={CONN}") as ws:
        await ws.send_bytes(b"\x02unknown")
        await ws.send_bytes(frame(CONTROL, b"late"))
        assert (await ws.receive()).data == CLOSE_CODES["malformed"]
    assert await stage.heard.until_closed(CONN) == "malformed"
    assert not stage.heard.received
