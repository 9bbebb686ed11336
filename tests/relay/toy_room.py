"""Clients and a room of the simplest kind round a real Replication, over a network that loses, delays, doubles and reorders."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.replication import Replication, ReplicationConfig
from relay.world import World
from soiree.wire.acks import ReceiveWindow
from soiree.wire.quantise import Vec3
from soiree.wire.records import Transform, base_for, encode_child, encode_move, encode_props, encode_rest
from soiree.wire.state import AGED, SLOT_OF, STRIDE, Section, Slot, unpack_header
from tests.relay import reference
from tests.relay.records import frame, placed, placed_child, records_in

TICK_S = 1 / 60
Body = tuple[Section, bytes, tuple[int, int, int]]
"""Kind, bytes without age, exact position: what a client has of a slot."""


def body(kind: Section, octets: bytes, payload: bytes) -> Body:
    position = (0, 0, 0)
    if kind in (Section.MOVE, Section.REST, Section.UPRIGHT):
        header = unpack_header(payload)
        position = reference.place(reference.Said(0, 0, 0, 0, kind, octets, header, 0))
    return kind, octets[:-1] if kind in AGED else octets, position


@dataclass
class Mine:
    """An entity as its owner has it."""

    position: Vec3
    props: bytes
    moving: bool = False
    child: bool = False
    attach: int = 0
    teleport_until: int = 0


@dataclass
class Client:
    """Applies PROTOCOL 5.3 to the letter, and sends all it owns with each frame."""

    peer: int
    applied: int = 0
    seq: int = 0
    window: ReceiveWindow = field(default_factory=ReceiveWindow)
    since: dict[int, int] = field(default_factory=dict)
    """Entity → tick of its spawned, parent_set or granted."""
    bodies: dict[tuple[int, Slot], tuple[int, Body]] = field(default_factory=dict)
    mine: dict[int, Mine] = field(default_factory=dict)
    teleported: int = 0
    strange: int = 0

    def hear(self, payload: bytes, now: int) -> None:
        header = unpack_header(payload)
        tick = now + (header.tick - now + 2**31) % 2**32 - 2**31
        self.window.receive(header.seq)
        for kind, entity, octets in records_in(payload):
            if entity not in self.since:
                self.strange += 1
                continue
            slot = SLOT_OF[kind]
            newest = max(self.since[entity], self.bodies.get((entity, slot), (-1,))[0])
            if entity in self.mine or tick < newest:
                continue
            self.teleported += kind in AGED and bool(octets[-1] & 0x80)
            self.bodies[entity, slot] = (tick, body(kind, octets, payload))

    def say(self, tick: int) -> list[bytes]:
        ack = None if self.window.seq is None else (self.window.seq, self.window.mask)
        out: list[bytes] = []
        for entity, mine in self.mine.items():
            kind, octets = transform_of(entity, mine, tick)
            parts = (kind, [octets]), (Section.PROPS, [encode_props(entity, mine.props)])
            base = base_for(mine.position)
            out.append(frame(self.seq + len(out), tick, *parts, base=base, applied=self.applied, ack=ack))
        out = out or [frame(self.seq, tick, applied=self.applied, ack=ack)]
        self.seq += len(out)
        return out


def transform_of(entity: int, mine: Mine, tick: int) -> tuple[Section, bytes]:
    if mine.child:
        return Section.CHILD, encode_child(entity, mine.attach, Transform(mine.position))
    if mine.moving or tick < mine.teleport_until:
        moving = Transform(mine.position, velocity=(float(mine.moving), 0, 0), teleport=tick < mine.teleport_until)
        return Section.MOVE, encode_move(entity, moving)
    return Section.REST, encode_rest(entity, Transform(mine.position))


class ToyRoom:
    """Tells of entities and owners over a control stream that is reliable, in order and slow."""

    def __init__(self, seed: int, loss: float, peers: int = 5, first_seq: int = 0, first_number: int = 0) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.tick = self.first_tick = 2**32 - 300
        self.world = World()
        self.replication = Replication(self.world, ReplicationConfig())
        self.clients = {peer: Client(peer, applied=first_number, seq=first_seq) for peer in range(2, 2 + peers)}
        self.number = dict.fromkeys(self.clients, first_number)
        self.waiting: dict[int, list[tuple[int, int, Callable[[Client], None]]]] = {p: [] for p in self.clients}
        self.net: list[tuple[int, int, int, bytes]] = []
        self.told: dict[int, set[int]] = {peer: set() for peer in self.clients}
        self.owner: dict[int, int] = {}
        self.frames = 0
        for peer in self.clients:
            self.replication.join(peer, self.now)
            self.replication.on_applied(peer, first_number)
            row = self.replication.audience.row(peer)
            self.replication.audience.next_seq[row] = first_seq

    @property
    def now(self) -> float:
        return (self.tick - self.first_tick) * TICK_S

    def control(self, peer: int, effect: Callable[[Client], None]) -> int:
        self.number[peer] += 1
        ready = max([self.tick + self.random.randint(1, 30), *(at for at, _, _ in self.waiting[peer])])
        self.waiting[peer].append((ready, self.number[peer], effect))
        return self.number[peer]

    def spawn(self, entity: int, owner: int, position: Vec3, parent: int = 0) -> None:
        start = placed_child(position) if parent else placed(position, b"new")
        self.world.add(entity, start, self.tick, parent, 3 if parent else 0)
        self.owner[entity] = owner
        self.world.set_owner(entity, owner, 2**62, self.tick)
        for peer in self.clients:
            self._tell_spawned(peer, entity, Mine(position, b"new", child=bool(parent), attach=3))

    def furnish(self, things: int, riders: int, across_m: float, deep_m: float) -> None:
        """Things 1…`things` in three columns, of one client after the other; the last `riders` ride in the first."""
        for entity in range(1, things + 1):
            rides = entity > things - riders
            place = (entity / 4, 0.0, 0.0) if rides else (entity * 2.0 - across_m * (entity % 3), 0.0, -entity * deep_m)
            self.spawn(entity, 2 + entity % len(self.clients), place, 1 if rides else 0)

    def _tell_spawned(self, peer: int, entity: int, mine: Mine) -> None:
        tick, now_is = self.tick, self.bodies(entity)
        owner = self.owner[entity]

        def effect(client: Client) -> None:
            client.since[entity] = tick
            for slot, one in now_is.items():
                client.bodies[entity, slot] = (tick, one)
            if owner == client.peer:
                client.mine[entity] = mine

        self.replication.tell(peer, entity, self.control(peer, effect))
        self.told[peer].add(entity)

    def grant(self, entity: int, owner: int) -> None:
        before, tick = self.owner[entity], self.tick
        self.owner[entity] = owner
        self.world.set_owner(entity, owner, 2**62, tick)
        where, child = self.world.position_m(entity), bool(self.world.parent[self.world.row(entity)])
        mine = Mine((0.5, 0, 0) if child else where, b"taken", child=child, attach=3)

        def effect(client: Client) -> None:
            client.since[entity] = tick
            client.mine.pop(entity, None)
            if client.peer == owner:
                client.mine[entity] = mine

        for peer in self.clients:
            if entity in self.told[peer]:
                self.replication.hold(peer, entity, self.control(peer, effect))
        assert before != owner

    def despawn(self, entity: int) -> None:
        def effect(client: Client) -> None:
            del client.since[entity]
            client.mine.pop(entity, None)
            for slot in Slot:
                client.bodies.pop((entity, slot), None)

        for peer in self.clients:
            self.replication.untell(peer, entity)
            self.told[peer].discard(entity)
            self.control(peer, effect)
        self.world.remove(entity)
        del self.owner[entity]

    def bodies(self, entity: int) -> dict[Slot, Body]:
        """What the world has of an entity, as clients should have it in the end."""
        row = self.world.row(entity)
        found = {}
        for slot in Slot:
            octets = self.world.record(entity, slot)
            if octets is None:
                continue
            kind = (Section(int(self.world.kind[row])), Section.POSE, Section.PROPS)[slot]
            x, y, z = self.world.position[row].tolist() if kind in STRIDE and kind is not Section.CHILD else (0, 0, 0)
            found[slot] = (kind, octets[:-1] if kind in AGED else octets, (x, y, z))
        return found

    def step(self, send_every: int = 4) -> None:
        """One tick: control, network, owners' frames, ingest, pack."""
        self.tick += 1
        for peer, client in self.clients.items():
            while self.waiting[peer] and self.waiting[peer][0][0] <= self.tick:
                _, number, effect = self.waiting[peer].pop(0)
                client.applied = number
                effect(client)
            if (self.tick + peer) % send_every == 0:
                for payload in client.say(self.tick):
                    self.post(peer, 0, payload)
        here = [packet for packet in self.net if packet[0] <= self.tick]
        self.net = [packet for packet in self.net if packet[0] > self.tick]
        for _, _, to, payload in here:
            if to:
                self.clients[to].hear(payload, self.tick)
        upward = [(sender, payload) for _, sender, to, payload in here if not to]
        self.replication.ingest(upward, self.tick, self.now)
        for peer, payload in self.replication.pack(self.tick, self.now, dict.fromkeys(self.clients, 0)):
            self.frames += 1
            self.post(0, peer, payload)

    def post(self, sender: int, to: int, payload: bytes) -> None:
        for _ in range(2 if self.random.random() < 0.05 else 1):
            if self.random.random() >= self.loss:
                self.net.append((self.tick + self.random.randint(1, 6), sender, to, payload))
