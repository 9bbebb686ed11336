"""Silence, absence, return, and having left (docs/PROTOCOL.md sections 6 and 7)."""

from typing import Any

import pytest

from soiree.wire import messages as m
from tests.relay.crowd import Crowd
from tests.relay.honest import place, place_in

ALICE, BOB, CAROL = 2, 3, 4
"""Alice spawns the things: she is their master, and their owner at first."""


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB, CAROL):
        crowd.join(peer)
    return crowd


def asked(crowd: Crowd, ball: int, peer: int) -> tuple[int, m.Ask]:
    """`peer` requests; its number, and what the master is asked."""
    number = crowd.say(peer, m.Request, ball, crowd.entity(ball).epoch, "may I?")
    ask = crowd[crowd.entity(ball).master].heard[-1]
    assert isinstance(ask, m.Ask)
    return number, ask


# Silence, absence, return


def given_to_bob(crowd: Crowd, **fields: Any) -> int:
    ball = crowd.spawn(ALICE, **fields)
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    return ball


def test_silence_lapses_to_the_master_and_only_then(crowd: Crowd) -> None:
    ball, own = given_to_bob(crowd), crowd.spawn(BOB)
    crowd.wait(4.9, ALICE, CAROL)
    assert crowd.owner_epoch(ball) == (BOB, 2)
    crowd.wait(0.2, ALICE, CAROL)
    assert crowd.owner_epoch(ball) == (ALICE, 3)
    assert crowd.owner_epoch(own) == (BOB, 1)
    told = crowd[CAROL].heard[-1]
    assert isinstance(told, m.Granted)
    assert told.cause == "lapse"


