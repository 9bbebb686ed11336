"""Things that are nobody's: in sight they are told like all else, and nobody can change them."""

from dataclasses import replace

import pytest

from relay.config import RoomConfig
from relay.errors import RefusalError, StateError
from relay.planting import Plant
from relay.table import FIRST_CAPACITY
from soiree.wire import messages as m
from tests.relay.crowd import Crowd
from tests.relay.honest import place, place_in

ALICE, BOB = 2, 3
STEPS_TO_SEE = 30
"""By then everybody has looked once."""


def tree(x: float) -> Plant:
    return Plant("tree", place(x), {"height": 9.0})


def test_what_is_planted_in_sight_is_told_and_what_is_far_is_not() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    crowd.spawn(ALICE, kind="avatar", state=place(0))
    near, far = crowd.room.plant([tree(100.0), tree(5000.0)])
    crowd.join(BOB)
    crowd.step(STEPS_TO_SEE)
    for peer in (ALICE, BOB):
        seen = crowd[peer].entities[near]
        assert (seen.kind, seen.owner, seen.master, seen.rule) == ("tree", m.NOBODY, m.NOBODY, "deny")
        assert seen.properties == {"height": 9.0}
        assert far not in crowd[peer].entities
    crowd.check_agreement()


def test_nobody_can_change_it() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    [planted] = crowd.room.plant([tree(3.0)])
    crowd.step(STEPS_TO_SEE)
    mine = crowd.spawn(ALICE)
    assert crowd.refused(ALICE, m.Request, planted, 1, "") == "rule"
    assert crowd.refused(ALICE, m.SetProperties, planted, {"height": 0.1}) == "not-owner"
    assert crowd.refused(ALICE, m.Despawn, planted, "along") == "not-master"
    assert crowd.refused(ALICE, m.Assign, planted, ALICE, False) == "not-master"
    assert crowd.refused(ALICE, m.SetParent, mine, planted, place_in(0), None) == "attach-rule"


def test_it_stays_whoever_comes_and_goes() -> None:
    crowd = Crowd()
    crowd.join(ALICE, subject="alice")
    [planted] = crowd.room.plant([tree(3.0)])
    crowd.say(ALICE, m.Bye, "bye")
    crowd.step(2)
    crowd.join(BOB, subject="bob")
    crowd.step(STEPS_TO_SEE)
    assert crowd[BOB].entities[planted].master == m.NOBODY
    assert crowd.entity(planted).epoch == 1


def test_a_full_room_takes_no_more() -> None:
    crowd = Crowd(replace(RoomConfig(), max_entities=2))
    with pytest.raises(RefusalError, match="too-many"):
        crowd.room.plant([tree(1.0), tree(2.0), tree(3.0)])
    assert len(crowd.scene.entities) == 2


def test_what_cannot_be_placed_leaves_nothing_behind() -> None:
    crowd = Crowd()
    with pytest.raises(StateError):
        crowd.room.plant([Plant("tree", place_in(0), {})])
    assert len(crowd.scene.entities) == len(crowd.scene.world) == 0


def test_room_is_made_at_once_for_what_will_come_but_not_past_the_bound() -> None:
    crowd = Crowd()
    crowd.room.reserve(20 * FIRST_CAPACITY)
    rows = len(crowd.scene.world.entity)
    assert rows > 20 * FIRST_CAPACITY
    crowd.room.plant([tree(float(x)) for x in range(2 * FIRST_CAPACITY)])
    assert len(crowd.scene.world.entity) == rows
    crowd.room.reserve(10 * crowd.scene.world.bound)
    assert len(crowd.scene.world.entity) <= 2 * crowd.scene.world.bound
