"""Pure core: what clients behind narrow links get of a busy scene.

How much of the link is used, how long its queue is, and what is shown how often.
"""

import math
from dataclasses import dataclass, field

import msgspec
import numpy as np

from bench.simulated_link import Conditions
from bench.simulated_room import FRAME_S, Client, SimulatedRoom
from soiree.wire.quantise import Vec3

BANDS_M = (40.0, 80.0, 160.0)
"""Far ends of the distances that are told apart."""
NEAREST_M = 2.0
TURN_S = 20.0
"""Everything goes round a circle of its own, in so long."""
CIRCLE_M = 3.0
WARM_UP_S = 5.0
"""Before the first stage begins; a rate starts low."""


@dataclass(frozen=True, slots=True)
class NarrowJob:
    """What is simulated."""

    stages_kbit_s: tuple[float, ...] = (256.0,)
    """Capacity of the bottleneck down, one after the other."""
    stage_s: float = 20.0
    movers: int = 200
    """Things that move all the time, within BANDS_M[-1] of those who look."""
    rtt_s: float = 0.05
    jitter_s: float = 0.005
    loss: float = 0.0
    burst_s: float = 0.0
    queue_s: float = 0.2
    """Depth of the bottleneck's queue."""
    clients: int = 4
    """Each with a link of its own."""
    serve_every: int = 1
    seed: int = 1


class Stage(msgspec.Struct, frozen=True):
    """What was seen while the capacity stayed the same; of all clients together."""

    kbit_s: float
    used: float
    """Share of the capacity, everything in a packet counted."""
    queue_ms_mean: float
    queue_ms_p95: float
    dropped: float
    """Share of packets that the full queue dropped."""
    lost: float
    """Share of packets that got lost behind it."""
    hz: list[float]
    """Updates a second of a thing in each of the bands, the nearest first."""
    bytes_per_update: float
    """Everything in a packet counted."""


@dataclass(slots=True)
class NarrowRoom:
    """The scene of a job, as it goes on."""

    job: NarrowJob
    room: SimulatedRoom = field(init=False)
    clients: list[Client] = field(init=False)
    _owner: Client = field(init=False)
    _centres: dict[int, Vec3] = field(default_factory=dict)
    _band: dict[int, int] = field(default_factory=dict)
    _updates: list[int] = field(default_factory=lambda: [0] * len(BANDS_M))

    def __post_init__(self) -> None:
        job = self.job
        self.room = SimulatedRoom(job.seed, self, serve_every=job.serve_every)
        self._owner = self.room.join(Conditions(), Conditions())
        up = Conditions(job.rtt_s / 2, job.jitter_s, job.loss, job.burst_s)
        self.clients = [self.room.join(up, self._conditions(job.stages_kbit_s[0])) for _ in range(job.clients)]
        for _ in range(job.movers):
            self._add()
        self.room.at(0.0, self._move)

    def run(self) -> list[Stage]:
        """All stages."""
        self._simulate(WARM_UP_S)
        stages = []
        for kbit_s in self.job.stages_kbit_s:
            for client in self.clients:
                client.down.conditions = self._conditions(kbit_s)
            self._begin()
            self._simulate(self.job.stage_s)
            stages.append(self._stage(kbit_s))
        return stages

    def saw(self, _client: Client, entity: int, _record: bytes, _now: float) -> None:
        """Part of `Watcher`."""
        self._updates[self._band[entity]] += 1

    def _conditions(self, kbit_s: float) -> Conditions:
        job = self.job
        return Conditions(job.rtt_s / 2, job.jitter_s, job.loss, job.burst_s, kbit_s, job.queue_s)

    def _add(self) -> None:
        """A thing somewhere: as many on each square metre, wherever."""
        share, angle = self.room.random.random(), self.room.random.uniform(0, math.tau)
        away = math.sqrt(NEAREST_M**2 + share * (BANDS_M[-1] ** 2 - NEAREST_M**2))
        centre = (away * math.cos(angle), 0.0, away * math.sin(angle))
        entity = self.room.spawn(self._owner, centre)
        self._centres[entity] = centre
        self._band[entity] = min(int(np.searchsorted(BANDS_M, away)), len(BANDS_M) - 1)

    def _move(self) -> None:
        now, speed = self.room.now, math.tau * CIRCLE_M / TURN_S
        for entity, (x, y, z) in self._centres.items():
            angle = math.tau * now / TURN_S + entity
            place = x + CIRCLE_M * math.cos(angle), y, z + CIRCLE_M * math.sin(angle)
            self.room.write(self._owner, entity, place, (-speed * math.sin(angle), 0.0, speed * math.cos(angle)))
        self.room.at(now + FRAME_S, self._move)

    def _simulate(self, seconds: float) -> None:
        until = self.room.now + seconds
        while self.room.now < until:
            self.room.step()

    def _begin(self) -> None:
        self._updates = [0] * len(BANDS_M)
        for client in self.clients:
            client.down.forget()

    def _stage(self, kbit_s: float) -> Stage:
        links = [client.down for client in self.clients]
        waits_ms = 1000 * np.array([wait for link in links for _, wait in link.waits])
        carried, seconds = sum(link.carried_bytes for link in links), self.job.stage_s * len(links)
        passed, overflowed = len(waits_ms), sum(link.overflowed for link in links)
        in_band = np.bincount(list(self._band.values()), minlength=len(BANDS_M))
        return Stage(
            kbit_s,
            round(carried / (seconds * 125 * kbit_s), 3),
            round(float(waits_ms.mean()), 1),
            round(float(np.percentile(waits_ms, 95)), 1),
            round(overflowed / (passed + overflowed), 4),
            round(sum(link.lost for link in links) / passed, 4),
            [round(n / (seconds * max(1, many)), 1) for n, many in zip(self._updates, in_band.tolist(), strict=True)],
            round(carried / max(1, sum(self._updates)), 1),
        )


def run(job: NarrowJob) -> list[Stage]:
    """Simulate a job."""
    return NarrowRoom(job).run()


def profile(words: str) -> tuple[float, ...]:
    """Capacities in kbit/s out of "1024,128,1024". Raises ValueError."""
    stages = tuple(float(word) for word in words.split(","))
    if not all(0 < kbit_s < math.inf for kbit_s in stages):
        raise ValueError(f"no capacities: {words}")
    return stages
