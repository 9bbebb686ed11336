"""Attaching, detaching and despawning (docs/PROTOCOL.md section 7, "attach", and section 4)."""

import pytest

from soiree.wire import messages as m
from soiree.wire.limits import MAX_DEPTH
from tests.relay.crowd import Crowd
from tests.relay.honest import a_spawn, place, place_in

ALICE, BOB, CAROL = 2, 3, 4
"""Alice spawns the things: she is their master, and their owner at first."""


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB, CAROL):
        crowd.join(peer)
    return crowd


# Riding


def test_a_child_is_attached_and_detached_by_its_owner(crowd: Crowd) -> None:
    car, rider = crowd.spawn(ALICE), crowd.spawn(BOB)
    told = crowd.ask(m.ParentSet, BOB, m.SetParent, rider, car, place_in(1), None)
    assert (told.parent, told.attach) == (car, 1)
    told = crowd.ask(m.ParentSet, BOB, m.SetParent, rider, 0, place(1), None)
    assert (told.parent, told.attach) == (0, 2)
    crowd.check_agreement()


@pytest.mark.parametrize(
    ("rule", "alices", "bobs"), [("allow", True, True), ("owner", True, False), ("deny", False, False)]
)
def test_the_attach_rule_says_whose_things_may_ride(crowd: Crowd, rule: str, alices: bool, bobs: bool) -> None:
    car = crowd.spawn(ALICE, attach_rule=rule)
    for peer, allowed in ((ALICE, alices), (BOB, bobs)):
        rider = crowd.spawn(peer)
        attached = crowd.answer(peer, crowd.say(peer, m.SetParent, rider, car, place_in(0), None))
        spawn = a_spawn(state=place_in(0), parent=car)
        spawned = crowd.answer(peer, crowd.say(peer, m.Spawn, *spawn))
        for answer in (attached, spawned):
            assert (getattr(answer, "reason", None) == "attach-rule") != allowed


def test_nothing_rides_in_itself_or_in_what_rides_in_it(crowd: Crowd) -> None:
    car = crowd.spawn(ALICE)
    seat = crowd.spawn(ALICE, parent=car, state=place_in(0))
    for parent in (car, seat):
        assert crowd.refused(ALICE, m.SetParent, car, parent, place_in(0), None) == "cycle"


def test_riding_goes_so_deep_and_no_deeper(crowd: Crowd) -> None:
    tower = [crowd.spawn(ALICE)]
    for _ in range(MAX_DEPTH):
        tower.append(crowd.spawn(ALICE, parent=tower[-1], state=place_in(0)))
    spawn = a_spawn(state=place_in(0), parent=tower[-1])
    assert crowd.refused(ALICE, m.Spawn, *spawn) == "depth"
    pair = crowd.spawn(ALICE)
    crowd.spawn(ALICE, parent=pair, state=place_in(0))
    assert crowd.refused(ALICE, m.SetParent, pair, tower[-2], place_in(0), None) == "depth"
    crowd.ask(m.ParentSet, ALICE, m.SetParent, pair, tower[-3], place_in(0), None)


@pytest.mark.parametrize(("parent", "state"), [(True, place(0)), (False, place_in(0)), (False, bytes(28))])
def test_a_placed_record_that_does_not_fit_is_refused(crowd: Crowd, parent: bool, state: bytes) -> None:
    car, ball = crowd.spawn(ALICE), crowd.spawn(ALICE)
    refused = crowd.ask(m.Refused, ALICE, m.SetParent, ball, car if parent else 0, state, None)
    assert (refused.reason, refused.entity) == ("state", ball)
    spawn = a_spawn(state=state, parent=car if parent else 0)
    assert crowd.refused(ALICE, m.Spawn, *spawn) == "state"
    crowd.check_agreement()


# Despawn


def test_children_fall_to_the_grandparent_where_they_stood(crowd: Crowd) -> None:
    ship = crowd.spawn(ALICE, state=place(10))
    boat = crowd.spawn(ALICE, parent=ship, state=place_in(2))
    rider = crowd.spawn(BOB, parent=boat, state=place_in(1))
    x = crowd.scene.world.position_m(rider)[0]
    assert crowd.ask(m.Despawned, ALICE, m.Despawn, boat, "reparent").reason == "despawn"
    assert crowd[CAROL].entities[rider].parent == ship
    crowd.ask(m.Despawned, ALICE, m.Despawn, ship, "reparent")
    assert crowd[CAROL].entities[rider].parent == 0
    assert crowd.scene.world.position_m(rider)[0] == pytest.approx(x, abs=0.01)
    crowd.check_agreement()


def test_along_takes_what_the_sender_masters_and_nobody_else(crowd: Crowd) -> None:
    ship = crowd.spawn(ALICE)
    seat = crowd.spawn(ALICE, parent=ship, state=place_in(0))
    rider = crowd.spawn(BOB, parent=seat, state=place_in(0))
    crowd.ask(m.Despawned, ALICE, m.Despawn, ship, "along")
    reasons = {told.entity: told.reason for told in crowd[CAROL].heard if isinstance(told, m.Despawned)}
    assert reasons == {seat: "parent", ship: "despawn"}
    assert crowd[CAROL].entities[rider].parent == 0
    crowd.check_agreement()
