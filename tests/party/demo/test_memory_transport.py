"""The transport without sockets keeps what the transport interface promises."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from party.demo.memory_transport import MemoryTransport
from soiree.transport import (
    CONTROL,
    DEFAULT_STATE_CAP_BYTES,
    MAX_CONTROL_BYTES,
    MAX_FRAME_BYTES,
    RELIABLE_QUEUE_BYTES,
    STATE,
    Packet,
    Rung,
)


@dataclass
class Relay:
    """The sink."""

    opened_: list[int] = field(default_factory=list)
    heard: list[Packet] = field(default_factory=list)
    batches: int = 0
    closed_: list[tuple[int, str]] = field(default_factory=list)

    def opened(self, conn: int) -> None:
        self.opened_.append(conn)

    def packets(self, packets: Sequence[Packet]) -> None:
        self.batches += 1
        self.heard += packets

    def closed(self, conn: int, reason: str) -> None:
        self.closed_.append((conn, reason))


@dataclass
class End:
    """The other end."""

    heard: list[tuple[int, bytes]] = field(default_factory=list)
    over: list[str] = field(default_factory=list)

    def hear(self, stream: int, payload: bytes) -> None:
        assert not self.over
        self.heard.append((stream, payload))

    def closed(self, reason: str) -> None:
        self.over.append(reason)


async def turn() -> None:
    await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_what_is_sent_arrives_in_order_and_what_is_said_comes_as_one() -> None:
    relay, end = Relay(), End()
    transport = MemoryTransport(relay)
    transport.open(7, end)
    assert relay.opened_ == [7]
    assert transport.send(7, CONTROL, b"a")
    assert transport.send(7, STATE, b"b")
    assert end.heard == []
    await turn()
    assert end.heard == [(CONTROL, b"a"), (STATE, b"b")]
    transport.say([Packet(7, CONTROL, b"c"), Packet(7, STATE, b"d"), Packet(8, STATE, b"nobody's")])
    assert relay.heard == [Packet(7, CONTROL, b"c"), Packet(7, STATE, b"d")]
    assert relay.batches == 1
    stats = transport.stats(7)
    assert stats is not None
    assert (stats.packets_in, stats.packets_out, stats.bytes_in, stats.bytes_out) == (2, 2, 2, 2)
    assert transport.rung(7) is Rung.DIRECT
    assert (transport.rung(8), transport.stats(8), transport.send(8, STATE, b"")) == (None, None, False)


async def test_stale_state_is_dropped_and_not_queued() -> None:
    relay, end = Relay(), End()
    transport = MemoryTransport(relay)
    transport.open(1, end)
    frame = bytes(MAX_FRAME_BYTES)
    taken = [transport.send(1, STATE, frame) for _ in range(10)]
    assert taken == [True] * 3 + [False] * 7
    assert 3 * len(frame) > DEFAULT_STATE_CAP_BYTES >= 2 * len(frame)
    stats = transport.stats(1)
    assert stats is not None
    assert stats.dropped_out == 7
    await turn()
    assert len(end.heard) == 3
    transport.set_state_cap(1, 0)
    assert [transport.send(1, STATE, frame) for _ in range(2)] == [True, False]


async def test_who_does_not_listen_is_hung_up_on() -> None:
    relay, end = Relay(), End()
    transport = MemoryTransport(relay)
    transport.open(1, end)
    message = bytes(MAX_CONTROL_BYTES)
    fits = RELIABLE_QUEUE_BYTES // len(message)
    assert all(transport.send(1, CONTROL, message) for _ in range(fits))
    assert not transport.send(1, CONTROL, message)
    await turn()
    assert len(end.heard) == fits
    assert relay.closed_ == [(1, "backlog")]
    assert end.over == ["backlog"]


@pytest.mark.parametrize(("stream", "most"), [(CONTROL, MAX_CONTROL_BYTES), (STATE, MAX_FRAME_BYTES)])
async def test_a_payload_over_the_limit_is_the_callers_mistake(stream: int, most: int) -> None:
    transport = MemoryTransport(Relay())
    transport.open(1, End())
    assert transport.send(1, stream, bytes(most))
    with pytest.raises(ValueError, match="at most"):
        transport.send(1, stream, bytes(most + 1))


async def test_a_close_comes_once_after_what_was_sent() -> None:
    relay, end = Relay(), End()
    transport = MemoryTransport(relay)
    transport.open(1, end)
    transport.send(1, CONTROL, b"last words")
    transport.close(1, "kicked")
    transport.close(1, "again")
    assert not transport.send(1, CONTROL, b"more")
    transport.say([Packet(1, STATE, b"unheard")])
    await turn()
    assert end.heard == [(CONTROL, b"last words")]
    assert end.over == ["kicked"]
    assert relay.closed_ == [(1, "kicked")]
    assert relay.heard == []


async def test_aclose_leaves_nothing() -> None:
    relay = Relay()
    transport = MemoryTransport(relay)
    ends = [End(), End()]
    for conn, end in enumerate(ends):
        transport.open(conn, end)
    transport.close(1, "kicked")
    await transport.aclose()
    assert sorted(relay.closed_) == [(0, "local"), (1, "kicked")]
    assert [end.over for end in ends] == [["local"], ["kicked"]]
