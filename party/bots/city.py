"""The play of the city: who sees whom, how late, and how truly."""

import math
from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, Final

import numpy as np

from party.bots.agreement import Difference, differences
from party.bots.citizen import Citizen
from party.bots.play import Play
from party.bots.report import CityFigures, Percentiles
from party.bots.sight import Sight
from party.bots.sightings import MARGIN_M, RADIUS_M, Places, Sightings, distances, is_fresh
from party.bots.streets import City
from party.bots.tally import Tally
from soiree import Room

WALKERS: Final = 8
"""One of so many is on foot."""
SAMPLE_S: Final = 1.0
"""How often some of what is in sight is held against the truth…"""
SAMPLED: Final = 3
"""…for each bot."""
MAX_SAMPLES: Final = 1_000_000


class CityPlay(Play[Citizen]):
    """They drive and walk through a city."""

    event_period_s = 20.0

    def __init__(self, count: int, random: Random) -> None:
        super().__init__(count, random)
        self._city = City.for_vehicles(count)
        self._sightings = Sightings(count)
        self._sampled_at = 0.0
        self._behind_s: list[float] = []
        self._vanished = 0

    def bot(self, index: int, room: Room, tally: Tally, random: Random) -> Citizen:
        on_foot = index % WALKERS == WALKERS - 1
        way = self._city.walk(random) if on_foot else self._city.drive(random)
        return Citizen(index, room, tally, random, way, on_foot=on_foot)

    def acting(self) -> list[Coroutine[Any, Any, None]]:
        hosts = {bot.cabin.id: bot for bot in self.bots if bot.cabin is not None}
        return [bot.ride_about(hosts) for bot in self.bots if not bot.on_foot]

    def observe(self, now_s: float) -> None:
        by_index = {bot.index: bot for bot in self.here()}
        eyes, things = self._places(by_index)
        self._sightings.observe(now_s, eyes, things, lambda eye, thing: _sees(by_index[eye], by_index[thing]))
        if now_s - self._sampled_at >= SAMPLE_S:
            self._sampled_at = now_s
            self._sample(by_index, distances(eyes, things))

    def _places(self, by_index: dict[int, Citizen]) -> tuple[Places, Places]:
        """(count, 2) eyes and (count, 2) vehicles; NaN for who is not here or has none."""
        eyes, things = np.full((self.count, 2), np.nan), np.full((self.count, 2), np.nan)
        for index, bot in by_index.items():
            eyes[index] = bot.eye
            if not bot.on_foot:
                things[index] = bot.place
        return eyes, things

    def _sample(self, by_index: dict[int, Citizen], far_m: "np.ndarray[Any, Any]") -> None:
        """How old is what bots see of some vehicles that are well in sight, and do they see them at all?"""
        for index, bot in by_index.items():
            well_within = np.flatnonzero(far_m[index] <= RADIUS_M - MARGIN_M).tolist()
            for number in self.random.sample(well_within, min(SAMPLED, len(well_within))):
                if number == index or self._sightings.awaits(index, number):
                    continue
                behind_m = _behind_m(bot, by_index[number])
                if behind_m is None:
                    self._vanished += 1
                elif by_index[number].driving and len(self._behind_s) < MAX_SAMPLES:
                    self._behind_s.append(behind_m / by_index[number].way.speed_m_s)

    def end(self, now_s: float) -> None:
        self._sightings.end(now_s)

    def differences(self) -> list[Difference]:
        views = self.views()
        sight = Sight({bot.room.peer_id: bot.eye for bot in self.here()})
        owned = {
            entity: account for peer, view in views.items() for entity, account in view.items() if account.owner == peer
        }
        roots = {
            entity.id: (entity.position[0], entity.position[2])
            for bot in self.here()
            for entity in bot.room.entities.values()
            if entity.mine and not entity.parent
        }
        sight.take(owned, roots)
        return differences(views, sight.duty)

    def figures(self, found: Sequence[Difference]) -> CityFigures:
        return CityFigures(
            seen_late_s=Percentiles.of(self._sightings.late_s),
            sightings=len(self._sightings.late_s),
            never_seen=self._sightings.never,
            behind_s=Percentiles.of(self._behind_s),
            vanished=self._vanished,
            wrong=sum(difference.kind == "unlike" for difference in found),
            rides=sum(bot.tally.rides for bot in self.bots),
        )


def _behind_m(eye: Citizen, thing: Citizen) -> float | None:
    """How far the vehicle is from where it is seen; None if it is not known."""
    seen = None if thing.vehicle is None else eye.room.entities.get(thing.vehicle.id)
    if seen is None:
        return None
    x, _, z = seen.position
    return math.dist((x, z), thing.place)


def _sees(eye: Citizen, thing: Citizen) -> bool:
    behind_m = _behind_m(eye, thing)
    return behind_m is not None and is_fresh(behind_m, thing.way.speed_m_s)
