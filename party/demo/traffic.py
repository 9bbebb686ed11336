"""Pure core: the traffic of the demo's city: who brings what, where it goes, and who changes cabins.

The things move as `bench.city` has it; each driver is a peer that owns those of one quarter.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench import encoding
from bench.batching import Body, deal
from bench.city import City
from bench.encoding import Floats
from party.demo.driver import Answered, Driver, DriverError
from soiree.wire import messages as m
from soiree.wire.limits import MAX_GROUP_MESSAGES
from soiree.wire.records import Base
from soiree.wire.state import ENTITY_MASK, Section

GROUP: Final = min(50, MAX_GROUP_MESSAGES)
"""So many spawns go together at most: some milliseconds' work for the relay."""
ALONGSIDE_M: Final = 30.0
"""Riders change to a cabin that is so near."""
LOOKS_EVERY_S: Final = 20.0
"""So often a rider looks for another cabin."""


@dataclass(slots=True)
class _Quarter:
    """What one driver brings."""

    driver: Driver
    groups: deque[list[int]]
    """Things of the model that are still to be brought; what rides stands in one group with what it rides in, and after it."""
    asked: dict[int, list[int]] = field(default_factory=dict)
    """Group under way → the things in it."""


class Traffic:
    """All that moves in the city.

    Attributes:
        city: the model; `names` there are what the relay calls things.
        standing: everything has been brought, and moves.
    """

    def __init__(self, city: City) -> None:
        self.city = city
        city.names[:] = 0
        self._state: dict[int, bytes] = {}
        self._parent: dict[int, int] = {}
        for things, parents, states in city.placed():
            self._state.update(zip(things.tolist(), states, strict=True))
            self._parent.update(zip(things.tolist(), parents.tolist(), strict=True))
        self._quarters = [_Quarter(Driver(), self._groups(index)) for index in range(len(city.own))]
        self._rider_of: dict[int, int] = {}
        """The relay's entity → index of the rider; likewise of the cabin."""
        self._cabin_of: dict[int, int] = {}
        self._looks = 0.0

    @property
    def drivers(self) -> list[Driver]:
        """Its peers."""
        return [quarter.driver for quarter in self._quarters]

    @property
    def standing(self) -> bool:
        return not any(quarter.groups or quarter.asked for quarter in self._quarters)

    def _groups(self, index: int) -> deque[list[int]]:
        riders: dict[int, list[int]] = {}
        for thing, parent in self._parent.items():
            if parent and self.city.owner[thing] == index:
                riders.setdefault(parent, []).append(thing)
        groups: deque[list[int]] = deque([[]])
        for thing, parent in self._parent.items():
            if not parent and self.city.owner[thing] == index:
                together = [
                    thing,
                    *(rider for cabin in riders.get(thing, ()) for rider in (cabin, *riders.get(cabin, ()))),
                ]
                if len(groups[-1]) + len(together) > GROUP:
                    groups.append([])
                groups[-1] += together
        return groups

    def bring(self, index: int) -> bytes | None:
        """The next group of spawns of a driver, on CONTROL; None when all are under way or there."""
        quarter = self._quarters[index]
        if not quarter.groups:
            return None
        things = quarter.groups.popleft()
        place = {thing: -(nth + 1) for nth, thing in enumerate(things)}
        number, data = quarter.driver.group([self._spawn(thing, place.get(self._parent[thing], 0)) for thing in things])
        quarter.asked[number] = things
        return data

    def _spawn(self, thing: int, parent: int) -> m.Spawn:
        kind, attach_rule = self._kind(thing)
        return m.Spawn(0, kind, self._state[thing], "deny", "with-master", {}, parent, attach_rule, None)

    def _kind(self, thing: int) -> tuple[str, m.AttachRule]:
        """Kind, and who may ride in it."""
        city = self.city
        if thing in range(city.vehicle_ids[0], city.vehicle_ids[-1] + 1):
            return "vehicle", "owner"
        cabins = range(city.vehicle_ids[-1] + 1, city.vehicle_ids[-1] + 1 + len(city.cabin_ids))
        return ("cabin", "allow") if thing in cabins else ("person", "deny")

    def take(self, index: int, event: Answered | m.ParentSet) -> None:
        """The relay has told a driver something.

        Raises:
            DriverError: it will not have something in the city.
        """
        if isinstance(event, m.ParentSet):
            self._changed(event)
            return
        things = self._quarters[index].asked.pop(event.group, [])
        for thing, answer in zip(things, event.answers, strict=False):
            if not isinstance(answer, m.Spawned):
                reason = answer.reason if isinstance(answer, m.Refused) else "no answer"
                raise DriverError(f"the relay takes no more of the city: {reason}")
            self._know(thing, answer)

    def _know(self, thing: int, spawned: m.Spawned) -> None:
        city = self.city
        city.names[thing] = spawned.entity
        rider, cabin = (
            thing - int(city.vehicle_ids[-1]) - 1 - len(city.cabin_ids),
            thing - int(city.vehicle_ids[-1]) - 1,
        )
        if 0 <= rider < len(city.rider_ids):
            self._rider_of[spawned.entity] = rider
            city.attach[rider] = spawned.attach
        elif 0 <= cabin < len(city.cabin_ids):
            self._cabin_of[spawned.entity] = cabin

    def _changed(self, told: m.ParentSet) -> None:
        rider, cabin = self._rider_of.get(told.entity), self._cabin_of.get(told.parent)
        if rider is not None and cabin is not None:
            self.city.cabin_of[rider] = cabin
            self.city.attach[rider] = told.attach

    def step(self, seconds: float) -> list[tuple[int, bytes]]:
        """Time passes, once everything is there: what drivers say for it on CONTROL, (index, payload)."""
        if not self.standing:
            return []
        self.city.step(seconds)
        self._looks += seconds * len(self.city.rider_ids) / LOOKS_EVERY_S
        looking, self._looks = int(self._looks), self._looks % 1
        riders = self.city.random.integers(0, max(1, len(self.city.rider_ids)), looking)
        where = self.city.vehicles.places().position[: len(self.city.cabin_ids)]
        changes = [self._change_cabins(rider, where) for rider in np.unique(riders).tolist()]
        return [change for change in changes if change is not None]

    def frames(self, now: float) -> list[tuple[int, bytes]]:
        """What drivers say on STATE, (index, payload): at least one frame of each."""
        bodies = deal(self.city.deltas(), self.city.home) if self.standing else []
        speaking = {body.owner for body in bodies}
        silent = [Body(index, Base(0, 0, 0), b"") for index in range(len(self._quarters)) if index not in speaking]
        return [(body.owner, self._quarters[body.owner].driver.frame(body, now)) for body in [*bodies, *silent]]

    def _change_cabins(self, rider: int, where: Floats) -> tuple[int, bytes] | None:
        """A rider moves to a cabin alongside, if there is one of the same driver; `where` (cabins, 3), m."""
        city = self.city
        here, owner = int(city.cabin_of[rider]), city.owner[city.rider_ids[rider]]
        away_m = np.linalg.norm(where - where[here], axis=1)
        away_m[(city.owner[city.cabin_ids] != owner) | (np.arange(len(away_m)) == here)] = np.inf
        there = int(np.argmin(away_m))
        if away_m[there] > ALONGSIDE_M:
            return None
        record = city.riding()[[rider]]
        record["ident"] &= 0xFFFFFFFF ^ ENTITY_MASK
        [state] = encoding.placed(Section.CHILD, record, np.zeros((1, 3), np.int64))
        entity, cabin = int(city.names[city.rider_ids[rider]]), int(city.names[city.cabin_ids[there]])
        return int(owner), self._quarters[owner].driver.say(m.SetParent, entity, cabin, state, None)
