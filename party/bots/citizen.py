"""A bot of the city: drives round in a vehicle with a cabin, gets in with others and out again; or goes on foot."""

import math
from collections.abc import Mapping
from random import Random
from typing import Final

from party.bots.bot import Bot
from party.bots.scenario import Step
from party.bots.streets import Round
from party.bots.tally import Tally
from soiree import Entity, RefusedError, Room
from soiree.wire.messages import AttachRule
from soiree.wire.quantise import IDENTITY, Vec3

VEHICLE_KIND: Final = "vehicle"
CABIN_KIND: Final = "cabin"
CABIN: Final[Vec3] = (0.0, 0.6, 0.0)
SEATS: Final[tuple[Vec3, ...]] = ((-0.4, 0.3, 0.4), (0.4, 0.3, 0.4), (-0.4, 0.3, -0.5), (0.4, 0.3, -0.5))
OPEN_CABINS: Final = 0.8
"""Share of cabins into which anybody may get."""
HAIL_M: Final = 30.0
"""How far a cabin to get into may be."""
STAYS_S: Final = (4.0, 12.0)
"""How long one rides before one gets out, and with whom one belongs before one gets in with others."""
PAVEMENT_S: Final = (0.5, 2.0)
"""How long one stands in the street in between."""
STAMP_EVERY: Final = 10
LOOK_EVERY: Final = 4
"""Frames from one time stamp to the next, and from one look round of a rider to the next."""


class Citizen(Bot):
    """A driver, or somebody on foot.

    Attributes:
        avatar: what it looks from.
        vehicle, cabin: None on foot.
    """

    avatar: Entity

    def __init__(self, index: int, room: Room, tally: Tally, random: Random, way: Round, *, on_foot: bool) -> None:
        super().__init__(index, room, tally, random)
        self.way = way
        self.on_foot = on_foot
        self.vehicle: Entity | None = None
        self.cabin: Entity | None = None
        self._hosts: dict[int, Citizen] = {}
        """Whose the cabins are that it has ever got into, its own included; by id."""
        self._seat = SEATS[index % len(SEATS)]
        self._frames = random.randrange(STAMP_EVERY)
        self._step: Step | None = None

    @property
    def place(self) -> tuple[float, float]:
        """x and z of what goes round: the vehicle, or oneself on foot; NaN before it begins."""
        return (math.nan, math.nan) if self._step is None else (self._step.position[0], self._step.position[2])

    @property
    def eye(self) -> tuple[float, float]:
        """x and z of where it looks from."""
        if self.on_foot:
            return self.place
        # By what the relay has told, not by what was asked of it: an answer and what awaits it are moments apart.
        host = self._hosts.get(self.avatar.parent)
        if host is not None:
            return host.place
        x, _, z = self.avatar.world_transform().position
        return (x, z)

    @property
    def driving(self) -> bool:
        """Whether its vehicle moves just now."""
        return not self.on_foot and self._step is not None and self._step.velocity != (0.0, 0.0, 0.0)

    async def appear(self, now_s: float) -> None:
        self._step = step = self.way.step(now_s)
        name = {"name": self.room.name}
        if self.on_foot:
            self.avatar = await self.room.spawn(
                "avatar", step.position, step.rotation, rule="deny", upright=True, properties=name
            )
            return
        attach_rule: AttachRule = "allow" if self._random.random() < OPEN_CABINS else "owner"
        group = self.room.group()
        vehicle = group.spawn(VEHICLE_KIND, step.position, step.rotation, rule="deny", upright=True)
        cabin = group.spawn(CABIN_KIND, CABIN, rule="deny", parent=vehicle, attach_rule=attach_rule)
        avatar = group.spawn("avatar", self._seat, rule="deny", parent=cabin, properties=name)
        await group.commit()
        assert avatar.entity is not None, "commit raises what was refused"
        assert cabin.entity is not None, "likewise"
        self.vehicle, self.cabin, self.avatar = vehicle.entity, cabin.entity, avatar.entity
        self._hosts[self.cabin.id] = self

    def move(self, now_s: float) -> None:
        thing = self.avatar if self.on_foot else self.vehicle
        if thing is None or not thing.mine:
            return
        self._step = step = self.way.step(now_s, halt=self.halt)
        self.put(thing, step)
        self._frames += 1
        if self._frames % STAMP_EVERY == 0:
            self.stamp(thing)
        if self._frames % LOOK_EVERY == 0 and self.avatar.parent and not self.halt:
            half = 0.3 * math.sin(now_s)
            self.put(self.avatar, Step(self._seat, (0.0, math.sin(half), 0.0, math.cos(half)), (0.0, 0.0, 0.0)))

    async def ride_about(self, hosts: Mapping[int, "Citizen"]) -> None:
        """Get into cabins of others (cabin → whose it is) that pass by, out, and home again, until told to halt."""
        while not self.halt:
            await self.pause(self._random.uniform(*STAYS_S))
            cabin = self._cabin_nearby(hosts)
            if cabin is None:
                continue
            try:
                await self.ride(cabin, hosts[cabin.id])
            except RefusedError as error:
                self.tally.refusals[error.reason] += 1

    def _cabin_nearby(self, hosts: Mapping[int, "Citizen"]) -> Entity | None:
        x, z = self.eye
        near = []
        for entity in self.room.entities.values():
            if entity.kind == CABIN_KIND and entity.attach_rule == "allow" and not entity.mine and entity.id in hosts:
                there = entity.world_transform().position
                if math.hypot(there[0] - x, there[2] - z) <= HAIL_M:
                    near.append(entity)
        return self._random.choice(near) if near else None

    async def ride(self, cabin: Entity, host: "Citizen") -> None:
        """Get into this cabin, out again after a while, and home; without any delay once told to halt. Raises RefusedError."""
        await self.get_into(cabin, host)
        self.tally.rides += 1
        await self.pause(self._random.uniform(*STAYS_S))
        await self.avatar.set_parent(None)
        await self.pause(self._random.uniform(*PAVEMENT_S))
        assert self.cabin is not None, "only drivers ride about"
        await self.get_into(self.cabin, self)

    async def get_into(self, cabin: Entity, host: "Citizen") -> None:
        """Take a seat in the cabin, which is that of `host`. Raises RefusedError."""
        self._hosts[cabin.id] = host
        await self.avatar.set_parent(cabin, self._seat, IDENTITY)
