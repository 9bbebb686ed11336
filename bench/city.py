"""Pure core: a city in motion: streets every 100 m, vehicles with cabins and riders, people on foot, things that are knocked over.

Plain NumPy, nothing of the relay: what the owners of a city's things would say, tick by tick, encoded as they would.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from bench import encoding
from bench.batching import Batch
from bench.encoding import Floats, Ints, Records
from bench.streets import BLOCK_M, Rounds, round_blocks
from bench.tumbling import Tumbling
from soiree.wire import quantise as q
from soiree.wire.state import Section

DENSITY_PER_KM2: Final = 6250
ATTACH: Final = 1
"""Attach count of everything that rides: it was put there once."""
VEHICLES, CABINS, RIDERS, WALKERS, TUMBLERS = 0.4, 0.1, 0.15, 0.35, 0.1
"""For each thing that says something new in a tick, so many of these are in the city; cabins say nothing new in their vehicles."""
LOOSE_PER_TUMBLER: Final = 3
MOST_MOVING: Final = 0.75
NEIGHBOURS: Final = 4
"""Of what goes about where a client is, it owns about one in so many; the others are its neighbours'."""
_SLOW_M_S, _FAST_M_S = (8.0, 14.0), (14.0, 30.0)
_FAST_SHARE: Final = 0.15
_WALK_M_S = (1.0, 1.8)
_SEAT_M: Final = np.array([0.5, 0.45, 0.9])
_FIDGET_M: Final = 0.03
LANE_M, PAVEMENT_M, _VERGE_M = 3.0, 8.0, 10.0
"""From the middle of a street to that of a lane, to that of the pavement, and to the first props."""


@dataclass(frozen=True, slots=True)
class Census:
    """How many of each there are."""

    props: int
    """At rest, those that may be knocked over included."""
    loose: int
    """Props that may be knocked over."""
    tumbling: int
    """Of those, how many tumble at once."""
    vehicles: int
    cabins: int
    """Each in a vehicle of its own, the first ones."""
    riders: int
    """In cabins, in turn."""
    walkers: int

    @classmethod
    def of(cls, entities: int, moving: float) -> "Census":
        """Raises ValueError when so many cannot move, or so few entities make no city."""
        if not 0 < moving <= MOST_MOVING or entities * moving < 20:
            raise ValueError(f"up to {MOST_MOVING:.0%} of a city can move, and at least 20 things")
        movers = entities * moving
        vehicles, cabins = round(movers * VEHICLES), round(movers * CABINS)
        riders, tumbling = round(movers * RIDERS), round(movers * TUMBLERS)
        walkers = round(movers) - vehicles - riders - tumbling
        props = entities - vehicles - cabins - riders - walkers
        return cls(props, min(props, LOOSE_PER_TUMBLER * tumbling), tumbling, vehicles, cabins, riders, walkers)

    @property
    def entities(self) -> int:
        """All of them."""
        return self.props + self.vehicles + self.cabins + self.riders + self.walkers


