"""Pure core: a relay's replication and clients of the simplest kind, with a simulated link between each of them and it.

Time is simulated too: packets arrive and clients speak at any moment, the relay works at its ticks. What clients own goes up as the Python
client sends it (`soiree.client.upward`); what comes down they apply and acknowledge as docs/PROTOCOL.md sections 5.3 and 5.4 say.
"""

import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Protocol

from bench.simulated_link import Conditions, Link
from relay.budget import FRAME_OVERHEAD_BYTES
from relay.replication import Replication, ReplicationConfig
from relay.session import Pings
from relay.world import World
from soiree.client.upward import Upward
from soiree.wire.acks import ReceiveWindow
from soiree.wire.quantise import Vec3
from soiree.wire.records import Placed, PlacedRecord, Transform, base_for, encode_move, encode_rest, pack_placed
from soiree.wire.state import (
    ACK_VALID,
    AGED,
    ENTITY_MASK,
    IDENT,
    STRIDE,
    TICK_HZ,
    FrameType,
    Header,
    Pong,
    Section,
    Slot,
    pack_ping,
    pack_pong,
    sections,
    unpack_header,
    unpack_ping,
    unpack_pong,
)

FRAME_S = 0.05
"""From one frame of a client to the next: 20 Hz."""
IDLE_FRAME_S = 0.2
PING_S = 1.0
FIRST_PEER = 2


class Watcher(Protocol):
    """What the simulated clients are there for."""

    def saw(self, client: "Client", entity: int, record: bytes, now: float, /) -> None:
        """A client has applied a record; its age byte is cut off."""
        ...


class Client:
    """One peer with its link.

    Attributes:
        up, down: the two directions of its link.
        upward: what it owns and the relay does not have yet.
        rtt_s: as the relay told it.
    """

    def __init__(self, peer: int, up: Conditions, down: Conditions, random: Random) -> None:
        self.peer = peer
        self.up, self.down = Link(up, random), Link(down, random)
        self.upward = Upward()
        self.rtt_s = 0.0
        self._window = ReceiveWindow()
        self._ticks: dict[int, int] = {}
        """Entity → tick of the newest frame that told of it."""
        self._owes = False
        self._spoke_at = 0.0

    def speak(self, now: float) -> list[bytes]:
        """The frames of a serving tick: records that are due, and acknowledgements."""
        window = self._window
        flags, ack = (0, 0) if window.seq is None else (ACK_VALID, window.seq)
        header = Header(flags, 0, int(now * TICK_HZ), 0, 0, 0, ack, window.mask, 1)
        owes = self._owes or now - self._spoke_at >= IDLE_FRAME_S
        frames = self.upward.frames(header, now, self.rtt_s, at_least_one=owes)
        if frames:
            self._owes, self._spoke_at = False, now
        return frames

    def hear(self, payload: bytes, now: float, watcher: Watcher | None) -> bytes | None:
        """Apply a message of the state stream; returns an answer that goes at once."""
        if payload[0] == FrameType.PING:
            ping = unpack_ping(payload)
            self.rtt_s = ping.rtt_us / 1e6
            return pack_pong(Pong(ping.seq, ping.relay_us, int(now * 1e6)))
        header = unpack_header(payload)
        if self._window.receive(header.seq):
            self.upward.on_acks(header.ack_seq, header.ack_mask)
            for view in sections(payload):
                self._owes = True
                size, end = STRIDE[view.kind], STRIDE[view.kind] - (view.kind in AGED)
                for at in range(view.start, view.end, size):
                    self._apply(payload[at : at + end], header.tick, now, watcher)
        return None

    def _apply(self, record: bytes, tick: int, now: float, watcher: Watcher | None) -> None:
        entity = IDENT.unpack_from(record)[0] & ENTITY_MASK
        if tick >= self._ticks.get(entity, 0):
            self._ticks[entity] = tick
            if watcher is not None:
                watcher.saw(self, entity, record, now)


