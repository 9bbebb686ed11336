"""The relay's core driven through a city, without transports: what a tick costs."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bench.city import City
from bench.naive import NaiveRelay, Thing, Viewer, position_in
from bench.riding_clients import DELAY_STEPS, Clients
from relay.interest import Sighting
from relay.replication import Replication, ReplicationConfig
from relay.world import World
from soiree.wire.records import unpack_placed
from soiree.wire.state import TICK_HZ, Slot, sections

STEPS: Final = ("ingest", "interest", "pack")
WARM_S: Final = 2.0
"""Not measured: the clients' budgets grow, and sight settles."""
MOST_TOLD: Final = 256
"""Entities that one message tells of."""
NAIVE_CLIENTS: Final = 4
NAIVE_WARM_TICKS: Final = 10
NAIVE_TICKS: Final = 10
"""The naive reference is timed in so many ticks at the end, for so many clients."""


class TickMs(msgspec.Struct, frozen=True):
    """CPU time of whole ticks."""

    p50: float
    p99: float


class Naive(msgspec.Struct, frozen=True):
    """The plain-Python reference in the same run."""

    tick_ms: float
    """Median of ingest, as measured, and of selection and writing, scaled to all clients."""
    ratio: float
    """So many times as long as the relay's core."""


class Report(msgspec.Struct, frozen=True):
    """What was measured; times are CPU time."""

    entities: int
    clients: int
    moving: float
    hz: int
    seconds: float
    deltas_per_tick: float
    accepted: float
    """Share of the deltas that the relay took."""
    tick_ms: TickMs
    ingest_us_per_delta: float
    pack_us_per_client: float
    bytes_per_update: float
    """All bytes of all frames down, for each record in them."""
    updates_per_client_s: float
    share: dict[str, float]
    """Of each step in the ticks."""
    rss_mb: float
    """Resident memory of this process, the city's included."""
    naive: Naive | None


class Run:
    """A city and the relay's core, step by step."""

    def __init__(self, city: City, hz: int) -> None:
        self.city = city
        self.clients = Clients(city)
        self.replication = Replication(World(), ReplicationConfig())
        self.tick = 0
        self.spent_s = dict.fromkeys(STEPS, 0.0)
        self._stride = TICK_HZ // hz
        self.replication.serve_every = self._stride
        self._populate()

    def _populate(self) -> None:
        world, replication, city = self.replication.world, self.replication, self.city
        for entities, parents, records in city.placed():
            for entity, parent, placed in zip(entities.tolist(), parents.tolist(), records, strict=True):
                world.add(entity, placed, 0, parent, attach=1 if parent else 0)
        delay_s = DELAY_STEPS * self._stride / TICK_HZ
        for peer in self.clients.peers:
            replication.join(peer, 0.0)
            replication.set_rtt(peer, delay_s)
        for entity in np.flatnonzero(city.owner >= 0).tolist():
            peer = self.clients.peers[city.owner[entity]]
            world.set_owner(entity, peer, 1, 0)
            world.set_master(entity, peer)
            replication.tell(peer, entity, 1)
        for peer, entity in zip(self.clients.peers, city.own.tolist(), strict=True):
            replication.set_view(peer, entity)
            self._tell(replication.interest.look(peer, 0))
            replication.on_applied(peer, 1)

    def _tell(self, sighting: Sighting) -> None:
        """As the room does, but that everything is told at once and nothing is written."""
        peer, entering = sighting.peer, sighting.entering
        for begin in range(0, len(entering), MOST_TOLD):
            self.replication.tell_many(peer, entering[begin : begin + MOST_TOLD], self.clients.next_number(peer))
        self.replication.untell_many(peer, sighting.leaving)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        begin = time.process_time()
        yield
        self.spent_s[step] += time.process_time() - begin

    def step(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]], int]:
        """One serve of all clients: (frames up, frames down, records taken)."""
        self.city.step(self._stride / TICK_HZ)
        self.tick += self._stride
        up, now = self.clients.say(self.tick), self.tick / TICK_HZ
        with self._timed("ingest"):
            told = self.replication.ingest(up, self.tick, now)
        with self._timed("interest"):
            for tick in range(self.tick - self._stride + 1, self.tick + 1):
                for sighting in self.replication.watch(tick):
                    self._tell(sighting)
        with self._timed("pack"):
            down = self.replication.pack(self.tick, now, told.control_applied)
        self.clients.hear(down)
        return up, down, told.accepted


