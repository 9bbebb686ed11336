"""Groups: one message, applied as one on both sides; each command in it with its own outcome."""

import asyncio

import msgspec
import pytest

from soiree.client import changes as ch
from soiree.client.entity import Entity
from soiree.client.errors import GoneError, RefusedError, RoomClosedError
from soiree.client.group import Group
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import MAX_CONTROL_BYTES, MAX_GROUP_MESSAGES
from tests.soiree.client.back_to_back import Guest, Party


async def commit(party: Party, group: Group) -> list[Entity | None]:
    committing = asyncio.ensure_future(group.commit())
    await asyncio.sleep(0)
    party.run(0.3)
    async with asyncio.timeout(1):
        return await committing


def raw(message: m.Message) -> msgspec.Raw:
    return msgspec.Raw(control.encode(message))


async def test_a_car_its_cabin_and_who_rides_in_it_are_spawned_as_one() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    group = alice.group()
    car = group.spawn("vehicle", (10, 0, 5), velocity=(3, 0, 0), upright=True)
    cabin = group.spawn("cabin", (0, 1, 0), parent=car, properties={"seats": 4})
    group.spawn("rider", (0.5, 0, 0), parent=cabin, upright=True)
    group.send_event("honk", "beep")
    assert len(group) == 4
    vehicle, inside, rider, nothing = await commit(party, group)
    assert vehicle is not None
    assert inside is not None
    assert rider is not None
    assert nothing is None
    assert (car.entity, cabin.entity) == (vehicle, inside)
    assert [entity.upright for entity in (vehicle, inside, rider)] == [True, False, True]
    assert (inside.parent, rider.parent) == (vehicle.id, inside.id)
    assert vehicle.velocity == pytest.approx((3, 0, 0), abs=0.1)
    seen = bob.entities[rider.id]
    assert seen.world_transform().position == pytest.approx((10.5, 1, 5), abs=0.01)
    assert [change.payload for change in bob.told if isinstance(change, ch.Event)] == ["beep"]


async def test_every_command_can_be_in_a_group() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    one, two, three, four = [alice.spawn((x, 0, 0)) for x in range(4)]
    party.run(0.2)
    ball, box, lamp, gone = (alice.spawned(number) for number in (one, two, three, four))
    group = alice.group()
    group.set_rule(ball, "deny")
    group.set_lifetime(ball, "persistent")
    group.set_attach_rule(ball, "allow")
    group.set_properties(ball, {"red": True})
    tray = group.spawn("tray", (1, 0, 1))
    group.set_parent(box, tray, (0, 0.5, 0))
    group.set_parent(lamp, ball)
    group.assign(ball, bob.peer)
    group.set_master(lamp, bob.peer)
    group.release(box)
    group.despawn(gone)
    with pytest.raises(RefusedError) as refused:
        await commit(party, group)
    outcomes = refused.value.outcomes
    assert [index for index, outcome in enumerate(outcomes) if isinstance(outcome, RefusedError)] == [9]
    assert (refused.value.reason, outcomes[9]) == ("owner", refused.value), (
        "what one is the master of one cannot release"
    )
    seen = bob.entities[ball.id]
    assert (seen.rule, seen.lifetime, seen.attach_rule, seen.properties) == (
        "deny",
        "persistent",
        "allow",
        {"red": True},
    )
    assert seen.mine
    assert tray.entity is not None
    assert bob.entities[box.id].parent == tray.entity.id
    assert bob.entities[lamp.id].world_transform().position == pytest.approx((2, 0, 0), abs=0.01)
    assert bob.entities[lamp.id].mastered
    assert gone.id not in bob.entities


async def test_what_rides_in_a_refused_spawn_is_refused_and_the_rest_is_done() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    theirs = bob.spawn()
    party.run(0.2)
    group = alice.group()
    refused_car = group.spawn(
        "vehicle", parent=alice.entities[bob.spawned(theirs).id], only_if=alice.entities[bob.spawned(theirs).id]
    )
    group.spawn("rider", parent=refused_car)
    free = group.spawn("ball")
    with pytest.raises(RefusedError) as refused:
        await commit(party, group)
    assert [getattr(outcome, "reason", None) for outcome in refused.value.outcomes] == ["stale", "unknown-entity", None]
    assert refused_car.entity is None
    assert free.entity is not None
    assert free.entity.mine


