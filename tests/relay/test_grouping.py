"""Groups: several messages as one, both ways (docs/PROTOCOL.md 4.1), and what is told of trees."""

from typing import Any

import msgspec
import pytest

from relay import interest, sight
from relay.outputs import SendControl
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import MAX_ALWAYS_RELEVANT_PER_PEER, MAX_GROUP_MESSAGES, SNAPSHOT_IN_FLIGHT_BYTES
from tests.relay.crowd import Crowd
from tests.relay.honest import a_spawn, place, place_in, raw

ALICE, BOB = 2, 3


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    crowd.join(ALICE)
    crowd.join(BOB)
    return crowd


def part(message: type[m.Message], *fields: Any) -> msgspec.Raw:
    return msgspec.Raw(control.encode(message(0, *fields)))


def answers(crowd: Crowd, *parts: msgspec.Raw) -> list[m.Message]:
    number = crowd.say(ALICE, m.Group, list(parts))
    return crowd[ALICE].answers[number]


def groups_to(outputs: list[Any], peer: int) -> list[list[str]]:
    """Names of the messages in each group that goes to a peer."""
    said = [control.decode_from_relay(o.payload) for o in outputs if isinstance(o, SendControl) and o.peer == peer]
    return [[type(p).__name__ for p in control.grouped_from_relay(g)] for g in said if isinstance(g, m.Group)]


CAR = part(m.Spawn, *a_spawn(state=place(5)))
CABIN = part(m.Spawn, *a_spawn(state=place_in(1), parent=-1))
RIDER = part(m.Spawn, *a_spawn(state=place_in(0), parent=-2))


def test_a_vehicle_with_cabin_and_rider_is_made_by_one_message_and_seen_as_one(crowd: Crowd) -> None:
    crowd.auto = False
    crowd.say(ALICE, m.Group, [CAR, CABIN, RIDER])
    link = crowd.links[ALICE]
    assert link is not None
    crowd.room.control(ALICE, link.up_control.popleft(), crowd.now)
    outputs = crowd.flush()
    assert groups_to(outputs, ALICE) == groups_to(outputs, BOB) == [["Spawned"] * 3]
    crowd.auto = True
    crowd.step(3)
    car, cabin, rider = sorted(crowd[BOB].entities)
    assert [crowd[BOB].entities[e].parent for e in (car, cabin, rider)] == [0, car, cabin]
    crowd.check_agreement()


