"""A room on a relay: in which order a tick does its work, and how often it looks after sessions."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bench.load.guest import Guest
from relay.config import RoomConfig
from relay.hosted import HostedRoom
from relay.metrics import Metrics
from relay.room import LISTEN_EVERY_S
from relay.switchboard import Switchboard
from soiree.link import RoomSpec
from soiree.ticket import Ticket
from soiree.transport import CONTROL, STATE, CloseReason, Packet, Rung, Transport, TransportStats
from soiree.wire.state import TICK_HZ, FrameType

PEOPLE = 4


class Wire(Transport):
    """Notes what a room sends, and hands it over when a test says so."""

    name = "wire"

    def __init__(self) -> None:
        self.sent: list[Packet] = []

    def send(self, conn: int, stream: int, payload: bytes) -> bool:
        self.sent.append(Packet(conn, stream, payload))
        return True

    def take(self) -> list[Packet]:
        sent, self.sent = self.sent, []
        return sent

    def set_state_cap(self, conn: int, cap_bytes: int) -> None: ...

    def rung(self, conn: int) -> Rung | None: ...

    def stats(self, conn: int) -> TransportStats | None: ...

    def close(self, conn: int, reason: str = CloseReason.LOCAL) -> None:
        raise AssertionError((conn, reason))

    async def aclose(self) -> None: ...


class Hall:
    """A few who walk about, on the relay's clock."""

    def __init__(self) -> None:
        self.wire, self.now, self.tick = Wire(), asyncio.get_running_loop().time(), 0
        metrics = Metrics()
        spec = RoomSpec("room", "code", "Hall", PEOPLE, 200.0)
        self.hosted = HostedRoom(spec, RoomConfig(), metrics, self.now)
        self.switchboard = Switchboard(metrics, self._fail)
        self.guests: dict[int, Guest] = {}
        for number in range(PEOPLE):
            self.hosted.open_session(
                Ticket("room", 2 + number, f"s{number}", "", f"guest {number}", False, "jti", 0), self.now
            )
            conn = self.switchboard.connect(self.wire, self.hosted, 2 + number).conn
            self.guests[conn] = Guest(number, 20.0)
            self.switchboard.opened(conn)
            self.switchboard.packets([Packet(conn, CONTROL, self.guests[conn].hello())])

    @staticmethod
    def _fail(_hosted: HostedRoom, error: Exception) -> None:
        raise error

    def steps(self, ticks: int) -> Iterator[list[Packet]]:
        """What each tick sends by itself."""
        for _ in range(ticks):
            self.tick += 1
            self.now += 1 / TICK_HZ
            for packet in self.wire.take():
                self._answer(packet)
            self.switchboard.packets([Packet(c, STATE, guest.frame(self.tick)) for c, guest in self.guests.items()])
            before = len(self.wire.sent)
            self.hosted.serves(self.tick, 1)
            self.hosted.tick(self.tick, self.now)
            yield self.wire.sent[before:]

    def _answer(self, packet: Packet) -> None:
        guest = self.guests[packet.conn]
        if packet.stream == CONTROL:
            answers = [Packet(packet.conn, CONTROL, words) for words in guest.on_control(packet.payload)]
        else:
            said = guest.on_state(packet.payload, 0)
            answers = [] if said is None else [Packet(packet.conn, STATE, said)]
        self.switchboard.packets(answers)


@pytest.fixture
async def hall() -> Hall:
    return Hall()


def is_state(packet: Packet) -> bool:
    return packet.stream == STATE and packet.payload[0] == FrameType.STATE


async def test_a_tick_sends_states_before_it_looks_after_anything_else(hall: Hall) -> None:
    both = 0
    for sent in hall.steps(3 * TICK_HZ):
        kinds = [is_state(packet) for packet in sent]
        assert kinds == sorted(kinds, reverse=True)
        both += len(set(kinds)) == 2
    assert both > 1
    assert all(len(guest.known) == PEOPLE - 1 for guest in hall.guests.values())


async def test_pings_come_once_a_second_to_a_tenth(hall: Hall) -> None:
    came: dict[int, list[float]] = {conn: [] for conn in hall.guests}
    for sent in hall.steps(6 * TICK_HZ):
        for conn, stream, payload in sent:
            if stream == STATE and payload[0] == FrameType.PING:
                came[conn].append(hall.now)
    for times in came.values():
        apart = [later - earlier for earlier, later in pairwise(times)]
        assert len(apart) >= 4
        assert all(1 - 1e-6 <= gap <= 1 + LISTEN_EVERY_S + 2 / TICK_HZ for gap in apart)
