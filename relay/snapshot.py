"""Pure core: which entities one peer must still be told of, in which order, and at what pace (docs/PROTOCOL.md section 4).

There is no special snapshot message: a late joiner is told of each entity by the same `spawned` as everybody. Parents come before what
rides in them, otherwise the nearest first, and little more than SNAPSHOT_IN_FLIGHT_BYTES of `spawned` is under way unapplied. What changes
about an entity in the meantime is simply contained in its `spawned`.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

import numpy as np

from relay.world import World
from soiree.wire import quantise as q
from soiree.wire.limits import SNAPSHOT_IN_FLIGHT_BYTES


def nearest_first(world: World, entities: Sequence[int], at: tuple[float, float, float]) -> list[int]:
    """The entities by their distance from `at` (metres); one that rides stands where the outermost of what it rides in stands."""
    ids = np.array(entities, np.int64)
    roots = world.position[world.root[world.rows(ids)]]  # (entities, 3): x, y, z
    apart_m = roots / (q.HORIZONTAL_PER_M, q.VERTICAL_PER_M, q.HORIZONTAL_PER_M) - at
    nearest: list[int] = ids[np.argsort((apart_m**2).sum(axis=1), kind="stable")].tolist()
    return nearest


class Snapshot:
    """One peer's queue of entities to be told.

    Attributes:
        in_flight_bytes: encoded `spawned` sent and not applied.
    """

    __slots__ = ("_in_flight", "_wanted", "in_flight_bytes")

    def __init__(self) -> None:
        self._wanted: OrderedDict[int, None] = OrderedDict()
        self._in_flight: deque[tuple[int, int]] = deque()
        """(number, bytes) of each `spawned` that is not applied."""
        self.in_flight_bytes = 0

    def __len__(self) -> int:
        """How many entities wait."""
        return len(self._wanted)

    def __contains__(self, entity: int) -> bool:
        return entity in self._wanted

    def want(self, entities: Iterable[int]) -> None:
        """Tell these too, after those that wait, in this order."""
        for entity in entities:
            self._wanted.setdefault(entity)

    def hasten(self, entity: int) -> None:
        """Tell this one next, if it waits."""
        if entity in self._wanted:
            self._wanted.move_to_end(entity, last=False)

    def drop(self, entity: int) -> None:
        """It is told, or gone."""
        self._wanted.pop(entity, None)

    def next(self) -> int | None:
        """The entity to tell now; None when none waits, or enough is under way."""
        if self.in_flight_bytes >= SNAPSHOT_IN_FLIGHT_BYTES:
            return None
        return next(iter(self._wanted), None)

    def sent(self, number: int, size: int) -> None:
        """A `spawned` of `size` bytes went out as control message `number`."""
        self._in_flight.append((number, size))
        self.in_flight_bytes += size

    def on_applied(self, number: int) -> None:
        """The peer has applied all up to `number`."""
        while self._in_flight and self._in_flight[0][0] <= number:
            self.in_flight_bytes -= self._in_flight.popleft()[1]