def test_each_command_of_a_group_has_one_answer_in_their_order(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    told = answers(
        crowd,
        part(m.SetProperties, ball, {"a": 1}),
        part(m.SetRule, 4711, "deny", 2000, None),
        part(m.SendEvent, "hi", raw(1), BOB, 0, None),
        part(m.SendEvent, "hi", raw(1), 0, 0, None),
        part(m.Assign, ball, BOB, True),
        part(m.Despawn, ball, "along"),
    )
    assert [type(answer) for answer in told] == [m.PropertiesSet, m.Refused, m.Done, m.Event, m.Granted, m.Despawned]
    crowd.check_agreement()


def test_a_refused_command_undoes_none_of_the_others_and_what_names_it_is_refused(crowd: Crowd) -> None:
    unplaced = part(m.Spawn, *a_spawn(state=place_in(0)))
    told = answers(crowd, unplaced, CABIN, CAR, part(m.Spawn, *a_spawn(state=place_in(1), parent=-3)), RIDER)
    kinds = [answer.reason if isinstance(answer, m.Refused) else type(answer).__name__ for answer in told]
    assert kinds == ["state", "unknown-entity", "Spawned", "Spawned", "unknown-entity"]
    crowd.check_agreement()


def test_a_command_of_a_later_version_has_its_answer_too(crowd: Crowd) -> None:
    (unknown, car) = answers(crowd, msgspec.Raw(b"\x93\x64\x00\x01"), CAR)
    assert isinstance(unknown, m.Refused)
    assert isinstance(car, m.Spawned)


def test_a_reference_to_what_comes_later_or_outside_of_a_group_is_nothing(crowd: Crowd) -> None:
    (later, _) = answers(crowd, part(m.Spawn, *a_spawn(state=place_in(1), parent=-2)), CAR)
    assert isinstance(later, m.Refused)
    assert crowd.refused(ALICE, m.Spawn, *a_spawn(state=place_in(1), parent=-1)) == "unknown-entity"


@pytest.mark.parametrize(
    "parts",
    [
        [part(m.Request, 1, 1, "")],
        [part(m.Group, [CAR])],
        [part(m.Hello, m.VERSION, 0, True, "x", [])],
        [CAR, msgspec.Raw(b"\x92\x0c\x00")],
        [msgspec.Raw(control.encode(m.Release(7, 1)))],
    ],
    ids=["request", "group", "hello", "too few fields", "numbered"],
)
def test_a_group_with_what_may_not_be_in_it_is_refused_as_a_whole(crowd: Crowd, parts: list[msgspec.Raw]) -> None:
    (refused,) = answers(crowd, *parts)
    assert isinstance(refused, m.Refused)
    assert refused.reason == "malformed"
    assert len(crowd.scene.entities) == 0


def test_a_group_counts_as_its_messages_against_the_rate(crowd: Crowd) -> None:
    said = [part(m.SendEvent, "x", raw(1), BOB, 0, None)] * MAX_GROUP_MESSAGES
    reasons = []
    for _ in range(9):
        number = crowd.say(ALICE, m.Group, said)
        reasons += [a.reason for a in crowd[ALICE].answers[number] if isinstance(a, m.Refused)]
        crowd[ALICE].commands[number] = MAX_GROUP_MESSAGES
    assert set(reasons) == {"rate"}
    assert crowd[ALICE].over is None


def test_what_does_not_fit_one_group_comes_in_several(crowd: Crowd) -> None:
    big = part(m.SendEvent, "x", raw("y" * 5000), 0, 0, None)
    number = crowd.say(ALICE, m.Group, [big, big, big])
    assert [type(a) for a in crowd[ALICE].answers[number]] == [m.Event] * 3
    for _ in range(6):
        assert isinstance(crowd.ask(m.Event, ALICE, m.SendEvent, "x", raw("y" * 8000), 0, 0, None), m.Event)


def test_a_tree_leaves_sight_as_one_and_comes_back_as_one(crowd: Crowd) -> None:
    answers(crowd, CAR, CABIN, RIDER)
    viewer = crowd.spawn(BOB, kind="avatar", state=place(5))
    crowd.step(30)
    assert len(crowd[BOB].entities) == 4
    crowd.auto = False
    for x, words in ((900, "Despawned"), (0, "Spawned")):
        crowd.scene.world.set_parent(viewer, 0, 0, place(x), crowd.tick)
        outputs: list[Any] = []
        for _ in range(interest.LOOK_TICKS + interest.STRIDE_TICKS):
            crowd.tick += 1
            crowd.now += 1 / 60
            crowd.room.advance(crowd.tick, crowd.now)
            outputs += crowd.flush()
        assert groups_to(outputs, BOB) == [[words] * 3]
        crowd.deliver_all()


def test_what_is_always_relevant_is_told_to_all_and_bounded(crowd: Crowd) -> None:
    fields = [*a_spawn(state=place(5000)), "always"]
    for _ in range(MAX_ALWAYS_RELEVANT_PER_PEER):
        crowd.ask(m.Spawned, ALICE, m.Spawn, *fields)
    assert crowd.refused(ALICE, m.Spawn, *fields) == "too-many"
    crowd.step(30)
    assert len(crowd[BOB].entities) == MAX_ALWAYS_RELEVANT_PER_PEER
    one = crowd.ask(m.Spawned, BOB, m.Spawn, *fields).entity
    assert crowd.refused(BOB, m.SetMaster, one, ALICE) == "too-many"
    crowd.check_agreement()


def test_who_is_given_something_far_away_is_told_of_it_and_loses_sight_of_it_with_the_ownership(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(2000))
    crowd.step(30)
    assert ball not in crowd[BOB].entities
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    assert crowd[BOB].entities[ball].owner == BOB
    crowd.step(30)
    assert ball in crowd[BOB].entities
    crowd.ask(m.Granted, BOB, m.Release, ball)
    crowd.step(40)
    assert ball not in crowd[BOB].entities
    crowd.check_agreement()


def test_an_id_that_left_somebodys_sight_is_not_given_again_before_they_have_applied_that() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    crowd.join(BOB)
    viewer = crowd.spawn(BOB, kind="avatar", state=place(0))
    ball = crowd.spawn(ALICE, state=place(0))
    crowd.step(30)
    crowd.auto = False
    crowd.scene.world.set_parent(viewer, 0, 0, place(2000), crowd.tick)
    for _ in range(30):
        crowd.tick += 1
        crowd.now += 1 / 60
        crowd.room.advance(crowd.tick, crowd.now)
        crowd.flush()
        crowd.deliver_down(ALICE)
    crowd.say(ALICE, m.Despawn, ball, "reparent")
    crowd.deliver_up(ALICE)
    crowd.say(ALICE, m.Spawn, *a_spawn())
    crowd.deliver_up(ALICE)
    crowd.deliver_down(ALICE)
    assert ball not in crowd[ALICE].entities
    assert len(crowd[ALICE].entities) == 1
    crowd.auto = True
    crowd.step(30)
    assert crowd.spawn(ALICE) == ball


def test_a_tree_too_large_for_a_group_comes_in_several_and_ends_nobody(crowd: Crowd) -> None:
    viewer = crowd.spawn(BOB, kind="avatar", state=place(900))
    crowd.step(40)
    tram = crowd.spawn(ALICE, state=place(0))
    for rider in range(300):
        crowd.spawn(ALICE, parent=tram, state=place_in(1), properties={"text": "x" * 4000})
        if rider % 50 == 0:
            crowd.step(20)
    crowd.step(40)
    assert tram not in crowd[BOB].entities
    crowd.scene.world.set_parent(viewer, 0, 0, place(1), crowd.tick)
    in_flight = []
    for _ in range(200):
        crowd.step()
        in_flight.append(crowd.scene.sessions[BOB].snapshot.in_flight_bytes)
    assert crowd[BOB].over is None
    assert max(in_flight) < 3 * SNAPSHOT_IN_FLIGHT_BYTES
    assert len(crowd[BOB].entities) == 302
    crowd.check_agreement()


def test_who_looked_from_what_is_gone_looks_on_from_there_and_not_from_what_gets_its_id(crowd: Crowd) -> None:
    near = crowd.spawn(ALICE, state=place(0))
    viewer = crowd.spawn(BOB, kind="avatar", state=place(0))
    crowd.step(40)
    crowd.ask(m.Despawned, BOB, m.Despawn, viewer, "reparent")
    crowd.step(40)
    assert crowd.spawn(ALICE, state=place(3000)) == viewer, "the id is used again"
    crowd.step(40)
    assert set(crowd[BOB].entities) == {near}


def test_commands_that_reach_many_entities_are_not_to_be_had_for_the_price_of_one(crowd: Crowd) -> None:
    tram = crowd.spawn(ALICE)
    for rider in range(400):
        crowd.spawn(ALICE, parent=tram, state=place_in(1))
        if rider % 100 == 0:
            crowd.step(60)
    crowd.wait(6.0, ALICE, BOB)
    number = crowd.say(ALICE, m.Group, [part(m.Assign, tram, peer, True) for peer in (BOB, ALICE) * 60])
    told = crowd[ALICE].answers[number]
    assert len(told) == 120
    refused = {answer.reason for answer in told if isinstance(answer, m.Refused)}
    assert refused == {"rate"}
    assert crowd.owner_epoch(tram)[1] < 45, "a burst of 2000, 51 for each change of 401 entities"
    assert crowd[ALICE].over is crowd[BOB].over is None
    crowd.check_agreement()


def test_in_a_crowd_what_appears_waits_for_the_next_look(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "MAX_IN_SIGHT", 10)
    monkeypatch.setattr(interest, "MAX_IN_SIGHT", 10)
    for _ in range(30):
        crowd.spawn(ALICE, state=place(5))
    crowd.step(60)
    assert len(crowd[BOB].entities) == 10
