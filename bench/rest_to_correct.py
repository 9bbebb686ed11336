"""Pure core: how long it takes until everybody sees where something came to rest, on links that lose packets.

A trial is one thing of a client that moves a little and rests again. Its time runs from the owner's last word to the moment when a view of
it is right; there is a view for each other client. A thing moves again only when all views are right, or wrong for so long that it is for
ever.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np

from bench.simulated_link import Conditions
from bench.simulated_room import FRAME_S, Client, SimulatedRoom
from soiree.wire.quantise import Vec3
from soiree.wire.state import Slot

WRONG_FOR_EVER_S = 20.0
"""A view that is not right after so long never will be: the slowest repetition has come round dozens of times."""
REST_S = (0.5, 1.5)
"""How long a thing that is seen by all rests before it moves again: from, to."""
MOST_MOVES = 3
"""Words of a moving thing before the one that it rests."""
STEP_M = 0.3
SPREAD_M = 80.0
WARM_UP_S = 3.0
"""Until round trips are known."""


@dataclass(frozen=True, slots=True)
class LossJob:
    """What is simulated."""

    trials: int = 10_000
    loss: float = 0.05
    """Share of packets lost, in each direction."""
    rtt_s: float = 0.05
    jitter_s: float = 0.005
    """Most that a packet is late, in each direction."""
    burst_s: float = 0.0
    """Mean length of the times in which everything gets lost; with 0 each packet is lost or not for itself."""
    clients: int = 20
    things: int = 10
    """Of each client."""
    serve_every: int = 1
    """Ticks of 1/60 s from one serve to the next."""
    seed: int = 1


class Spread(msgspec.Struct, frozen=True):
    """Of a distribution, milliseconds."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Spread":
        """Of at least one value."""
        p50, p99, most = (round(1000 * float(v), 1) for v in np.percentile(seconds, [50, 99, 100]))
        return cls(p50, p99, most)


class LossOutcome(msgspec.Struct, frozen=True):
    """What came of it."""

    trials: int
    views: int
    """Views that became right."""
    never: int
    """Views that stayed wrong, and trials that the relay never heard of."""
    correct_ms: Spread
    """From the owner's last word to a right view."""
    up_ms: Spread
    """The owner's part of it: until the relay has it."""
    down_ms: Spread
    """The relay's part of it."""
    frames_lost: float
    """Share of packets that got lost."""


@dataclass(slots=True)
class Trial:
    """A thing that has come to rest."""

    record: bytes
    """What everybody is to see."""
    said_at: float
    unseen: set[int]
    """Peers whose views are not right yet."""
    taken_at: float = math.nan
    """When the relay had it."""


@dataclass(slots=True)
class LossyRoom:
    """The trials of a job, as they go on."""

    job: LossJob
    up_s: list[float] = field(default_factory=list)
    down_s: list[float] = field(default_factory=list)
    correct_s: list[float] = field(default_factory=list)
    never: int = 0
    begun: int = 0
    room: SimulatedRoom = field(init=False)
    _under_way: dict[int, Trial] = field(default_factory=dict)
    """By entity."""
    _places: dict[int, Vec3] = field(default_factory=dict)

    def __post_init__(self) -> None:
        job = self.job
        self.room = SimulatedRoom(job.seed, self, serve_every=job.serve_every)
        path = Conditions(job.rtt_s / 2, job.jitter_s, job.loss, job.burst_s)
        owners = [self.room.join(path, path) for _ in range(job.clients)]
        for owner in owners:
            for _ in range(job.things):
                x, z = (self.room.random.uniform(-SPREAD_M, SPREAD_M) for _ in "xz")
                entity = self.room.spawn(owner, (x, 0.0, z))
                self._places[entity] = (x, 0.0, z)
                self._rest(owner, entity, WARM_UP_S)

    def run(self) -> LossOutcome:
        """Until all trials are over."""
        while self.begun < self.job.trials or self._under_way:
            self.room.step()
            self._look()
        ways = [way for client in self.room.clients.values() for way in (client.up, client.down)]
        lost, sent = sum(way.lost for way in ways), sum(len(way.waits) for way in ways)
        correct, up, down = (Spread.of(times or [math.inf]) for times in (self.correct_s, self.up_s, self.down_s))
        return LossOutcome(self.begun, len(self.correct_s), self.never, correct, up, down, round(lost / sent, 4))

    def saw(self, client: Client, entity: int, record: bytes, now: float) -> None:
        """Part of `Watcher`."""
        trial = self._under_way.get(entity)
        if trial is not None and client.peer in trial.unseen and record == trial.record:
            trial.unseen.discard(client.peer)
            self.correct_s.append(now - trial.said_at)
            self.down_s.append(now - trial.taken_at)

    def _rest(self, owner: Client, entity: int, at_least_s: float = 0.0) -> None:
        """It moves again after a while."""
        if self.begun < self.job.trials:
            self.room.at(
                self.room.now + at_least_s + self.room.random.uniform(*REST_S), lambda: self._move(owner, entity)
            )

    def _move(self, owner: Client, entity: int) -> None:
        if self.begun >= self.job.trials:
            return
        self.begun += 1
        moves = self.room.random.randint(0, MOST_MOVES)
        for nth in range(moves):
            self.room.at(self.room.now + nth * FRAME_S, lambda: self._say(owner, entity, (1.0, 0.0, 0.0)))
        self.room.at(self.room.now + moves * FRAME_S, lambda: self._come_to_rest(owner, entity))

    def _say(self, owner: Client, entity: int, velocity: Vec3 | None) -> bytes:
        x, y, z = self._places[entity]
        self._places[entity] = (
            x + self.room.random.uniform(-STEP_M, STEP_M),
            y,
            z + self.room.random.uniform(-STEP_M, STEP_M),
        )
        return self.room.write(owner, entity, self._places[entity], velocity)

    def _come_to_rest(self, owner: Client, entity: int) -> None:
        others = {peer for peer in self.room.clients if peer != owner.peer}
        self._under_way[entity] = Trial(self._say(owner, entity, None), self.room.now, others)

    def _look(self) -> None:
        """Which things has the relay heard of, and which trials are over?"""
        world = self.room.world
        for entity, trial in list(self._under_way.items()):
            if math.isnan(trial.taken_at) and world.record(entity, Slot.TRANSFORM) == trial.record:
                trial.taken_at = self.room.now
                self.up_s.append(self.room.now - trial.said_at)
            late = self.room.now - trial.said_at > WRONG_FOR_EVER_S
            if late or not trial.unseen:
                self.never += len(trial.unseen)
                del self._under_way[entity]
                self._rest(self.room.clients[int(world.owner[world.row(entity)])], entity)


def run(job: LossJob) -> LossOutcome:
    """Simulate a job."""
    return LossyRoom(job).run()