def rss_mb() -> float:
    """Resident memory of this process (proc(5), Linux only)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def records_in(frames: list[tuple[int, bytes]]) -> int:
    """Records that frames carry."""
    return sum(view.count for _, payload in frames for view in sections(payload))


def measure(run: Run, hz: int, seconds: float, *, naive: bool) -> Report:
    """Drive `run` for `seconds` of its time."""
    for _ in range(round(WARM_S * hz)):
        run.step()
    counted: Counter[str] = Counter()
    totals = dict.fromkeys(STEPS, 0.0)
    ticks_s = []
    for _ in range(max(1, round(seconds * hz))):
        before = dict(run.spent_s)
        up, down, accepted = run.step()
        spent = {step: run.spent_s[step] - before[step] for step in STEPS}
        ticks_s.append(sum(spent.values()))
        totals = {step: totals[step] + spent[step] for step in STEPS}
        counted.update(said=records_in(up), taken=accepted, told=records_in(down), octets=sum(len(f) for _, f in down))
    steps, clients, census = len(ticks_s), len(run.clients.peers), run.city.census
    p50, p99 = np.percentile(np.array(ticks_s) * 1e3, [50, 99]).tolist()
    return Report(
        entities=len(run.replication.world),
        clients=clients,
        moving=(census.vehicles + census.walkers + census.riders + census.tumbling) / len(run.replication.world),
        hz=hz,
        seconds=seconds,
        deltas_per_tick=counted["said"] / steps,
        accepted=counted["taken"] / counted["said"],
        tick_ms=TickMs(p50, p99),
        ingest_us_per_delta=totals["ingest"] * 1e6 / counted["said"],
        pack_us_per_client=totals["pack"] * 1e6 / steps / clients,
        bytes_per_update=counted["octets"] / max(1, counted["told"]),
        updates_per_client_s=counted["told"] * hz / steps / clients,
        share={step: totals[step] / sum(totals.values()) for step in STEPS},
        rss_mb=rss_mb(),
        naive=_naive(run, p50) if naive else None,
    )


def _naive(run: Run, tick_ms: float) -> Naive:
    """Run the reference beside: on what the city goes on to say, for some of the clients."""
    relay, world, city = NaiveRelay(), run.replication.world, run.city
    for entities, parents, placed_records in city.placed():
        for entity, parent, placed in zip(entities.tolist(), parents.tolist(), placed_records, strict=True):
            parsed = unpack_placed(placed)
            kind, record = parsed.records[Slot.TRANSFORM]
            position = (0.0, 0.0, 0.0) if parent else position_in(record, parsed.base)
            owner = int(world.owner[world.row(entity)])
            relay.add(entity, Thing(owner, parent, kind, record, position))
    viewers = [Viewer(int(entity)) for entity in city.own[:: max(1, len(city.own) // NAIVE_CLIENTS)]]
    spent_ms = []
    for _ in range(NAIVE_WARM_TICKS + NAIVE_TICKS):
        up, _, _ = run.step()
        begin = time.process_time()
        relay.ingest(up, run.tick)
        middle = time.process_time()
        for viewer in viewers:
            relay.pack(viewer, run.tick)
        packing = (time.process_time() - middle) * len(city.own) / len(viewers)
        spent_ms.append((middle - begin + packing) * 1e3)
    median = float(np.median(spent_ms[NAIVE_WARM_TICKS:]))
    return Naive(median, median / tick_ms)
