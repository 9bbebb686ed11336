"""Client sessions and a relay's room, both real, joined by a link that delays, drops, reorders and breaks. Time is passed in."""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from relay.config import RoomConfig
from relay.outputs import CloseConnection, SendControl, SendState
from relay.room import Room
from soiree.client import changes as ch
from soiree.client.answers import Answers
from soiree.client.entity import Account, Entity
from soiree.client.group import Group
from soiree.client.hub import Write
from soiree.client.outputs import Answered, Broken, Ended
from soiree.client.outputs import SendControl as ClientControl
from soiree.client.outputs import SendState as ClientState
from soiree.client.placement import placed_bytes
from soiree.client.session import Session
from soiree.link import RoomSpec
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.quantise import Vec3
from soiree.wire.records import Transform
from soiree.wire.state import TICK_HZ

SPEC = RoomSpec("room-id", "room-code", "Room", 64, 100.0)
SERVE_EVERY = 3
"""Ticks between two serving ticks of a client: 20 Hz."""


class Guest:
    """A session with the little that its driver would do, and a record of what it was told."""

    def __init__(self, party: "Party", peer: int) -> None:
        self.party = party
        self.peer = peer
        self.session = Session(self)
        self.connection = 0
        """Counts connections; packets of an older one are lost."""
        self.answers: dict[int, m.Message] = {}
        self.waiting = Answers()
        """As a room has it: of groups."""
        self.groups: set[int] = set()
        self.told: list[ch.Change] = []
        self.ended: Ended | None = None
        self.broken: list[str] = []
        self.applied: list[m.Message] = []

    @property
    def peer_id(self) -> int:
        return self.peer

    @property
    def entities(self) -> Mapping[int, Entity]:
        return self.session.world.entities

    async def command(self, message_type: type[m.Message], *fields: Any) -> m.Message:
        raise NotImplementedError("commands of a guest are said with `say`")

    def write(self, write: Write) -> None:
        self.session.write(write, self.party.now)

    def time(self) -> float:
        return self.party.now

    def relay_s(self, now: float) -> float:
        return self.session.state.clock.seconds(now)

    def say(self, message_type: type[m.Message], *fields: Any) -> int:
        number = self.session.command(message_type, *fields)
        self.pump()
        return number

    def group(self) -> Group:
        return Group(self._say_group, self.entities)

    async def _say_group(self, messages: Sequence[msgspec.Raw]) -> Sequence[m.Message]:
        number = self.session.command(m.Group, messages)
        self.groups.add(number)
        self.pump()
        return await self.waiting.wait(number, len(messages))

    def spawn(
        self,
        position: Vec3 = (0, 0, 0),
        rule: m.Rule = "allow",
        lifetime: m.Lifetime = "with-room",
        kind: str = "ball",
        relevance: m.Relevance = "always",
    ) -> int:
        state = placed_bytes(Transform(position), upright=False, child=False)
        return self.say(m.Spawn, kind, state, rule, lifetime, {}, 0, "allow", None, relevance)

    def spawned(self, number: int) -> Entity:
        answer = self.answers[number]
        assert isinstance(answer, m.Spawned)
        return self.entities[answer.entity]

    def connect(self) -> None:
        self.connection += 1
        self.session.attach()
        self.pump()

    def lose(self) -> None:
        self.connection += 1
        self.session.detach()
        self.party.room.detach(self.peer, self.party.now)
        self.party.pump()

    def pump(self) -> None:
        for output in self.session.drain():
            if isinstance(output, ClientControl):
                self.party.carry_up(self, output.payload, reliable=True)
            elif isinstance(output, ClientState):
                self.party.carry_up(self, output.payload, reliable=False)
            elif isinstance(output, Answered):
                assert output.n in self.groups or output.n not in self.answers, "answered twice"
                self.answers[output.n] = output.message
                self.waiting.take(output.n, output.message)
            elif isinstance(output, Ended):
                self.ended = output
            elif isinstance(output, Broken):
                self.broken.append(output.reason)
            elif isinstance(output, ch.Change):
                self.told.append(output)

    def accounts(self) -> dict[int, Account]:
        return {key: entity.account() for key, entity in self.entities.items()}


class Party:
    """A room, its guests, and the air between them."""

    def __init__(
        self, guests: int = 2, *, seed: int = 0, loss: float = 0.0, delay_s: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.delay_s = delay_s
        self.now = 1000.0
        self.tick = 600
        self.room = Room(SPEC, RoomConfig(), self.now, Random(seed))
        self.guests: list[Guest] = []
        self._air: list[tuple[float, int, Guest, int, bool, bool, bytes]] = []
        self._order = itertools.count()
        self._reliable_until: dict[tuple[int, bool], float] = {}
        self.room.advance(self.tick, self.now)
        for index in range(guests):
            self.join(index + 2)

    def join(self, peer: int) -> Guest:
        guest = Guest(self, peer)
        self.guests.append(guest)
        self.room.open_session(
            peer, session_id=f"s{peer}", subject=f"subject {peer}", name=f"guest {peer}", host=False, now=self.now
        )
        self.pump()
        guest.connect()
        return guest

    def carry_up(self, guest: Guest, payload: bytes, *, reliable: bool) -> None:
        self._carry(guest, True, reliable, payload)

    def _carry(self, guest: Guest, up: bool, reliable: bool, payload: bytes) -> None:
        if not reliable and self.random.random() < self.loss:
            return
        at = self.now + self.random.uniform(*self.delay_s)
        if reliable:
            at = max(at, self._reliable_until.get((guest.peer, up), 0.0))
            self._reliable_until[guest.peer, up] = at
        heapq.heappush(self._air, (at, next(self._order), guest, guest.connection, up, reliable, payload))

    def deliver(self) -> None:
        """Everything whose time has come."""
        while self._air and self._air[0][0] <= self.now:
            _, _, guest, connection, up, reliable, payload = heapq.heappop(self._air)
            if connection != guest.connection:
                continue
            if up:
                self._hear_from(guest, reliable, payload)
            elif reliable:
                guest.session.control(payload, self.now)
            else:
                guest.session.frame(payload, self.now)
            guest.pump()

    def _hear_from(self, guest: Guest, reliable: bool, payload: bytes) -> None:
        if not reliable:
            self.room.frames([(guest.peer, payload)], self.now)
        elif isinstance(message := control.decode_from_client(payload), m.Hello):
            self.room.attach(guest.peer, message, self.now)
        else:
            self.room.control(guest.peer, payload, self.now)
        self.pump()

    def pump(self) -> None:
        by_peer = {guest.peer: guest for guest in self.guests}
        for output in self.room.drain():
            if isinstance(output, SendControl | SendState):
                self._carry(by_peer[output.peer], False, isinstance(output, SendControl), output.payload)
            elif isinstance(output, CloseConnection):
                by_peer[output.peer].connection += 1

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * TICK_HZ)):
            self.now += 1 / TICK_HZ
            self.tick += 1
            self.deliver()
            self.room.advance(self.tick, self.now)
            self.pump()
            for peer, frame in self.room.pack(self.now):
                self._carry(next(guest for guest in self.guests if guest.peer == peer), False, False, frame)
            for guest in self.guests:
                if (self.tick + guest.peer) % SERVE_EVERY == 0:
                    guest.session.frames(self.now)
                    guest.pump()
            self.deliver()
