"""Ways to a relay's room each step of which takes its time, so that what was said first may arrive last."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from relay.config import RoomConfig
from relay.connections import Connection
from relay.hosted import HostedRoom
from relay.metrics import Metrics
from relay.switchboard import Switchboard
from soiree.client.carrier import Carrier, CarrierSink
from soiree.client.ladder import Kind, Ladder
from soiree.link import RoomSpec
from soiree.ticket import Ticket
from soiree.transport import Packet, Rung, Transport, TransportStats

SPEC = RoomSpec("room-id", "room-code", "Room", 64, 100.0)
PEER = 2
TICK_S = 1 / 60


class Queue:
    """One direction of one connection: in order, each message no earlier than it is due."""

    def __init__(self, random: Random, slowest_s: float) -> None:
        self._random = random
        self._slowest_s = slowest_s
        self._loop = asyncio.get_running_loop()
        self._last = 0.0

    def put(self, deliver: Callable[[], None]) -> None:
        """Call `deliver` when its time has come."""
        late = self._random.random() * self._slowest_s if self._random.random() < 0.3 else 0.0
        self._last = max(self._loop.time() + late, self._last + 1e-6)
        self._loop.call_at(self._last, deliver)


class SlowRelay(Transport):
    """A relay's room, and its end of all connections of one session."""

    name = "slow"

    def __init__(self, random: Random) -> None:
        self.random = random
        self.slowest_s = {step: random.choice((0.0, 0.02, 0.15, 0.3)) for step in ("accept", "open", "up", "down")}
        self.loop = asyncio.get_running_loop()
        self.hosted = HostedRoom(SPEC, RoomConfig(), Metrics(), self.loop.time())
        self.switchboard = Switchboard(Metrics(), self._fail)
        self.ends: dict[int, SlowCarrier] = {}
        self.tickets = 1
        self._tick = 0
        self._ticked: asyncio.Future[None] = self.loop.create_future()

    @staticmethod
    def _fail(_hosted: HostedRoom, error: Exception) -> None:
        raise error

    def accept(self, carrier: "SlowCarrier") -> Connection:
        """Let a connection in; the first one opens the session."""
        if self.tickets:
            self.tickets = 0
            self.hosted.open_session(
                Ticket("room-id", PEER, "s", "subject", "guest", False, "jti", 0), self.loop.time()
            )
        connection = self.switchboard.connect(self, self.hosted, PEER)
        self.ends[connection.conn] = carrier
        self.switchboard.opened(connection.conn)
        return connection

    async def run(self) -> None:
        """The relay's clock, until cancelled."""
        while True:
            self._tick += 1
            self.hosted.serves(self._tick, 3)
            self.hosted.tick(self._tick, self.loop.time())
            ticked, self._ticked = self._ticked, self.loop.create_future()
            ticked.set_result(None)
            await asyncio.sleep(TICK_S)

    async def next_tick(self) -> None:
        """Wait until the clock has moved."""
        await asyncio.shield(self._ticked)

    def attached(self) -> Carrier | None:
        """Which connection carries the session."""
        connection = self.hosted._attached.get(PEER)
        return None if connection is None else self.ends[connection.conn]

    def send(self, conn: int, stream: int, payload: bytes) -> bool:
        if conn not in self.ends:
            return False
        self.ends[conn].down.put(lambda: self._tell(conn, stream, payload))
        return True

    def _tell(self, conn: int, stream: int, payload: bytes) -> None:
        carrier = self.ends[conn]
        if carrier.alive:
            carrier.packets([Packet(1, stream, payload)])

    def close(self, conn: int, reason: str = "local") -> None:
        carrier = self.ends[conn]
        carrier.down.put(lambda: carrier.closed(1, reason) if carrier.alive else None)
        self.loop.call_soon(self.switchboard.closed, conn, reason)

    def set_state_cap(self, conn: int, cap_bytes: int) -> None: ...

    def rung(self, conn: int) -> Rung | None:
        return Rung.DIRECT

    def stats(self, conn: int) -> TransportStats | None:
        return None

    async def aclose(self) -> None: ...


class SlowCarrier(Carrier):
    """The client's end of a connection."""

    def __init__(self, sink: CarrierSink, kind: Kind, relay: SlowRelay) -> None:
        super().__init__(sink)
        self.kind = kind
        self.up = Queue(relay.random, relay.slowest_s["up"])
        self.down = Queue(relay.random, relay.slowest_s["down"])
        self._relay = relay
        self._conn = 0

    async def dial(self, token: str) -> None:
        relay = self._relay
        await asyncio.sleep(relay.random.random() * relay.slowest_s["accept"])
        self._conn = relay.accept(self).conn
        await asyncio.sleep(relay.random.random() * relay.slowest_s["open"])
        self.opened(1)

    def send(self, stream: int, payload: bytes) -> bool:
        if not self.alive:
            return False
        self.up.put(lambda: self._relay.switchboard.packets([Packet(self._conn, stream, payload)]))
        return True

    async def aclose(self) -> None:
        if self._conn and self._reason is None:
            self._reason = "local"
            self.up.put(lambda: self._relay.switchboard.closed(self._conn, "remote"))


class SlowLadder(Ladder):
    """The ladder as it is, over slow carriers."""

    def __init__(self, sink: CarrierSink, relay: SlowRelay, admission: Any) -> None:
        super().__init__(sink, None, admission, "auto", "auto", None)  # type: ignore[arg-type]
        self._relay = relay

    def offers(self, kind: Kind) -> bool:
        return True

    async def dial(self, kind: Kind) -> Carrier:
        carrier = SlowCarrier(self._sink, kind, self._relay)
        try:
            await carrier.dial("")
        except BaseException:
            await asyncio.shield(carrier.aclose())
            raise
        return carrier