class City:
    """The things of a city and where they are. Ids begin at 1: props, vehicles, cabins, riders, walkers.

    Attributes:
        census: how many there are. side_m: of the square that they are in, in the middle of the world.
        vehicles, walkers: rounds. props_m: (props, 3). tumbling: the loose ones, which are the first props.
        prop_ids, vehicle_ids, cabin_ids, rider_ids, walker_ids: entities. cabin_of: (riders,) index of each rider's cabin, attach: its
            attach count.
        names: (entities + 1,) id that the relay knows each entity by, at first its own; of what has none (0) nothing is said.
        owner: (entities + 1,) index of the client that says what each entity does, −1 for nobody.
        own: (clients,) entity that each client looks from, a vehicle or a walker of its own.
    """

    def __init__(
        self, census: Census, clients: int, *, seed: int = 1, neighbours: int = NEIGHBOURS, others: int = 0
    ) -> None:
        """Args: see `Census`; `others`: things that are not of this model and find room in the city too."""
        self.census = census
        if not 0 < clients <= census.vehicles + census.walkers:
            raise ValueError(
                f"from 1 to {census.vehicles + census.walkers} clients have something of their own to move"
            )
        self.random = np.random.default_rng(seed)
        self.side_m = max(BLOCK_M, float(np.sqrt((census.entities + others) / DENSITY_PER_KM2)) * 1000)
        self.blocks = _even(int(self.side_m / BLOCK_M))
        ends = np.cumsum([1, census.props, census.vehicles, census.cabins, census.riders, census.walkers])
        ids = [np.arange(begin, end) for begin, end in pairwise(ends)]
        self.prop_ids, self.vehicle_ids, self.cabin_ids, self.rider_ids, self.walker_ids = ids
        self.cabin_of = np.arange(census.riders) % max(1, census.cabins)
        self.attach = np.full(census.riders, ATTACH)
        self.names = np.arange(census.entities + 1)
        self._build()
        self._share_out(clients, neighbours)
        self._seconds = 0.0
        self._fidget = self.random.random((census.riders, 2)) * 6.28

    def _build(self) -> None:
        census, random, blocks = self.census, self.random, self.blocks
        fast = random.random(census.vehicles) < _FAST_SHARE
        speed = np.where(fast, random.uniform(*_FAST_M_S, census.vehicles), random.uniform(*_SLOW_M_S, census.vehicles))
        size = random.integers(1, 3, (census.vehicles, 2)) + fast[:, None]
        self.vehicles = round_blocks(
            random, blocks, size, LANE_M, 12.0, speed * random.choice([-1, 1], census.vehicles)
        )
        speed = random.uniform(*_WALK_M_S, census.walkers) * random.choice([-1, 1], census.walkers)
        self.walkers = round_blocks(random, blocks, np.ones((census.walkers, 2), np.int64), PAVEMENT_M, 2.0, speed)
        along = (random.random((census.props, 2)) - 0.5) * self.side_m
        where = along // BLOCK_M * BLOCK_M + _VERGE_M + along % BLOCK_M * (1 - 2 * _VERGE_M / BLOCK_M)
        self.props_m = np.stack([where[:, 0], np.zeros(census.props), where[:, 1]], axis=1)
        self.tumbling = Tumbling(random, self.props_m[: census.loose], census.tumbling)

    def _share_out(self, clients: int, neighbours: int) -> None:
        """Neighbours own what goes about in their quarter of the city, mixed; what rides goes with what carries it."""
        census = self.census
        roots = np.concatenate([self.vehicle_ids, self.walker_ids])
        code = _quarter(np.concatenate([self.vehicles.centre, self.walkers.centre]))
        order = np.argsort(code, kind="stable")
        share = np.arange(len(roots)) * clients // len(roots)
        share = share[np.lexsort((self.random.random(len(share)), share // neighbours))]
        self.owner = np.full(census.entities + 1, -1)
        self.owner[roots[order]] = share
        self.owner[self.cabin_ids] = self.owner[self.vehicle_ids[: census.cabins]]
        self.owner[self.rider_ids] = self.owner[self.cabin_ids[self.cabin_of]]
        loose = _quarter(self.props_m[: census.loose][:, [0, 2]])
        beside = np.minimum(np.searchsorted(code[order], loose), len(order) - 1)
        self.owner[self.prop_ids[: census.loose]] = share[beside]
        drivable = order[np.lexsort((roots[order], share))]  # of each share the vehicles first
        first = np.searchsorted(np.sort(share), np.arange(clients))
        self.own = roots[drivable[first]]
        centres = np.concatenate([self.vehicles.centre, self.walkers.centre])[order]
        middle = np.stack([np.bincount(share, centres[:, axis]) for axis in (0, 1)], axis=1)
        middle /= np.bincount(share)[:, None]
        self.home = np.zeros((clients, 3), np.int64)
        self.home[:, :2] = np.floor(middle / q.CELL_M).astype(np.int64)

    def step(self, seconds: float) -> None:
        """Time passes."""
        self._seconds += seconds
        self.vehicles.advance(seconds)
        self.walkers.advance(seconds)
        self.tumbling.advance(seconds)

    def deltas(self) -> list[Batch]:
        """What has changed since the last step, as the owners say it: of each thing that moves one record."""
        loose = self.tumbling
        flying, landed = loose.flying(), loose.landed()
        where = encoding.units(loose.position)
        up, down = self.prop_ids[flying], self.prop_ids[landed]
        moving = encoding.move(self.names[up], where[flying], loose.rotation[flying], loose.velocity[flying])
        resting = encoding.rest(self.names[down], where[landed], loose.rotation[landed])
        return [
            self._batch(Section.UPRIGHT, self.vehicle_ids, *self._upright(self.vehicle_ids, self.vehicles)),
            self._batch(Section.UPRIGHT, self.walker_ids, *self._upright(self.walker_ids, self.walkers)),
            self._batch(Section.CHILD, self.rider_ids, self._nowhere(self.rider_ids), self.riding()),
            self._batch(Section.MOVE, up, where[flying], moving),
            self._batch(Section.REST, down, where[landed], resting),
        ]

    def placed(self) -> list[tuple[Ints, Ints, list[bytes]]]:
        """What the relay is told of all at the start: (entities, parents or 0, placed records), parents first."""
        props = encoding.units(self.props_m)
        standing = encoding.rest(self.prop_ids, props, _unturned(self.prop_ids))
        nobody = np.zeros(len(self.names), np.int64)
        return [
            (self.prop_ids, nobody[self.prop_ids], encoding.placed(Section.REST, standing, props)),
            self._placed_upright(self.vehicle_ids, self.vehicles),
            self._placed_upright(self.walker_ids, self.walkers),
            (
                self.cabin_ids,
                self.vehicle_ids[: len(self.cabin_ids)],
                encoding.placed(Section.CHILD, self._cabins(), self._nowhere(self.cabin_ids)),
            ),
            (
                self.rider_ids,
                self.cabin_ids[self.cabin_of],
                encoding.placed(Section.CHILD, self.riding(), self._nowhere(self.rider_ids)),
            ),
        ]

    def riding(self) -> Records:
        """(riders,) CHILD records: on their seats they look about and fidget."""
        ids = self.rider_ids
        seats = np.stack([np.where(ids % 2, 1, -1), np.ones(len(ids)), np.where(ids // 2 % 2, 1, -1)], axis=1)
        phase = self._fidget + self._seconds * np.array([0.9, 1.3])
        sway = np.zeros((len(ids), 3))
        sway[:, [0, 2]] = _FIDGET_M * np.sin(phase)
        half = 0.5 * np.sin(phase[:, 0] * 0.7)
        turned = np.stack([0 * half, np.sin(half), 0 * half, np.cos(half)], axis=1)
        still = np.zeros((len(ids), 3))
        return encoding.child(self.names[ids], self.attach, seats * _SEAT_M + sway, turned, still)

    def _cabins(self) -> Records:
        """(cabins,) CHILD records: each in the middle of its vehicle."""
        ids, middle = self.cabin_ids, np.zeros((len(self.cabin_ids), 3))
        return encoding.child(self.names[ids], np.full(len(ids), ATTACH), middle, _unturned(ids), middle)

    def _upright(self, ids: Ints, rounds: Rounds) -> tuple[Ints, Records]:
        now = rounds.places()
        place = encoding.units(now.position)
        return place, encoding.upright(self.names[ids], place, now.yaw, now.velocity)

    def _placed_upright(self, ids: Ints, rounds: Rounds) -> tuple[Ints, Ints, list[bytes]]:
        place, records = self._upright(ids, rounds)
        return ids, 0 * ids, encoding.placed(Section.UPRIGHT, records, place)

    def _batch(self, kind: Section, ids: Ints, place: Ints, records: Records) -> Batch:
        known = self.names[ids] > 0
        return Batch(kind, self.owner[ids][known], place[known], records[known])

    @staticmethod
    def _nowhere(ids: Ints) -> Ints:
        return np.zeros((len(ids), 3), np.int64)


def _even(blocks: int) -> int:
    """So that two streets cross in the middle of the world."""
    return max(1, blocks - blocks % 2)


def _unturned(ids: Ints) -> Floats:
    return np.tile([0.0, 0.0, 0.0, 1.0], (len(ids), 1))


def _quarter(where_m: Floats) -> Ints:
    """(n,) numbers of cells of 64 m along a curve that keeps neighbours together, of x, z (n, 2) in m."""
    cells = np.floor(where_m / q.CELL_M).astype(np.int64) + (1 << 15)
    code = np.zeros(len(where_m), np.int64)
    for bit in range(16):
        code |= (cells[:, 0] >> bit & 1) << 2 * bit | (cells[:, 1] >> bit & 1) << 2 * bit + 1
    return code
