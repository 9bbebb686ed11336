"""What goes too fast is refused, its owner is told, and everybody ends with where it is (docs/PROTOCOL.md section 5.3)."""

import pytest

from relay.speed import MAX_TOLD_PER_TICK, SLACK_M, TOLD_EVERY_TICKS
from relay.world import TELEPORT_BURST
from soiree.link import RoomSpec
from soiree.wire import messages as m
from soiree.wire.records import Transform, base_for, encode_child, encode_move
from soiree.wire.state import Section
from tests.relay.crowd import Crowd
from tests.relay.honest import place, place_in

ALICE, BOB = 2, 3
SPEED = 10.0
FAR = 500.0


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd(spec=RoomSpec("room", "code", "A room", 64, SPEED))
    for peer in (ALICE, BOB):
        crowd.join(peer)
    crowd.step(TOLD_EVERY_TICKS)
    return crowd


def a_move(crowd: Crowd, entity: int, x: float, *, teleport: bool = False) -> bytes:
    """A frame of Alice's."""
    record = encode_move(entity, Transform((x, 0.0, 0.0), teleport=teleport))
    return crowd[ALICE].frame(crowd.tick, [(Section.MOVE, record)], base_for((x, 0.0, 0.0)))


def move(crowd: Crowd, entity: int, x: float, *, teleport: bool = False) -> None:
    crowd.take([(ALICE, a_move(crowd, entity, x, teleport=teleport))])


def ball(crowd: Crowd) -> int:
    """Alice's, at x = 0, and known to everybody."""
    entity = crowd.spawn(ALICE, state=place(0.0))
    crowd.step(2)
    return entity


def refusals(crowd: Crowd, peer: int = ALICE) -> list[m.Refused]:
    """All that nobody asked for."""
    return [told for told in crowd[peer].heard if isinstance(told, m.Refused) and not told.re]


def where(crowd: Crowd, entity: int) -> float:
    return crowd.scene.world.position_m(entity)[0]


def test_the_owner_alone_is_told_what_was_refused_and_its_jump_is_then_seen_by_all(crowd: Crowd) -> None:
    entity = ball(crowd)
    move(crowd, entity, FAR)
    crowd.step()
    (told,) = refusals(crowd)
    assert (told.entity, told.reason, told.owner, told.epoch) == (entity, "speed", ALICE, 1)
    assert refusals(crowd, BOB) == []
    assert where(crowd, entity) == 0.0
    move(crowd, entity, FAR, teleport=True)
    crowd.step(30)
    assert where(crowd, entity) == FAR
    assert len(refusals(crowd)) == 1


def test_an_owner_is_told_at_most_every_half_second(crowd: Crowd) -> None:
    entity = ball(crowd)
    for _ in range(2 * TOLD_EVERY_TICKS):
        move(crowd, entity, FAR)
        crowd.step()
    assert len(refusals(crowd)) == 2
    crowd.step(3 * TOLD_EVERY_TICKS)
    assert len(refusals(crowd)) == 3, "the last refusal is told too, and once"


def test_jumps_past_their_rate_are_told_and_the_last_of_them_is_taken_in_the_end(crowd: Crowd) -> None:
    entity = ball(crowd)
    last = FAR * (TELEPORT_BURST + 3)
    for jump in range(TELEPORT_BURST + 3):
        move(crowd, entity, FAR * (jump + 1), teleport=True)
    assert crowd.drops["teleport-rate"] == 3
    for _ in range(4 * TOLD_EVERY_TICKS):
        before = len(refusals(crowd))
        crowd.step()
        if len(refusals(crowd)) > before:
            move(crowd, entity, last, teleport=True)
    assert where(crowd, entity) == last


def test_what_was_taken_after_all_is_not_told(crowd: Crowd) -> None:
    entity = ball(crowd)
    move(crowd, entity, FAR)
    move(crowd, entity, FAR, teleport=True)
    crowd.step(2 * TOLD_EVERY_TICKS)
    assert refusals(crowd) == []


def test_an_older_record_that_came_late_does_not_hide_the_refusal(crowd: Crowd) -> None:
    entity = ball(crowd)
    older, newer = a_move(crowd, entity, 1.0), a_move(crowd, entity, FAR)
    crowd.take([(ALICE, newer)])
    crowd.take([(ALICE, older)])
    crowd.step()
    assert where(crowd, entity) == 1.0
    assert len(refusals(crowd)) == 1


