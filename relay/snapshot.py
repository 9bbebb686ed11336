"""Pure core: which entities one peer must still be told of, in which order, and at what pace (docs/PROTOCOL.md section 4).

There is no special snapshot message: a late joiner is told of each entity by the same `spawned` as everybody. First comes what is its own,
then what came into its sight, the nearest first; parents before what rides in them. Little more than SNAPSHOT_IN_FLIGHT_BYTES of `spawned`
is under way unapplied. What changes about an entity in the meantime is simply contained in its `spawned`.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable

from soiree.wire.limits import SNAPSHOT_IN_FLIGHT_BYTES


class Snapshot:
    """One peer's queue of entities to be told.

    Attributes:
        own, seen: entities that wait, in their order: those that are needed, and those that are only in sight.
        in_flight_bytes: encoded `spawned` sent and not applied.
    """

    __slots__ = ("_in_flight", "in_flight_bytes", "own", "seen")

    def __init__(self) -> None:
        self.own: OrderedDict[int, None] = OrderedDict()
        self.seen: OrderedDict[int, None] = OrderedDict()
        self._in_flight: deque[tuple[int, int]] = deque()
        """(number, bytes) of each `spawned` that is not applied."""
        self.in_flight_bytes = 0

    def __len__(self) -> int:
        """How many entities wait."""
        return len(self.own) + len(self.seen)

    def __contains__(self, entity: int) -> bool:
        return entity in self.own or entity in self.seen

    def is_own(self, entity: int) -> bool:
        """Whether it waits because it was needed, and not only seen."""
        return entity in self.own

    def need(self, entity: int) -> None:
        """Tell this one wherever it is, before all that is only seen, after others of its kind."""
        self.seen.pop(entity, None)
        self.own.setdefault(entity)

    def see(self, entities: Iterable[int]) -> None:
        """These are in sight and untold, and nothing else is; in the order in which they are to be told."""
        self.seen = OrderedDict.fromkeys(entity for entity in entities if entity not in self.own)

    def glimpse(self, entity: int) -> None:
        """One more is in sight: it is told after those that wait."""
        if entity not in self.own:
            self.seen.setdefault(entity)

    def drop(self, entity: int) -> None:
        """It is told, or gone."""
        self.own.pop(entity, None)
        self.seen.pop(entity, None)

    def next(self) -> int | None:
        """The entity to tell now; None when none waits, or enough is under way."""
        if self.in_flight_bytes >= SNAPSHOT_IN_FLIGHT_BYTES:
            return None
        return next(iter(self.own), None) or next(iter(self.seen), None)

    def sent(self, number: int, size: int) -> None:
        """A `spawned` of `size` bytes went out as control message `number`."""
        self._in_flight.append((number, size))
        self.in_flight_bytes += size

    def on_applied(self, number: int) -> None:
        """The peer has applied all up to `number`."""
        while self._in_flight and self._in_flight[0][0] <= number:
            self.in_flight_bytes -= self._in_flight.popleft()[1]
