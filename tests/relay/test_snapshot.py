"""What a peer must still be told of: order, pace, and nothing early (docs/PROTOCOL.md section 4)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from relay.config import RoomConfig
from relay.outputs import Left, SendControl
from relay.snapshot import Snapshot
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import SNAPSHOT_IN_FLIGHT_BYTES
from tests.relay.crowd import Crowd
from tests.relay.honest import place, place_in, raw

ALICE, BOB = 2, 3
LARGEST_SPAWNED = 5000
"""More than any `spawned` has: 4096 B of properties, 400 B of state."""


def told(crowd: Crowd, peer: int) -> list[int]:
    return [message.entity for message in crowd[peer].heard if isinstance(message, m.Spawned)]


# The queue


def order_of(snapshot: Snapshot) -> list[int]:
    order = []
    while (entity := snapshot.next()) is not None:
        order.append(entity)
        snapshot.drop(entity)
    return order


def test_what_is_needed_is_told_before_what_is_seen_each_in_its_order() -> None:
    snapshot = Snapshot()
    snapshot.see([5, 3, 9])
    snapshot.need(7)
    snapshot.need(3)
    snapshot.glimpse(8)
    snapshot.glimpse(7)
    assert len(snapshot) == 5
    assert {entity for entity in range(10) if entity in snapshot} == {3, 5, 7, 8, 9}
    assert {entity for entity in range(10) if snapshot.is_own(entity)} == {3, 7}
    assert order_of(snapshot) == [7, 3, 5, 9, 8]


def test_what_is_no_longer_seen_is_not_told_but_what_is_needed_is() -> None:
    snapshot = Snapshot()
    snapshot.need(1)
    snapshot.see([2, 3])
    snapshot.see([3, 4])
    assert order_of(snapshot) == [1, 3, 4]


@given(st.lists(st.integers(1, LARGEST_SPAWNED), max_size=60), st.data())
def test_no_more_is_under_way_than_the_bound_and_one_message(sizes: list[int], data: st.DataObject) -> None:
    snapshot = Snapshot()
    snapshot.see(range(1, len(sizes) + 1))
    sent = applied = 0
    while applied < len(sizes):
        while (entity := snapshot.next()) is not None:
            snapshot.drop(entity)
            sent += 1
            snapshot.sent(sent, sizes[sent - 1])
        assert snapshot.in_flight_bytes == sum(sizes[applied:sent]) < SNAPSHOT_IN_FLIGHT_BYTES + LARGEST_SPAWNED
        assert sent == len(sizes) or snapshot.in_flight_bytes >= SNAPSHOT_IN_FLIGHT_BYTES
        applied = data.draw(st.integers(applied + 1, sent))
        snapshot.on_applied(applied)


# In a room


def test_parents_come_first_then_the_nearest() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    far = crowd.spawn(ALICE, state=place(50))
    near = crowd.spawn(ALICE, state=place(1))
    rider_of_far = crowd.spawn(ALICE, parent=far, state=place_in(-20))
    middle = crowd.spawn(ALICE, state=place(20))
    crowd.join(BOB)
    assert told(crowd, BOB) == [near, middle, far, rider_of_far]


def test_nearness_is_measured_from_the_avatar_and_ones_own_comes_first() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    crowd.join(BOB)
    avatar = crowd.spawn(BOB, kind="avatar", state=place(50))
    things = [crowd.spawn(ALICE, state=place(x)) for x in (0, 30, 60)]
    own = crowd.spawn(BOB, state=place(0))
    crowd.connect(BOB, fresh=True)
    assert told(crowd, BOB) == [avatar, own, things[2], things[1], things[0]]


def test_a_rider_is_told_after_what_it_rides_in_though_it_is_older() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    rider = crowd.spawn(ALICE, state=place(0))
    car = crowd.spawn(ALICE, state=place(40))
    crowd.ask(m.ParentSet, ALICE, m.SetParent, rider, car, place_in(1), None)
    crowd.join(BOB)
    assert told(crowd, BOB) == [car, rider]
    crowd.check_agreement()


def stocked(count: int = 100) -> tuple[Crowd, list[int]]:
    """A room with so much in it that it cannot be told at once, a metre apart; Bob has just come, and applied nothing of it."""
    crowd = Crowd()
    crowd.join(ALICE)
    things = [crowd.spawn(ALICE, state=place(x / 2), properties={"text": "x" * 1000}) for x in range(count)]
    crowd.join(BOB)
    return crowd, things


def test_the_pace_is_that_of_applying() -> None:
    crowd, things = stocked()
    first = len(told(crowd, BOB))
    assert SNAPSHOT_IN_FLIGHT_BYTES // 1300 <= first <= SNAPSHOT_IN_FLIGHT_BYTES // 1000 + 1
    crowd.wait(1, ALICE)
    assert len(told(crowd, BOB)) == first
    crowd.step()
    assert first < len(told(crowd, BOB)) <= 2 * first + 1
    crowd.step(20)
    assert told(crowd, BOB) == things
    crowd.check_agreement()


def test_changes_before_the_telling_are_contained_in_it() -> None:
    crowd, things = stocked()
    last = things[-1]
    crowd.ask(m.RuleSet, ALICE, m.SetRule, last, "deny", 3000, "allow")
    crowd.ask(m.PropertiesSet, ALICE, m.SetProperties, last, {"text": "short"})
    gone = things[-2]
    crowd.ask(m.Despawned, ALICE, m.Despawn, gone, "reparent")
    mentioned = [message for message in crowd[BOB].heard if getattr(message, "entity", 0) in (last, gone)]
    assert not mentioned
    crowd.step(20)
    assert gone not in told(crowd, BOB)
    assert len(crowd[BOB].heard) == len(things) - 1 + 2
    crowd.check_agreement()


def test_an_event_about_an_untold_entity_brings_its_spawned_and_its_parents_forward() -> None:
    crowd, things = stocked()
    rider = things[-1]
    crowd.ask(m.ParentSet, ALICE, m.SetParent, rider, things[-2], place_in(0), None)
    crowd.say(ALICE, m.SendEvent, "look", raw(1), 0, rider, None)
    car, then, event = crowd[BOB].heard[-3:]
    assert [getattr(message, "entity", 0) for message in (car, then, event)] == [things[-2], rider, rider]
    assert isinstance(event, m.Event)
    crowd.step(20)
    assert len(told(crowd, BOB)) == len(things)


def test_an_untold_parent_is_told_before_a_known_child_is_attached_to_it() -> None:
    crowd, things = stocked()
    crowd.ask(m.ParentSet, ALICE, m.SetParent, things[0], things[-1], place_in(0), None)
    spawned, attached = crowd[BOB].heard[-2:]
    assert isinstance(spawned, m.Spawned)
    assert isinstance(attached, m.ParentSet)
    assert spawned.entity == attached.parent == things[-1]


def test_what_one_is_given_is_told_before_the_rest() -> None:
    crowd, things = stocked()
    before = len(told(crowd, BOB))
    crowd.ask(m.Granted, ALICE, m.Assign, things[-1], BOB, False)
    assert told(crowd, BOB)[before:] == [things[-1]]
    assert crowd[BOB].entities[things[-1]].owner == BOB
    crowd.step(20)
    crowd.check_agreement()


def test_a_command_about_what_one_was_not_told_of_is_refused() -> None:
    crowd, things = stocked()
    assert crowd.refused(BOB, m.Request, things[-1], 1, "") == "unknown-entity"


def test_ones_own_spawned_does_not_wait_for_the_rest() -> None:
    crowd, things = stocked()
    own = crowd.spawn(BOB)
    assert told(crowd, BOB)[-1] == own
    assert len(told(crowd, BOB)) < len(things)


def test_an_id_is_used_again_only_when_everybody_told_has_applied_the_despawn() -> None:
    crowd = Crowd()
    for peer in (ALICE, BOB, 4, 5):
        crowd.join(peer)
    ball = crowd.spawn(ALICE)
    for peer in (4, 5):
        crowd.cut(peer)
    crowd.ask(m.Despawned, ALICE, m.Despawn, ball, "reparent")
    crowd.step()
    assert crowd.spawn(ALICE) != ball, "two have not applied it"
    crowd.connect(4, fresh=True)
    assert crowd.spawn(ALICE) != ball, "one has not applied it"
    assert crowd.room.kick(5, "", crowd.now)
    crowd.after()
    assert crowd.spawn(ALICE) == ball


def test_a_peer_for_whom_there_is_no_memory_left_goes_and_the_others_stay() -> None:
    replication = replace(RoomConfig().replication, max_pairs=6)
    crowd = Crowd(RoomConfig(replication=replication))
    crowd.join(ALICE)
    for _ in range(4):
        crowd.spawn(ALICE)
    crowd.join(BOB)
    assert Left(BOB, "backlog") in crowd.events
    assert crowd[ALICE].over is None
    crowd.check_agreement()


def test_nothing_is_told_twice_or_early_however_the_order_of_carrying() -> None:
    crowd, things = stocked(30)
    crowd.auto = False
    crowd.connect(BOB)
    outputs = crowd.room.drain()
    assert not [
        o for o in outputs if isinstance(o, SendControl) and isinstance(control.decode_from_relay(o.payload), m.Spawned)
    ]
    crowd.auto = True
    crowd.step(20)
    assert sorted(told(crowd, BOB)) == things