class SimulatedRoom:
    """A room in which everybody was told of everything before the simulation begins.

    Attributes:
        now: seconds since the beginning. tick: of the relay.
    """

    def __init__(self, seed: int, watcher: Watcher | None = None, *, serve_every: int = 1) -> None:
        self.random = Random(seed)
        self.now, self.tick = 0.0, 0
        self.world = World()
        self.replication = Replication(self.world, ReplicationConfig())
        self.replication.serve_every = serve_every
        self.clients: dict[int, Client] = {}
        self._watcher = watcher
        self._pings: dict[int, Pings] = {}
        self._arrived: list[tuple[int, bytes]] = []
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._turns = count()

    def join(self, up: Conditions, down: Conditions) -> Client:
        """A client comes in, with a serving tick at some moment of its own, and looks from the origin."""
        peer = FIRST_PEER + len(self.clients)
        client = self.clients[peer] = Client(peer, up, down, self.random)
        self._pings[peer] = Pings(self.now + self.random.random() * PING_S)
        self.replication.join(peer, self.now)
        self.replication.on_applied(peer, 1)
        self.at(self.now + self.random.random() * FRAME_S, lambda: self._speak(client))
        return client

    def spawn(self, owner: Client, position: Vec3) -> int:
        """An entity at rest, which everybody was told of; all clients are here already."""
        entity = len(self.world) + 1
        at_rest = PlacedRecord(Section.REST, encode_rest(0, Transform(position)))
        self.world.add(entity, pack_placed(Placed(base_for(position), {Slot.TRANSFORM: at_rest})), self.tick)
        self.world.set_owner(entity, owner.peer, 1, self.tick)
        for peer in self.clients:
            self.replication.tell(peer, entity, 1)
        return entity

    def write(self, owner: Client, entity: int, position: Vec3, velocity: Vec3 | None = None) -> bytes:
        """The owner sets where its entity is; at rest without a velocity. Returns the record without its age."""
        transform = Transform(position, velocity=velocity or (0.0, 0.0, 0.0))
        if velocity is None:
            kind, record = Section.REST, encode_rest(entity, transform)
        else:
            kind, record = Section.MOVE, encode_move(entity, transform)
        tick, base = int(self.now * TICK_HZ), base_for(position)
        owner.upward.write(entity, Slot.TRANSFORM, kind, base, record, tick, resting=velocity is None)
        return record if velocity is None else record[:-1]

    def at(self, when: float, what: Callable[[], object]) -> None:
        """Let something happen at a time to come."""
        heapq.heappush(self._events, (when, next(self._turns), what))

    def step(self) -> None:
        """Up to the relay's next tick, and that."""
        self.tick += 1
        end = self.tick / TICK_HZ
        while self._events and self._events[0][0] <= end:
            when, _, what = heapq.heappop(self._events)
            self.now = max(self.now, when)
            what()
        self.now = end
        frames, self._arrived = self._arrived, []
        self.replication.ingest(frames, self.tick, end)
        for peer, pings in self._pings.items():
            ping = pings.next(self.tick, end, PING_S)
            if ping is not None:
                self._post_down(self.clients[peer], pack_ping(ping))
        for peer, payload in self.replication.pack(self.tick, end, dict.fromkeys(self.clients, 0)):
            self._post_down(self.clients[peer], payload)

    def _speak(self, client: Client) -> None:
        for payload in client.speak(self.now):
            self._post_up(client, payload)
        self.at(self.now + FRAME_S, lambda: self._speak(client))

    def _post_up(self, client: Client, payload: bytes) -> None:
        arrives = client.up.carry(len(payload) + FRAME_OVERHEAD_BYTES, self.now)
        if arrives is not None:
            self.at(arrives, lambda: self._take(client, payload))

    def _post_down(self, client: Client, payload: bytes) -> None:
        arrives = client.down.carry(len(payload) + FRAME_OVERHEAD_BYTES, self.now)
        if arrives is not None:
            self.at(arrives, lambda: self._hand_over(client, payload))

    def _take(self, client: Client, payload: bytes) -> None:
        """A message has arrived at the relay: STATE waits for the tick."""
        if payload[0] != FrameType.PONG:
            self._arrived.append((client.peer, payload))
        elif self._pings[client.peer].answered(unpack_pong(payload), self.now):
            self.replication.set_rtt(client.peer, self._pings[client.peer].rtt_s)

    def _hand_over(self, client: Client, payload: bytes) -> None:
        answer = client.hear(payload, self.now, self._watcher)
        if answer is not None:
            self._post_up(client, answer)