async def test_answers_of_a_long_group_come_in_several() -> None:
    """What is told of 200 spawned things is longer than one message."""
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    group = alice.group()
    for number in range(200):
        group.spawn("ball", (number % 10, 0, number // 10))
    spawned = await commit(party, group)
    assert len({entity.id for entity in spawned if entity}) == 200
    party.run(0.5)
    assert set(bob.entities) == set(alice.entities)


async def test_past_the_rate_a_group_is_refused_as_a_whole() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    groups = []
    for _ in range(10):
        group = alice.group()
        for _ in range(MAX_GROUP_MESSAGES):
            group.send_event("tick")
        groups.append(asyncio.ensure_future(group.commit()))
    await asyncio.sleep(0)
    party.run(0.3)
    done = await asyncio.gather(*groups, return_exceptions=True)
    refused = [error for error in done if isinstance(error, RefusedError)]
    assert refused
    assert {(error.reason, tuple(error.outcomes)) for error in refused} == {("rate", ())}


def test_what_the_relay_tells_together_is_told_when_all_of_it_is_there() -> None:
    """The car and its rider: when the car is told, the rider is in the table already."""
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    ball = alice.spawn()
    party.run(0.2)
    spawned = alice.answers[ball]
    assert isinstance(spawned, m.Spawned)
    number = bob.session._inbox.applied + 1
    together = [
        m.Spawned(0, 0, *msgspec.structs.astuple(spawned)[2:]),
        m.PropertiesSet(0, 0, spawned.entity, {"a": 1}),
        m.Despawned(0, 0, spawned.entity, "sight"),
    ]
    bob.session.drain()
    bob.session.control(control.encode(m.Group(number, [raw(message) for message in together])), party.now)
    first, second, third = bob.session.drain()
    assert isinstance(first, ch.Spawned)
    assert isinstance(second, ch.PropertiesChanged)
    assert isinstance(third, ch.Despawned)
    assert (first.entity.gone, first.entity.properties) == ("sight", {"a": 1})
    assert bob.session._inbox.applied == number


def test_a_group_that_cannot_be_read_breaks_the_connection_and_nothing_of_it_is_applied() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    number = alice.session._inbox.applied + 1
    group = m.Group(
        number,
        [
            raw(m.PeerLeft(0, alice.peer, "bye")),
            raw(m.Spawn(0, "x", bytes(28), "ask", "with-room", {}, 0, "allow", None)),
        ],
    )
    alice.session.control(control.encode(group), party.now)
    alice.pump()
    assert alice.broken == ["protocol"]
    assert alice.peer in alice.session.world.peers
    assert alice.session._inbox.applied == number - 1


def test_a_message_of_a_group_that_is_not_known_is_passed_over() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    number = alice.session._inbox.applied + 1
    known = raw(m.PeerJoined(0, 77, "Ada", False))
    alice.session.control(control.encode(m.Group(number, [msgspec.Raw(b"\x93\x7f\x00\x01"), known])), party.now)
    assert alice.session.world.peers[77].name == "Ada"


async def test_misuse_is_told_at_once() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    ball = alice.spawn()
    party.run(0.2)
    group, other = alice.group(), alice.group()
    unborn = other.spawn("vehicle")
    with pytest.raises(ValueError, match="another group"):
        group.spawn("rider", parent=unborn)
    with pytest.raises(ValueError, match="position"):
        other.set_parent(alice.spawned(ball), unborn)
    with pytest.raises(ValueError, match="finite"):
        group.spawn("ball", (float("nan"), 0, 0))
    with pytest.raises(ValueError, match="plain data"):
        group.send_event("x", object())
    assert await group.commit() == []
    with pytest.raises(ValueError, match="committed before"):
        group.spawn("ball")
    with pytest.raises(ValueError, match="committed before"):
        await group.commit()


async def test_its_bounds_are_told() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    many = alice.group()
    for _ in range(MAX_GROUP_MESSAGES):
        many.send_event("tick")
    with pytest.raises(ValueError, match=str(MAX_GROUP_MESSAGES)):
        many.send_event("tick")
    long = alice.group()
    for _ in range(3):
        long.send_event("book", "x" * (MAX_CONTROL_BYTES // 3))
    with pytest.raises(ValueError, match=f"{MAX_CONTROL_BYTES} at most"):
        await long.commit()


async def test_the_end_of_the_session_ends_the_waiting() -> None:
    party = Party(1)
    alice: Guest = party.guests[0]
    party.run(0.2)
    group = alice.group()
    group.spawn("ball")
    committing = asyncio.ensure_future(group.commit())
    await asyncio.sleep(0)
    alice.waiting.fail(RoomClosedError("kicked"))
    with pytest.raises(RoomClosedError):
        await committing
    with pytest.raises(RoomClosedError):
        await alice.waiting.wait(99)


async def test_what_is_gone_cannot_be_put_into_a_group() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    number = alice.spawn()
    party.run(0.2)
    ball = alice.spawned(number)
    alice.say(m.Despawn, ball.id, "along")
    party.run(0.2)
    for wrong in (alice.group().release, alice.group().despawn):
        with pytest.raises(GoneError):
            wrong(ball)
    with pytest.raises(GoneError):
        alice.group().spawn("rider", parent=ball)


async def test_the_id_of_what_is_gone_stands_for_nothing_though_another_has_it_now() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    number = alice.spawn()
    party.run(0.2)
    gun = alice.spawned(number)
    alice.say(m.Despawn, gun.id, "along")
    party.run(0.5)
    number = alice.spawn()
    party.run(0.2)
    hat = alice.spawned(number)
    assert (hat.id, hat.epoch) == (gun.id, gun.epoch), "ids are given again"
    group = alice.group()
    with pytest.raises(RefusedError, match="stale"):
        group.spawn("bullet", only_if=gun)
    with pytest.raises(RefusedError, match="stale"):
        group.set_parent(hat, None, only_if=gun)
    with pytest.raises(GoneError):
        group.send_event("hit", entity=gun)
    with pytest.raises(GoneError):
        group.set_parent(hat, gun, (0, 0, 0))
    with pytest.raises(GoneError):
        await hat.set_parent(gun, (0, 0, 0))
    assert len(group) == 0
    group.spawn("bullet", only_if=hat)