def test_what_a_silent_peer_is_given_lapses_too(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    crowd.wait(6, ALICE, CAROL)
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    crowd.wait(0.1, ALICE, CAROL)
    assert crowd.owner_epoch(ball) == (ALICE, 3)
    crowd.wait(0.1, ALICE, BOB, CAROL)
    assert crowd.owner_epoch(ball) == (BOB, 4)


def test_a_peer_that_is_heard_again_owns_again_what_was_not_given_on(crowd: Crowd) -> None:
    kept, taken = given_to_bob(crowd, rule="allow"), given_to_bob(crowd, rule="allow")
    crowd.wait(6, ALICE, CAROL)
    crowd.ask(m.Granted, CAROL, m.Request, taken, 3, "")
    crowd.wait(0.1, ALICE, BOB, CAROL)
    assert crowd.owner_epoch(kept) == (BOB, 4)
    assert crowd.owner_epoch(taken) == (CAROL, 4)
    granted = next(told for told in reversed(crowd[ALICE].heard) if isinstance(told, m.Granted))
    assert (granted.entity, granted.cause) == (kept, "resume")
    crowd.check_agreement()


def test_what_was_given_on_and_came_back_to_the_master_is_not_given_back(crowd: Crowd) -> None:
    ball = given_to_bob(crowd, rule="allow")
    crowd.wait(6, ALICE, CAROL)
    crowd.ask(m.Granted, CAROL, m.Request, ball, 3, "")
    crowd.ask(m.Granted, CAROL, m.Release, ball)
    crowd.wait(0.1, ALICE, BOB, CAROL)
    assert crowd.owner_epoch(ball) == (ALICE, 5)


@pytest.mark.parametrize("fresh", [False, True])
def test_who_comes_back_before_it_has_left_is_master_still_and_owner_again(crowd: Crowd, fresh: bool) -> None:
    ball, own = given_to_bob(crowd), crowd.spawn(BOB)
    crowd.cut(BOB)
    crowd.wait(29, ALICE, CAROL)
    assert crowd.owner_epoch(ball) == (ALICE, 3)
    crowd.connect(BOB, fresh=fresh)
    assert crowd.owner_epoch(ball) == (BOB, 4)
    assert (crowd.entity(own).owner, crowd.entity(own).master) == (BOB, BOB)
    crowd.check_agreement()


# Having left


def leave(crowd: Crowd, peer: int) -> None:
    assert crowd.room.kick(peer, "", crowd.now)
    crowd.after()


def test_what_a_peer_that_has_left_owned_goes_to_the_master(crowd: Crowd) -> None:
    ball = given_to_bob(crowd)
    leave(crowd, BOB)
    assert crowd.owner_epoch(ball) == (ALICE, 3)
    granted, left = crowd[CAROL].heard[-2:]
    assert isinstance(granted, m.Granted)
    assert granted.cause == "left"
    assert isinstance(left, m.PeerLeft)


def test_with_master_goes_with_its_master_and_others_things_stay(crowd: Crowd) -> None:
    car = crowd.spawn(ALICE, state=place(5))
    rider = crowd.spawn(BOB, parent=car, state=place_in(1))
    leave(crowd, ALICE)
    assert car not in crowd[BOB].entities
    assert crowd[BOB].entities[rider].parent == 0
    told = next(told for told in crowd[BOB].heard if isinstance(told, m.Despawned))
    assert (told.entity, told.reason) == (car, "left")
    crowd.check_agreement()


def test_with_master_goes_even_while_somebody_else_owns_it(crowd: Crowd) -> None:
    ball = given_to_bob(crowd)
    leave(crowd, ALICE)
    assert ball not in crowd[BOB].entities


def test_with_room_goes_to_the_longest_present_and_owners_stay_owners(crowd: Crowd) -> None:
    lamp, ball = crowd.spawn(CAROL, lifetime="with-room"), crowd.spawn(CAROL, lifetime="with-room")
    crowd.ask(m.Granted, CAROL, m.Assign, ball, BOB, False)
    leave(crowd, CAROL)
    assert (crowd.entity(lamp).master, crowd.owner_epoch(lamp)) == (ALICE, (ALICE, 2))
    assert (crowd.entity(ball).master, crowd.owner_epoch(ball)) == (ALICE, (BOB, 2))
    causes = [told.cause for told in crowd[BOB].heard if isinstance(told, m.Granted) and told.entity == lamp]
    assert causes == ["adopt"]
    crowd.check_agreement()


def test_with_room_waits_in_an_empty_room_for_the_next_to_come(crowd: Crowd) -> None:
    lamp = crowd.spawn(CAROL, lifetime="with-room")
    for peer in (ALICE, BOB, CAROL):
        leave(crowd, peer)
    assert (crowd.entity(lamp).master, crowd.owner_epoch(lamp)) == (0, (0, 2))
    dave = crowd.join(5)
    assert dave.entities[lamp].master == dave.entities[lamp].owner == 5


def test_persistent_waits_for_the_same_identity() -> None:
    crowd = Crowd()
    crowd.join(ALICE, subject="alice")
    crowd.join(BOB, subject="bob")
    sign = crowd.spawn(ALICE, lifetime="persistent", rule="ask")
    leave(crowd, ALICE)
    seen = crowd[BOB].entities[sign]
    assert (seen.master, seen.owner, seen.rule) == (0, 0, "ask")
    assert crowd.refused(BOB, m.Request, sign, 2, "") == "no-master"
    crowd.join(CAROL, subject="carol")
    assert crowd.entity(sign).master == 0
    crowd.join(9, subject="alice")
    assert (crowd.entity(sign).master, crowd.owner_epoch(sign)) == (9, (9, 3))
    granted = next(told for told in reversed(crowd[BOB].heard) if isinstance(told, m.Granted))
    assert granted.cause == "adopt"
    crowd.check_agreement()


def test_persistent_comes_back_without_its_owner_when_somebody_has_it() -> None:
    crowd = Crowd()
    crowd.join(ALICE, subject="alice")
    crowd.join(BOB, subject="bob")
    ball = crowd.spawn(ALICE, lifetime="persistent", rule="allow")
    leave(crowd, ALICE)
    crowd.ask(m.Granted, BOB, m.Request, ball, 2, "")
    crowd.join(9, subject="alice")
    assert (crowd.entity(ball).master, crowd.owner_epoch(ball)) == (9, (BOB, 3))


def test_persistent_passes_to_another_session_of_the_same_identity() -> None:
    crowd = Crowd()
    crowd.join(ALICE, subject="alice")
    crowd.join(BOB, subject="alice")
    sign = crowd.spawn(ALICE, lifetime="persistent")
    leave(crowd, ALICE)
    assert (crowd.entity(sign).master, crowd.entity(sign).owner) == (BOB, BOB)


def test_nobody_without_an_identity_adopts_what_nobody_with_one_left() -> None:
    crowd = Crowd()
    crowd.join(ALICE)
    sign = crowd.spawn(ALICE, lifetime="persistent")
    leave(crowd, ALICE)
    crowd.join(BOB)
    assert (crowd.entity(sign).master, crowd.entity(sign).owner) == (0, 0)


def test_whom_a_peer_asked_owes_it_nothing_once_it_has_left(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    _, ask = asked(crowd, ball, BOB)
    leave(crowd, BOB)
    assert crowd.refused(ALICE, m.Answer, ask.ticket, True) == "unknown-ticket"
    assert len(crowd.scene.asks) == 0
