"""Sight against a plain model: cell edges, negative cells, the ends of the world, teleports, riders, crowds."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import interest
from relay.interest import LOOK_TICKS, MARGIN_M, RADIUS_M, Sighting, radius
from relay.replication import Replication, ReplicationConfig
from relay.table import Ints
from relay.world import World
from soiree.wire import quantise as q
from soiree.wire.limits import MAX_VIEW_RADIUS_M
from soiree.wire.quantise import Vec3
from tests.relay.records import placed, placed_child

EDGE_M = float(1 << 37)
CORNERS = [0.0, -0.001, 63.999, 64.0, -64.0, 160.0, -160.0, 4096.0, EDGE_M - 1.0, -EDGE_M, 200.0 - EDGE_M]
ALONG = st.sampled_from(CORNERS) | st.floats(-400, 400)
PLACES = st.tuples(ALONG, st.floats(-100, 100), ALONG)
TICK_S = 1 / 60
PEERS = (2, 3)


class Town:
    """A room of roots and riders, two clients who look from points, and who was told of what."""

    def __init__(self) -> None:
        self.world = World()
        self.replication = Replication(self.world, ReplicationConfig())
        self.places: dict[int, Vec3] = {}
        self.riders: dict[int, int] = {}
        self.always: set[int] = set()
        self.owner: dict[int, int] = {}
        self.told: dict[int, set[int]] = {peer: set() for peer in PEERS}
        self.tick = 0
        for peer in PEERS:
            self.replication.join(peer, 0.0)

    def exact(self, entity: int) -> Vec3:
        x, y, z = self.world.position[self.world.root[self.world.row(entity)]].tolist()
        return x / q.HORIZONTAL_PER_M, y / q.VERTICAL_PER_M, z / q.HORIZONTAL_PER_M

    def put(self, entity: int, place: Vec3) -> None:
        if entity in self.places and entity not in self.riders:
            self.world.set_parent(entity, 0, 0, placed(place), self.tick)
        elif entity not in self.places:
            self.world.add(entity, placed(place), self.tick)
        self.places[entity] = place

    def ride(self, rider: int, parent: int) -> None:
        if rider in self.places or parent not in self.places:
            return
        self.world.add(rider, placed_child((1.0, 0.0, 0.0)), self.tick, parent)
        self.places[rider], self.riders[rider] = self.places[parent], parent

    def remove(self, entity: int) -> None:
        if entity not in self.places or entity in self.riders.values():
            return
        for peer in PEERS:
            self.replication.untell(peer, entity)
            self.told[peer].discard(entity)
        self.world.remove(entity)
        self.riders.pop(entity, None)
        self.owner.pop(entity, None)
        self.always.discard(entity)
        del self.places[entity]

    def watch(self) -> list[Sighting]:
        """What the next look finds, whoever had looked last."""
        self.tick += LOOK_TICKS + interest.STRIDE_TICKS - (self.tick + LOOK_TICKS) % interest.STRIDE_TICKS
        return self.replication.watch(self.tick)

    def look(self) -> list[Sighting]:
        found = self.watch()
        for sighting in found:
            entering, leaving = sighting.entering.tolist(), sighting.leaving.tolist()
            told = self.told[sighting.peer]
            assert not told & set(entering), "nothing enters that was told"
            assert set(leaving) <= told, "nothing leaves that was not"
            self.replication.tell_many(sighting.peer, sighting.entering, 1)
            self.replication.untell_many(sighting.peer, sighting.leaving)
            told |= set(entering)
            told -= set(leaving)
        return found

    def check(self) -> None:
        for peer in PEERS:
            row = self.replication.audience.row(peer)
            x, y, z = self.replication.audience.view[row].tolist()
            view = x / q.HORIZONTAL_PER_M, y / q.VERTICAL_PER_M, z / q.HORIZONTAL_PER_M
            kept = {self.root(e) for e in self.places if e in self.always or self.owner.get(e) == peer}
            for entity in self.places:
                away_m = math.dist(self.exact(entity), view)
                if away_m <= RADIUS_M - 0.01 or entity in self.always:
                    assert entity in self.told[peer]
                elif away_m > RADIUS_M + MARGIN_M + 0.01 and self.root(entity) not in kept:
                    assert entity not in self.told[peer]

    def root(self, entity: int) -> int:
        while entity in self.riders:
            entity = self.riders[entity]
        return entity


STEPS = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 12), PLACES),
    st.tuples(st.just("ride"), st.integers(13, 20), st.integers(1, 20)),
    st.tuples(st.just("remove"), st.integers(1, 20), st.none()),
    st.tuples(st.just("view"), st.sampled_from(PEERS), PLACES),
    st.tuples(st.just("own"), st.integers(1, 20), st.sampled_from(PEERS)),
    st.tuples(st.just("always"), st.integers(1, 20), st.none()),
    st.tuples(st.just("look"), st.none(), st.none()),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_what_is_told_is_what_a_plain_model_sees(steps: list[tuple[str, int, Any]]) -> None:
    town = Town()
    for kind, subject, argument in [*steps, ("look", 0, None)]:
        match kind, argument:
            case "put", _:
                town.put(subject, argument)
            case "ride", _:
                town.ride(subject, argument)
            case "remove", _:
                town.remove(subject)
            case "view", _:
                town.replication.set_view(subject, position_m=argument)
            case "own", _ if subject in town.places:
                town.world.set_owner(subject, argument, 0, town.tick)
                town.owner[subject] = argument
            case "always", _ if subject in town.places:
                town.world.set_always(subject)
                town.always.add(subject)
            case "look", _:
                town.look()
                town.check()
    assert len(town.replication.interest.cells) == len(town.places)


def test_the_corner_of_the_world_is_a_place_like_any_other() -> None:
    town = Town()
    corner = (EDGE_M - 1.0, 0.0, EDGE_M - 1.0)
    town.put(1, corner)
    town.put(2, (-EDGE_M, 0.0, EDGE_M - 1.0))
    town.replication.set_view(2, position_m=corner)
    town.look()
    assert town.told[2] == {1}, "the world has an end; it does not meet itself there"


def test_what_is_nearer_is_told_before_and_a_rider_is_as_near_as_its_root() -> None:
    town = Town()
    for entity, x in ((1, 50.0), (2, 10.0), (3, 150.0), (4, 161.0)):
        town.put(entity, (x, 0.0, 0.0))
    town.ride(5, 2)
    (first, _) = town.look()
    assert first.entering.tolist() == [2, 5, 1, 3]


def test_sight_ends_farther_out_than_it_begins() -> None:
    town = Town()
    town.put(1, (RADIUS_M + 1, 0.0, 0.0))
    town.look()
    assert town.told[2] == set()
    for x, seen in ((RADIUS_M - 1, True), (RADIUS_M + MARGIN_M - 1, True), (RADIUS_M + MARGIN_M + 1, False)):
        town.put(1, (x, 0.0, 0.0))
        town.look()
        assert (1 in town.told[2]) == seen


def test_a_jump_of_the_viewer_is_seen_at_the_next_pass_whoevers_turn_it_is() -> None:
    town = Town()
    town.put(1, (5000.0, 0.0, 0.0))
    town.look()
    town.replication.set_view(2, position_m=(5000.0, 0.0, 0.0))
    town.tick += interest.STRIDE_TICKS - town.tick % interest.STRIDE_TICKS
    assert [s.peer for s in town.replication.watch(town.tick)] == [2]


def test_in_a_crowd_the_nearest_are_told_and_no_more_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interest, "MAX_IN_SIGHT", 10)
    town = Town()
    for entity in range(1, 41):
        town.put(entity, (float(entity), 0.0, 0.0))
    town.look()
    assert town.told[2] == set(range(1, 11))
    town.replication.set_view(2, position_m=(41.0, 0.0, 0.0))
    for _ in range(3):
        town.look()
    assert town.told[2] == set(range(31, 41))


def test_how_far_one_may_see_is_bounded() -> None:
    assert (radius(0), radius(20.0), radius(5000.0)) == (RADIUS_M, 20.0, MAX_VIEW_RADIUS_M)
    town = Town()
    town.put(1, (900.0, 0.0, 0.0))
    town.replication.set_view(2, position_m=(0.0, 0.0, 0.0), radius_m=1e4)
    town.look()
    assert town.told == {2: {1}, 3: set()}


def test_what_waits_to_be_told_and_goes_away_is_named_no_more() -> None:
    town = Town()
    town.put(1, (10.0, 0.0, 0.0))
    assert [s.entering.tolist() for s in town.watch()] == [[1], [1]]
    town.put(1, (1000.0, 0.0, 0.0))
    assert [s.entering.tolist() for s in town.watch()] == [[], []], "told that nothing waits any more"
    assert town.watch() == []


def test_what_is_ones_own_or_always_relevant_takes_no_place_of_what_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interest, "MAX_IN_SIGHT", 10)
    town = Town()
    for entity in range(1, 61):
        town.put(entity, (float(entity % 20), 0.0, 0.0))
        if entity <= 20:
            town.world.set_owner(entity, 2, 0, 0)
        elif entity <= 40:
            town.world.set_always(entity)
    town.replication.tell_many(2, np.arange(1, 21), 1)
    town.told[2] = set(range(1, 21))
    town.look()
    assert {entity for entity in town.told[2] if entity <= 40} == set(range(1, 41))
    assert len([entity for entity in town.told[2] if entity > 40]) == 10


def test_whatever_ticks_are_left_out_everybody_looks() -> None:
    for step in (2, 4, 7, 11):
        town = Town()
        town.put(1, (1.0, 0.0, 0.0))
        town.tick = 1
        seen: set[int] = set()
        for _ in range(3 * LOOK_TICKS):
            town.tick += step
            seen |= {sighting.peer for sighting in town.replication.watch(town.tick)}
        assert seen == set(PEERS)


@pytest.mark.parametrize(
    ("people", "at_once"), [(interest.TOGETHER, interest.TOGETHER), (interest.TOGETHER + 1, interest.FEWEST_LOOKS)]
)
def test_so_many_come_to_look_together_and_no_more(monkeypatch: pytest.MonkeyPatch, people: int, at_once: int) -> None:
    replication = Replication(World(), ReplicationConfig())
    looks: list[int] = []

    def look(due: Ints) -> list[Sighting]:
        looks.append(len(due))
        return []

    monkeypatch.setattr(replication.interest, "_look_in_portions", look)
    for tick in range(1000, 1000 + people + 8 * LOOK_TICKS):
        if tick < 1000 + people:
            replication.join(tick - 998, 0.0)
        if tick == 1000 + people + 4 * LOOK_TICKS:
            looks.clear()
        replication.watch(tick)
    assert max(looks) == at_once
    assert sum(looks) >= 3 * people, "everybody looks nearly twice a second"


def test_after_a_pause_looks_spread_again() -> None:
    replication = Replication(World(), ReplicationConfig())
    replication.world.add(1, placed((1.0, 0.0, 0.0)), 0)
    for peer in range(2, 202):
        replication.join(peer, 0.0)
    counts = [len(replication.watch(tick)) for tick in range(1000, 1200)]
    assert sum(counts[: 2 * LOOK_TICKS]) >= 200, "all have looked"
    assert max(counts) <= 200 * interest.STRIDE_TICKS / LOOK_TICKS + 1


def test_many_near_many_are_looked_at_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interest, "MAX_NEAR_ROWS", 3)
    town = Town()
    for entity in range(1, 9):
        town.put(entity, (float(entity), 0.0, 0.0))
    town.look()
    assert town.told == {2: set(range(1, 9)), 3: set(range(1, 9))}