def test_a_refusal_goes_with_the_ownership(crowd: Crowd) -> None:
    entity = ball(crowd)
    move(crowd, entity, FAR)
    crowd.ask(m.Granted, BOB, m.Request, entity, 1, "")
    crowd.step(2 * TOLD_EVERY_TICKS)
    assert refusals(crowd) == refusals(crowd, BOB) == []


def test_a_refusal_goes_with_the_entity(crowd: Crowd) -> None:
    entity = ball(crowd)
    move(crowd, entity, FAR)
    crowd.ask(m.Despawned, ALICE, m.Despawn, entity, "reparent")
    crowd.step(2)
    while ball(crowd) != entity:
        pass
    crowd.step(2 * TOLD_EVERY_TICKS)
    assert refusals(crowd) == []


def test_so_many_are_told_in_a_tick_and_the_others_after_them(crowd: Crowd) -> None:
    entities = [crowd.spawn(ALICE, state=place(0.0)) for _ in range(2 * MAX_TOLD_PER_TICK + 1)]
    crowd.step(2)
    for entity in entities:
        move(crowd, entity, FAR)
    told = []
    for _ in range(4):
        crowd.step()
        told.append(len(refusals(crowd)))
    assert told == [MAX_TOLD_PER_TICK, 2 * MAX_TOLD_PER_TICK, len(entities), len(entities)]
    assert {refused.entity for refused in refusals(crowd)} == set(entities)


# A change of parent


def set_parent(crowd: Crowd, entity: int, parent: int, x: float) -> str:
    """What Alice is told: `parent_set`, or why not."""
    state = place_in(x) if parent else place(x)
    answer = crowd.answer(ALICE, crowd.say(ALICE, m.SetParent, entity, parent, state, None))
    return answer.reason if isinstance(answer, m.Refused) else "parent_set"


def test_a_change_of_parent_is_no_way_around_the_limit(crowd: Crowd) -> None:
    entity = ball(crowd)
    answers = [set_parent(crowd, entity, 0, FAR * (jump + 1)) for jump in range(TELEPORT_BURST + 2)]
    assert answers == ["parent_set"] * TELEPORT_BURST + ["speed"] * 2
    assert where(crowd, entity) == FAR * TELEPORT_BURST
    assert crowd.entity(entity).attach == TELEPORT_BURST, "what is refused changes nothing"
    crowd.step(TOLD_EVERY_TICKS)
    assert set_parent(crowd, entity, 0, 0.0) == "parent_set"
    assert refusals(crowd) == [], "who asked has an answer"


def test_changes_of_parent_and_state_share_their_jumps(crowd: Crowd) -> None:
    entity = ball(crowd)
    for jump in range(TELEPORT_BURST):
        move(crowd, entity, FAR * (jump + 1), teleport=True)
    assert set_parent(crowd, entity, 0, 0.0) == "speed"


def test_whoever_stays_where_it_is_changes_its_parent_as_often_as_it_likes(crowd: Crowd) -> None:
    car, rider = crowd.spawn(ALICE, state=place(3.0)), ball(crowd)
    for _ in range(2 * TELEPORT_BURST):
        assert set_parent(crowd, rider, car, -3.0) == "parent_set"
        assert set_parent(crowd, rider, 0, 0.0) == "parent_set"
    assert crowd.scene.world.jumps[crowd.scene.world.row(rider)] == TELEPORT_BURST


def test_small_steps_by_changes_of_parent_add_up(crowd: Crowd) -> None:
    entity = ball(crowd)
    answers = [set_parent(crowd, entity, 0, SLACK_M * step) for step in range(40)]
    assert answers.count("speed") > 1


def test_what_rides_is_measured_where_it_is_in_the_world(crowd: Crowd) -> None:
    bus, rider = crowd.spawn(ALICE, state=place(0.0)), ball(crowd)
    assert set_parent(crowd, rider, bus, 0.0) == "parent_set"
    move(crowd, bus, FAR, teleport=True)
    crowd.step()
    inside = encode_child(rider, 1, Transform((0.5, 0.0, 0.0)))
    crowd.take([(ALICE, crowd[ALICE].frame(crowd.tick, [(Section.CHILD, inside)]))])
    assert set_parent(crowd, rider, 0, FAR + 0.5) == "parent_set"
    assert crowd.scene.world.jumps[crowd.scene.world.row(rider)] == TELEPORT_BURST
