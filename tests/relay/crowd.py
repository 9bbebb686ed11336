"""Honest clients and a room, back to back, over links that a test can hold up, cut, and switch."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from relay.config import RoomConfig
from relay.entities import Entity
from relay.outputs import CloseConnection, Dropped, Left, Output, SendControl, SendState
from relay.room import Room
from relay.scene import Scene
from soiree.link import RoomSpec
from soiree.wire import messages as m
from tests.relay.honest import HonestClient, place, told_of
from tests.relay.plain_sight import sight

SPEC = RoomSpec("room", "code", "A room", 64, 1000.0)
TICK_S = 1 / 60
M = TypeVar("M", bound=m.Message)


@dataclass(slots=True, eq=False)
class Link:
    """One connection: what is under way on it."""

    down_control: deque[bytes] = field(default_factory=deque)
    down_state: list[bytes] = field(default_factory=list)
    up_control: deque[bytes] = field(default_factory=deque)
    up_state: list[bytes] = field(default_factory=list)
    closing: bool = False
    """The relay has closed it; what is under way still arrives."""
    dead: bool = False
    """Nothing arrives any more, and the relay does not know."""


class Crowd:
    """A room, its clients by peer, their links, and the clock."""

    def __init__(self, config: RoomConfig | None = None, spec: RoomSpec = SPEC) -> None:
        self.now = 1000.0
        self.tick = 60000
        self.room = Room(spec, config or RoomConfig(), self.now, Random(1))
        self.clients: dict[int, HonestClient] = {}
        self.links: dict[int, Link | None] = {}
        self.events: list[Output] = []
        self.drops: Counter[str] = Counter()
        self.auto = True
        """Everything is carried at once."""
        self.room.advance(self.tick, self.now)
        self.flush()

    @property
    def scene(self) -> Scene:
        return self.room._scene

    def __getitem__(self, peer: int) -> HonestClient:
        return self.clients[peer]

    # The driver

    def flush(self) -> list[Output]:
        """What the relay's driver does with the outputs; nothing may go to a peer that has left. Returns them."""
        outputs = self.room.drain()
        for output in outputs:
            match output:
                case SendControl(peer, payload):
                    self._link(peer).down_control.append(payload)
                case SendState(peer, payload):
                    self._link(peer).down_state.append(payload)
                case CloseConnection(peer, _):
                    self._link(peer).closing = True
                case Left(peer, _):
                    self.events.append(output)
                    link = self.links.get(peer)
                    assert link is None or link.closing
                case Dropped(reason, count):
                    self.drops[reason] += count
                case _:
                    self.events.append(output)
        return outputs

    def _link(self, peer: int) -> Link:
        link = self.links[peer]
        assert peer in self.clients
        assert link is not None, "nothing is said to a peer without a connection"
        return link

    def after(self) -> None:
        self.flush()
        if self.auto:
            self.deliver_all()

    # Connections

    def join(self, peer: int, subject: str = "") -> HonestClient:
        """A new session and its first hello."""
        assert peer not in self.links
        self.clients[peer] = HonestClient(peer)
        self.links[peer] = None
        self.room.open_session(
            peer, session_id=f"s{peer}", subject=subject, name=f"peer {peer}", host=False, now=self.now
        )
        self.connect(peer)
        return self.clients[peer]

    def connect(self, peer: int, *, fresh: bool = False) -> None:
        """Say hello on a new connection, which takes the place of the one there was; what was under way on that is lost."""
        client = self.clients[peer]
        if fresh:
            client.forget()
        self.links[peer] = Link()
        self.room.attach(peer, client.hello(), self.now)
        self.flush()
        # The client knows only once welcome has come; then it says again what was not applied.
        link = self._link(peer)
        client.receive_control(link.down_control.popleft())
        link.up_control.extend(client.outbox.replay())
        self.after()

    def cut(self, peer: int) -> None:
        """The connection is gone, with all that was under way, and the relay knows."""
        self.links[peer] = None
        self.room.detach(peer, self.now)
        self.after()

    # Carrying

    def deliver_up(self, peer: int, count: int = 1_000_000) -> bool:
        """Control messages reach the relay."""
        link = self.links[peer]
        moved = False
        while link is not None and link.up_control and count and not (link.closing or link.dead):
            count -= 1
            moved = True
            self.room.control(peer, link.up_control.popleft(), self.now)
            self.flush()
            link = self.links[peer]
        return moved

    def deliver_down(self, peer: int, count: int = 1_000_000) -> bool:
        """Control messages reach the client; a link that the relay closed ends after them."""
        link = self.links[peer]
        client = self.clients[peer]
        moved = False
        while link is not None and link.down_control and count and not link.dead:
            count -= 1
            moved = True
            client.receive_control(link.down_control.popleft())
        if link is not None and link.closing and (link.dead or not link.down_control):
            self.links[peer] = None
            moved = True
        return moved

    def deliver_frames(self, peer: int) -> None:
        """State frames reach the client."""
        link = self.links[peer]
        if link is None or link.dead:
            return
        frames, link.down_state = link.down_state, []
        for frame in frames:
            answer = self.clients[peer].receive_state(frame)
            if answer is not None:
                link.up_state.append(answer)

    def send_frames(self, peers: Iterable[int] | None = None) -> None:
        """What clients have written, and how far they have come, reaches the relay."""
        batch = []
        for peer in list(self.clients if peers is None else peers):
            link = self.links[peer]
            if link is None or link.closing or link.dead:
                continue
            batch += [(peer, frame) for frame in link.up_state]
            link.up_state.clear()
            batch.append((peer, self.clients[peer].frame(self.tick)))
        self.take(batch)

    def take(self, batch: list[tuple[int, bytes]]) -> None:
        """Frames arrive at the relay."""
        self.room.frames(batch, self.now)
        self.flush()

    def deliver_all(self) -> None:
        """Control messages until none is under way. Clients tell of what they applied only in `step`."""
        moving = True
        while moving:
            moving = False
            for peer in list(self.clients):
                moving |= self.deliver_up(peer)
                moving |= self.deliver_down(peer)

    # Time

    def step(self, ticks: int = 1, *, heard: bool = True) -> None:
        """Time passes; clients with a link send a frame each tick (unless not `heard`) and take what comes."""
        for _ in range(ticks):
            self.now += TICK_S
            self.tick += 1
            if heard:
                self.send_frames()
            self.room.advance(self.tick, self.now)
            self.flush()
            for peer, frame in self.room.pack(self.now):
                self._link(peer).down_state.append(frame)
            if self.auto:
                self.deliver_all()
            for peer in list(self.clients):
                self.deliver_frames(peer)

    def wait(self, seconds: float, *heard: int) -> None:
        """Time passes in seconds; of the clients only these say anything."""
        until = self.now + seconds
        while self.now < until:
            passed = min(0.5, until - self.now)
            self.now += passed
            self.tick += round(passed * 60)
            self.send_frames(heard)
            self.room.advance(self.tick, self.now)
            self.after()

    # Commands

    def say(self, peer: int, message: type[m.Message], *fields: Any) -> int:
        """A client's command; its number."""
        client = self.clients[peer]
        payload = client.say(message, *fields)
        link = self.links[peer]
        if link is not None and not (link.closing or link.dead):
            link.up_control.append(payload)
        number = client.outbox.last
        if self.auto:
            self.deliver_all()
        return number

    def answer(self, peer: int, number: int) -> m.Message:
        """The one answer to a command."""
        (answer,) = self.clients[peer].answers[number]
        return answer

    def ask(self, kind: type[M], peer: int, message: type[m.Message], *fields: Any) -> M:
        """A command whose answer must be of this kind."""
        answer = self.answer(peer, self.say(peer, message, *fields))
        assert isinstance(answer, kind), answer
        return answer

    def refused(self, peer: int, message: type[m.Message], *fields: Any) -> str:
        """The reason why a command is refused."""
        return self.ask(m.Refused, peer, message, *fields).reason

    def spawn(
        self,
        peer: int,
        *,
        kind: str = "ball",
        state: bytes | None = None,
        rule: str = "allow",
        lifetime: str = "with-master",
        properties: dict[str, Any] | None = None,
        parent: int = 0,
        attach_rule: str = "allow",
        condition: m.Condition | None = None,
    ) -> int:
        """An entity; its id."""
        fields = (kind, state or place(1.0), rule, lifetime, properties or {}, parent, attach_rule, condition)
        return self.ask(m.Spawned, peer, m.Spawn, *fields).entity

    def entity(self, entity: int) -> Entity:
        """The room's own record."""
        return self.scene.entities[entity]

    def owner_epoch(self, entity: int) -> tuple[int, int]:
        return self.entity(entity).owner, self.entity(entity).epoch

    # What must hold

    def check_agreement(self) -> None:
        """Every client that is here knows what is in its sight, as the room knows it, and nothing that is far beyond."""
        room = {entity.id: told_of(entity) for entity in self.scene.entities}
        here = {peer: session.away for peer, session in self.scene.present.items()}
        for peer, client in self.clients.items():
            if client.over is None and peer in self.scene.present:
                must, may = sight(self.scene, self.scene.present[peer])
                assert must <= client.entities.keys() <= may
                for entity, seen in client.entities.items():
                    assert seen.told() == room[entity]
                assert client.peers == {**here, peer: client.peers[peer]}
