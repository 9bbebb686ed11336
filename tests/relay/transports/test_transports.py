"""One suite for every transport: what `soiree.transport` promises, over real stacks back to back."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from soiree.connections import FLUSH_TIMEOUT_S
from soiree.transport import (
    CONTROL,
    DEFAULT_STATE_CAP_BYTES,
    MAX_CONTROL_BYTES,
    MAX_FRAME_BYTES,
    RELIABLE_QUEUE_BYTES,
    STATE,
    CloseReason,
    Rung,
)
from tests.relay.transports.stage import TRANSPORTS, Stage, stage_of

CONN = 7
BUSY_S = 1.3
"""Longer than SCTP waits before it says something again."""
UNSEEN_BYTES = {"libdatachannel": 1024 * 1024, "aiortc": 128 * 1024, "websocket": 1024 * 1024}
"""What each stack takes in for a path that stands still before its user can see it: SCTP's send buffer, its window, TCP's two buffers."""


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture
async def stage(transport: str) -> AsyncIterator[Stage]:
    async with stage_of(transport) as made:
        yield made
        assert not made.heard.late
        assert not made.told.late


async def test_both_streams_carry_both_ways(stage: Stage) -> None:
    await stage.join(CONN)
    for stream in (CONTROL, STATE):
        assert stage.server.send(CONN, stream, b"down" + bytes([stream]))
        assert stage.client.send(CONN, stream, b"up" + bytes([stream]))
    await stage.told.until(lambda: len(stage.told.received) == 2)
    await stage.heard.until(lambda: len(stage.heard.received) == 2)
    assert {packet[1:] for packet in stage.told.received} == {(CONTROL, b"down\x01"), (STATE, b"down\x03")}
    assert {packet[1:] for packet in stage.heard.received} == {(CONTROL, b"up\x01"), (STATE, b"up\x03")}


async def test_the_largest_payloads_pass_whole(stage: Stage) -> None:
    await stage.join(CONN)
    assert stage.server.send(CONN, STATE, bytes(range(256)) * 4 + bytes(MAX_FRAME_BYTES - 1024))
    assert stage.server.send(CONN, CONTROL, bytes(range(256)) * (MAX_CONTROL_BYTES // 256))
    await stage.told.until(lambda: len(stage.told.received) == 2)
    assert {len(packet.payload) for packet in stage.told.received} == {MAX_FRAME_BYTES, MAX_CONTROL_BYTES}


async def test_ten_thousand_control_messages_arrive_once_and_in_order(stage: Stage) -> None:
    await stage.join(CONN)
    for begin in range(0, 10_000, 500):
        for number in range(begin, begin + 500):
            assert stage.server.send(CONN, CONTROL, number.to_bytes(4, "little") + bytes(16))
        await stage.told.until(lambda begin=begin: len(stage.told.received) >= begin - 500)  # type: ignore[misc]
    await stage.told.until(lambda: len(stage.told.received) >= 10_000, within_s=30)
    assert [int.from_bytes(payload[:4], "little") for payload in stage.told.payloads(CONTROL)] == list(range(10_000))


async def test_bursts_on_several_connections_are_told_in_fewer_batches_than_packets(stage: Stage) -> None:
    for conn in range(4):
        await stage.join(conn)
    for _ in range(100):
        for conn in range(4):
            assert stage.server.send(conn, CONTROL, bytes(100))
    await stage.told.until(lambda: len(stage.told.received) == 400)
    assert stage.told.batches <= 300


async def test_counters_tell_what_passed(stage: Stage) -> None:
    await stage.join(CONN)
    stage.server.send(CONN, CONTROL, bytes(10))
    stage.server.send(CONN, CONTROL, bytes(20))
    await stage.told.until(lambda: len(stage.told.received) == 2)
    down, up = stage.server.stats(CONN), stage.client.stats(CONN)
    assert down is not None
    assert up is not None
    assert (down.packets_out, down.bytes_out, down.dropped_out) == (2, 30, 0)
    assert (up.packets_in, up.bytes_in) == (2, 30)


async def test_the_rung_is_told_once_open(stage: Stage, transport: str) -> None:
    assert stage.server.rung(CONN) is None
    await stage.join(CONN)
    expected = Rung.WEBSOCKET if transport == "websocket" else Rung.DIRECT
    assert stage.server.rung(CONN) == expected
    assert stage.client.rung(CONN) == expected


async def test_state_to_a_stalled_reader_is_refused_and_what_waits_is_bounded(stage: Stage, transport: str) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    accepted = 0
    while stage.server.send(CONN, STATE, bytes(MAX_FRAME_BYTES)):
        accepted += MAX_FRAME_BYTES
        assert accepted <= UNSEEN_BYTES[transport] + 8 * DEFAULT_STATE_CAP_BYTES
        await asyncio.sleep(0)
    for _ in range(1000):
        assert not stage.server.send(CONN, STATE, bytes(MAX_FRAME_BYTES))
    assert stage.end_of(stage.server, CONN).buffered(STATE) <= DEFAULT_STATE_CAP_BYTES + 2 * MAX_FRAME_BYTES
    stats = stage.server.stats(CONN)
    assert stats is not None
    assert stats.dropped_out >= 1001
    assert not stage.heard.closes


async def test_state_flows_again_after_a_stall(stage: Stage) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    for number in range(40):
        stage.server.send(CONN, STATE, number.to_bytes(2, "little") + bytes(MAX_FRAME_BYTES - 2))
        await asyncio.sleep(0)
    stall(False)

    async def keep_sending() -> None:
        while True:
            stage.server.send(CONN, STATE, b"fresh")
            await asyncio.sleep(0.02)

    sender = asyncio.create_task(keep_sending())
    await stage.told.until(lambda: b"fresh" in stage.told.payloads(STATE))
    sender.cancel()


async def test_a_smaller_cap_refuses_earlier(stage: Stage) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    stage.server.set_state_cap(CONN, 0)
    accepted = 0
    while stage.server.send(CONN, STATE, bytes(MAX_FRAME_BYTES)):
        accepted += 1
        await asyncio.sleep(0)
    assert accepted
    assert stage.end_of(stage.server, CONN).buffered(STATE) <= 2 * MAX_FRAME_BYTES


async def test_control_past_its_bound_closes_with_backlog(stage: Stage, transport: str) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    accepted = 0
    while stage.server.send(CONN, CONTROL, bytes(MAX_CONTROL_BYTES)):
        accepted += MAX_CONTROL_BYTES
        assert accepted <= RELIABLE_QUEUE_BYTES + UNSEEN_BYTES[transport]
        await asyncio.sleep(0)
    assert await stage.heard.until_closed(CONN) == CloseReason.BACKLOG
    assert not stage.server.send(CONN, CONTROL, b"too late")
    assert stage.heard.closes == [(CONN, CloseReason.BACKLOG)]


async def test_closing_delivers_control_first_and_tells_each_end_once(stage: Stage, transport: str) -> None:
    await stage.join(CONN)
    for number in range(20):
        assert stage.server.send(CONN, CONTROL, bytes([number]) * 8000)
    stage.server.close(CONN, "kicked")
    stage.server.close(CONN, "another reason")
    assert not stage.server.send(CONN, CONTROL, b"after the end")
    assert await stage.heard.until_closed(CONN) == "kicked"
    # Only a WebSocket's close code can carry the reason.
    assert await stage.told.until_closed(CONN) == ("kicked" if transport == "websocket" else CloseReason.REMOTE)
    assert [payload[0] for payload in stage.told.payloads(CONTROL)] == list(range(20))
    assert not stage.client.send(CONN, CONTROL, b"after the end")
    await stage.server.aclose()
    await stage.client.aclose()
    assert len(stage.heard.closes) == len(stage.told.closes) == 1


async def test_a_client_that_closes_is_told_to_the_server_as_remote(stage: Stage) -> None:
    await stage.join(CONN)
    stage.client.close(CONN)
    assert await stage.heard.until_closed(CONN) == CloseReason.REMOTE
    assert stage.server.stats(CONN) is None
    await stage.server.aclose()
    assert len(stage.heard.closes) == 1


async def test_both_ends_closing_at_once_are_told_once_each(stage: Stage) -> None:
    await stage.join(CONN)
    stage.client.close(CONN)
    stage.server.close(CONN)
    await stage.told.until_closed(CONN)
    await stage.heard.until_closed(CONN)
    await asyncio.gather(stage.client.aclose(), stage.server.aclose())
    assert len(stage.heard.closes) == len(stage.told.closes) == 1


@pytest.mark.parametrize("leaver", ["server", "client"])
async def test_last_words_reach_an_end_that_is_busy_for_a_moment(stage: Stage, leaver: str) -> None:
    stall = await stage.join_stallable(CONN)
    ends = [(stage.server, stage.told), (stage.client, stage.heard)]
    (leaving, told), (busy, _) = ends if leaver == "server" else reversed(ends)
    assert leaving.send(CONN, CONTROL, b"hello")
    await told.until(lambda: bool(told.received))
    stall(True)
    assert leaving.send(CONN, CONTROL, b"goodbye")
    leaving.close(CONN)
    loop = asyncio.get_running_loop()
    free_at = loop.time() + BUSY_S
    while loop.time() < free_at:
        # What it still says must not make its own stack throw away what it has not heard yet.
        busy.send(CONN, STATE, b"unaware")
        await asyncio.sleep(0.02)
    stall(False)
    await told.until(lambda: told.payloads(CONTROL) == [b"hello", b"goodbye"])
    assert await told.until_closed(CONN) == CloseReason.REMOTE


async def test_a_vanished_peer_is_closed_in_bounded_time(stage: Stage) -> None:
    stall = await stage.join_stallable(CONN)
    stall(True)
    stage.server.send(CONN, CONTROL, b"into the void")
    stage.server.close(CONN, "timeout")
    assert await stage.heard.until_closed(CONN, within_s=FLUSH_TIMEOUT_S + 1) == "timeout"


@pytest.mark.parametrize(("stream", "limit"), [(STATE, MAX_FRAME_BYTES), (CONTROL, MAX_CONTROL_BYTES)])
async def test_an_oversized_message_is_our_mistake_or_the_end(stage: Stage, stream: int, limit: int) -> None:
    await stage.join(CONN)
    with pytest.raises(ValueError, match=str(limit)):
        stage.client.send(CONN, stream, bytes(limit + 1))
    stage.end_of(stage.client, CONN).transmit(stream, bytes(limit + 1))
    assert await stage.heard.until_closed(CONN) == CloseReason.OVERSIZED
    assert not stage.heard.received


async def test_an_unknown_connection_takes_nothing_and_tells_nothing(stage: Stage) -> None:
    assert not stage.server.send(99, CONTROL, b"nobody")
    assert stage.server.stats(99) is None
    assert stage.server.rung(99) is None
    stage.server.set_state_cap(99, 1)
    stage.server.close(99)
    assert not stage.heard.closes


async def test_a_stalled_reader_holds_up_nobody_else(stage: Stage) -> None:
    stall = await stage.join_stallable(CONN)
    await stage.join(CONN + 1)
    stall(True)
    loop = asyncio.get_running_loop()
    slowest = 0.0
    for number in range(100):
        stage.server.send(CONN, STATE, bytes(MAX_FRAME_BYTES))
        stage.server.send(CONN, CONTROL, bytes(500))
        begin = loop.time()
        assert stage.server.send(CONN + 1, CONTROL, bytes([number]))
        await stage.told.until(lambda number=number: bytes([number]) in stage.told.payloads(CONTROL))  # type: ignore[misc]
        slowest = max(slowest, loop.time() - begin)
    assert slowest < 0.5
