"""The table of docs/PROTOCOL.md section 7, row by row."""

from typing import Any

import pytest

from soiree.wire import messages as m
from soiree.wire.limits import MAX_PENDING_ASKS
from tests.relay.crowd import Crowd
from tests.relay.honest import a_spawn, place, place_in, raw

ALICE, BOB, CAROL = 2, 3, 4
"""Alice spawns the things: she is their master, and their owner at first."""


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB, CAROL):
        crowd.join(peer)
    return crowd


def set_rule(crowd: Crowd, ball: int, rule: str, fallback: str | None = None, timeout_ms: int = 2000) -> None:
    assert crowd.ask(m.RuleSet, ALICE, m.SetRule, ball, rule, timeout_ms, fallback).rule == rule


# Requests


def test_a_request_under_allow_is_granted_and_everybody_is_told(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="allow")
    granted = crowd.ask(m.Granted, BOB, m.Request, ball, 1, "mine")
    assert (granted.owner, granted.epoch, granted.cause) == (BOB, 2, "request")
    told = crowd[CAROL].heard[-1]
    assert told == m.Granted(told.n, 0, ball, BOB, 2, granted.tick, "request")
    crowd.check_agreement()


def test_a_request_that_names_an_old_epoch_is_stale_and_says_who_has_it(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="allow")
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    refused = crowd.ask(m.Refused, CAROL, m.Request, ball, 1, "")
    assert (refused.reason, refused.entity, refused.owner, refused.epoch) == ("stale", ball, BOB, 2)
    assert crowd.ask(m.Granted, CAROL, m.Request, ball, 2, "").epoch == 3


def test_of_two_who_grab_one_ball_at_once_one_gets_it_a_thousand_times(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="allow")
    for round_number in range(1000):
        first, second = (BOB, CAROL) if round_number % 2 else (CAROL, BOB)
        if crowd.entity(ball).owner in (first, second):
            crowd.ask(m.Granted, ALICE, m.Assign, ball, ALICE, False)
        epoch = crowd.entity(ball).epoch
        assert crowd[first].entities[ball].epoch == crowd[second].entities[ball].epoch == epoch
        crowd.auto = False
        numbers = [(peer, crowd.say(peer, m.Request, ball, epoch, "")) for peer in (first, second)]
        crowd.auto = True
        crowd.deliver_up(first)
        crowd.deliver_all()
        granted, stale = (crowd.answer(peer, number) for peer, number in numbers)
        assert isinstance(granted, m.Granted)
        assert isinstance(stale, m.Refused)
        assert (stale.reason, stale.owner, stale.epoch) == ("stale", first, epoch + 1)
        assert crowd[first].entities[ball].owner == crowd[second].entities[ball].owner == first
        crowd.wait(0.05, ALICE, BOB, CAROL)


def test_a_request_under_deny_is_refused(crowd: Crowd) -> None:
    assert crowd.refused(BOB, m.Request, crowd.spawn(ALICE, rule="deny"), 1, "") == "rule"


def test_the_owner_cannot_request_what_it_has(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    assert crowd.refused(ALICE, m.Request, ball, 1, "") == "owner"


@pytest.mark.parametrize("rule", ["allow", "ask", "deny"])
def test_the_master_is_granted_whatever_the_rule(crowd: Crowd, rule: str) -> None:
    ball = crowd.spawn(ALICE, rule=rule)
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    assert crowd.ask(m.Granted, ALICE, m.Request, ball, 2, "").owner == ALICE


# Rule `ask`


def asked(crowd: Crowd, ball: int, peer: int) -> tuple[int, m.Ask]:
    """`peer` requests; its number, and what the master is asked."""
    number = crowd.say(peer, m.Request, ball, crowd.entity(ball).epoch, "may I?")
    ask = crowd[crowd.entity(ball).master].heard[-1]
    assert isinstance(ask, m.Ask)
    return number, ask


def test_the_master_is_asked_and_allows(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, ask = asked(crowd, ball, BOB)
    assert (ask.entity, ask.peer, ask.note, ask.timeout_ms) == (ball, BOB, "may I?", 2000)
    assert not crowd[BOB].answers[number]
    crowd.ask(m.Done, ALICE, m.Answer, ask.ticket, True)
    granted = crowd.answer(BOB, number)
    assert isinstance(granted, m.Granted)
    assert (granted.owner, granted.epoch, granted.cause) == (BOB, 2, "answer")


def test_the_master_is_asked_and_denies(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, ask = asked(crowd, ball, BOB)
    crowd.ask(m.Done, ALICE, m.Answer, ask.ticket, False)
    refused = crowd.answer(BOB, number)
    assert isinstance(refused, m.Refused)
    assert (refused.reason, refused.owner, refused.epoch) == ("denied", ALICE, 1)


def test_without_an_answer_in_time_the_request_is_refused(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    set_rule(crowd, ball, "ask", timeout_ms=700)
    number, ask = asked(crowd, ball, BOB)
    assert ask.timeout_ms == 700
    crowd.wait(0.6, ALICE, BOB, CAROL)
    assert not crowd[BOB].answers[number]
    crowd.wait(0.2, ALICE, BOB, CAROL)
    refused = crowd.answer(BOB, number)
    assert isinstance(refused, m.Refused)
    assert refused.reason == "timeout"
    assert crowd.refused(ALICE, m.Answer, ask.ticket, True) == "unknown-ticket"


@pytest.mark.parametrize(
    ("fallback", "outcome"), [(None, "no-master"), ("ask", "no-master"), ("deny", "rule"), ("allow", "granted")]
)
def test_while_the_master_is_away_the_fallback_decides(crowd: Crowd, fallback: str | None, outcome: str) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    set_rule(crowd, ball, "ask", fallback)
    crowd.cut(ALICE)
    answer = crowd.answer(BOB, crowd.say(BOB, m.Request, ball, 1, ""))
    assert outcome == (answer.reason if isinstance(answer, m.Refused) else "granted")


def test_an_entity_waits_for_a_bounded_number_of_answers() -> None:
    crowd = Crowd()
    peers = range(2, 2 + MAX_PENDING_ASKS + 2)
    for peer in peers:
        crowd.join(peer)
    ball = crowd.spawn(2, rule="ask")
    for peer in peers[1 : 1 + MAX_PENDING_ASKS]:
        asked(crowd, ball, peer)
    assert crowd.refused(peers[-1], m.Request, ball, 1, "") == "busy"
    assert len(crowd.scene.asks) == MAX_PENDING_ASKS


def test_a_peer_waits_for_one_answer_at_a_time(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    asked(crowd, ball, BOB)
    assert crowd.refused(BOB, m.Request, ball, 1, "please!") == "busy"


def test_a_grant_makes_the_other_requests_stale(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    bobs, ask = asked(crowd, ball, BOB)
    carols, _ = asked(crowd, ball, CAROL)
    crowd.ask(m.Done, ALICE, m.Answer, ask.ticket, True)
    assert isinstance(crowd.answer(BOB, bobs), m.Granted)
    refused = crowd.answer(CAROL, carols)
    assert isinstance(refused, m.Refused)
    assert (refused.reason, refused.owner, refused.epoch) == ("stale", BOB, 2)


def test_an_assignment_answers_the_request_of_the_one_who_gets_it(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, _ = asked(crowd, ball, BOB)
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    granted = crowd.answer(BOB, number)
    assert isinstance(granted, m.Granted)
    assert granted.cause == "assign"


def test_who_asks_again_and_is_granted_hears_that_the_older_request_is_stale(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, _ = asked(crowd, ball, BOB)
    set_rule(crowd, ball, "allow")
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    refused = crowd.answer(BOB, number)
    assert isinstance(refused, m.Refused)
    assert (refused.reason, refused.owner, refused.epoch) == ("stale", BOB, 2)


def test_a_new_master_is_asked_what_the_old_one_left_open(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, ask = asked(crowd, ball, BOB)
    crowd.ask(m.MasterSet, ALICE, m.SetMaster, ball, CAROL)
    assert crowd[CAROL].asked[ask.ticket].peer == BOB
    assert crowd.refused(ALICE, m.Answer, ask.ticket, True) == "unknown-ticket"
    crowd.ask(m.Done, CAROL, m.Answer, ask.ticket, True)
    assert isinstance(crowd.answer(BOB, number), m.Granted)


def test_who_becomes_master_gets_what_it_asked_for_and_the_others_are_stale(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    carols, _ = asked(crowd, ball, CAROL)
    bobs, _ = asked(crowd, ball, BOB)
    crowd.ask(m.MasterSet, ALICE, m.SetMaster, ball, CAROL)
    assert isinstance(crowd.answer(CAROL, carols), m.Granted)
    stale = crowd.answer(BOB, bobs)
    assert isinstance(stale, m.Refused)
    assert (stale.reason, stale.owner) == ("stale", CAROL)


def test_an_answer_belongs_to_the_master_alone(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    _, ask = asked(crowd, ball, BOB)
    assert crowd.refused(BOB, m.Answer, ask.ticket, True) == "unknown-ticket"
    assert crowd.refused(ALICE, m.Answer, ask.ticket + 1, True) == "unknown-ticket"


def test_a_despawn_refuses_who_waits(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number, _ = asked(crowd, ball, BOB)
    crowd.ask(m.Despawned, ALICE, m.Despawn, ball, "reparent")
    refused = crowd.answer(BOB, number)
    assert isinstance(refused, m.Refused)
    assert refused.reason == "unknown-entity"


# Assign, release, and what only master or owner may


@pytest.mark.parametrize("rule", ["allow", "ask", "deny"])
def test_the_master_assigns_to_anybody_whatever_the_rule(crowd: Crowd, rule: str) -> None:
    ball = crowd.spawn(ALICE, rule=rule)
    granted = crowd.ask(m.Granted, ALICE, m.Assign, ball, CAROL, False)
    assert (granted.owner, granted.epoch, granted.cause) == (CAROL, 2, "assign")
    assert crowd[BOB].entities[ball].owner == CAROL


def test_assigning_to_the_owner_changes_nothing(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    told = len(crowd[BOB].heard)
    granted = crowd.ask(m.Granted, ALICE, m.Assign, ball, ALICE, False)
    assert (granted.owner, granted.epoch) == (ALICE, 1)
    assert len(crowd[BOB].heard) == told


def test_a_subtree_goes_along_as_far_as_the_sender_is_its_master(crowd: Crowd) -> None:
    car = crowd.spawn(ALICE)
    seat = crowd.spawn(ALICE, parent=car, state=place_in(1))
    rider = crowd.spawn(BOB, parent=seat, state=place_in(0))
    hat = crowd.spawn(ALICE, parent=rider, state=place_in(0))
    granted = crowd.ask(m.Granted, ALICE, m.Assign, car, CAROL, True)
    assert granted.entity == car
    assert [crowd.entity(e).owner for e in (car, seat, rider, hat)] == [CAROL, CAROL, BOB, CAROL]
    crowd.check_agreement()


def test_without_subtree_the_passengers_keep_their_owner(crowd: Crowd) -> None:
    car = crowd.spawn(ALICE)
    seat = crowd.spawn(ALICE, parent=car, state=place_in(1))
    crowd.ask(m.Granted, ALICE, m.Assign, car, CAROL, False)
    assert crowd.entity(seat).owner == ALICE


def test_the_owner_releases_to_the_master(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    crowd.ask(m.Granted, ALICE, m.Assign, ball, BOB, False)
    granted = crowd.ask(m.Granted, BOB, m.Release, ball)
    assert (granted.owner, granted.epoch, granted.cause) == (ALICE, 3, "release")


def test_the_master_cannot_release_to_itself(crowd: Crowd) -> None:
    assert crowd.refused(ALICE, m.Release, crowd.spawn(ALICE)) == "owner"


def test_without_a_master_there_is_nobody_to_release_to(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, lifetime="persistent")
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    assert crowd.room.kick(ALICE, "", crowd.now)
    crowd.after()
    assert crowd.refused(BOB, m.Release, ball) == "no-master"


@pytest.mark.parametrize(
    ("message", "fields", "reason"),
    [
        (m.Release, (), "not-owner"),
        (m.SetProperties, ({"a": 1},), "not-owner"),
        (m.SetParent, (0, place(0), None), "not-owner"),
        (m.Assign, (BOB, False), "not-master"),
        (m.SetRule, ("deny", 2000, None), "not-master"),
        (m.SetMaster, (BOB,), "not-master"),
        (m.SetLifetime, ("with-room",), "not-master"),
        (m.SetAttachRule, ("deny",), "not-master"),
        (m.Despawn, ("reparent",), "not-master"),
    ],
)
def test_who_is_not_owner_or_master_is_refused(
    crowd: Crowd, message: type[m.Message], fields: tuple[Any, ...], reason: str
) -> None:
    ball = crowd.spawn(ALICE)
    refused = crowd.ask(m.Refused, BOB, message, ball, *fields)
    assert (refused.reason, refused.entity, refused.owner, refused.epoch) == (reason, ball, ALICE, 1)
    crowd.check_agreement()


@pytest.mark.parametrize(
    ("message", "fields", "reason"),
    [
        (m.Request, (99, 1, ""), "unknown-entity"),
        (m.Assign, (99, BOB, False), "unknown-entity"),
        (m.Release, (99,), "unknown-entity"),
        (m.SetRule, (99, "deny", 2000, None), "unknown-entity"),
        (m.SetMaster, (99, BOB), "unknown-entity"),
        (m.SetLifetime, (99, "with-room"), "unknown-entity"),
        (m.SetAttachRule, (99, "deny"), "unknown-entity"),
        (m.SetProperties, (99, {}), "unknown-entity"),
        (m.SetParent, (99, 0, place(0), None), "unknown-entity"),
        (m.SetParent, (1, 99, place_in(0), None), "unknown-entity"),
        (m.Spawn, a_spawn(state=place_in(0), parent=99), "unknown-entity"),
        (m.Despawn, (99, "along"), "unknown-entity"),
        (m.SendEvent, ("ping", raw(1), 0, 99, None), "unknown-entity"),
        (m.SendEvent, ("ping", raw(1), 99, 0, None), "unknown-peer"),
        (m.SendData, (99, b""), "unknown-peer"),
        (m.Assign, (1, 99, False), "unknown-peer"),
        (m.SetMaster, (1, 99), "unknown-peer"),
        (m.Answer, (1, True), "unknown-ticket"),
    ],
)
def test_what_is_not_there_is_refused_by_name(
    crowd: Crowd, message: type[m.Message], fields: tuple[Any, ...], reason: str
) -> None:
    assert crowd.spawn(ALICE) == 1
    assert crowd.refused(ALICE, message, *fields) == reason


# Conditions


@pytest.mark.parametrize("epoch", [0, 1, 3])
def test_a_condition_that_does_not_hold_is_stale(crowd: Crowd, epoch: int) -> None:
    gun = crowd.spawn(ALICE)
    crowd.ask(m.Granted, ALICE, m.Assign, gun, BOB, False)
    condition = m.Condition(gun, epoch)
    spawn = a_spawn(condition=condition)
    refused = crowd.ask(m.Refused, BOB, m.Spawn, *spawn)
    assert (refused.reason, refused.entity, refused.owner, refused.epoch) == ("stale", gun, BOB, 2)
    assert crowd.refused(BOB, m.SendEvent, "bang", raw(None), 0, 0, condition) == "stale"
    bobs = crowd.spawn(BOB)
    assert crowd.refused(BOB, m.SetParent, bobs, gun, place_in(0), condition) == "stale"


def test_of_two_who_fire_one_gun_one_fires(crowd: Crowd) -> None:
    gun = crowd.spawn(ALICE)
    bullet = crowd.spawn(ALICE, kind="bullet", condition=m.Condition(gun, 1))
    assert bullet in crowd[BOB].entities
    crowd.ask(m.Granted, BOB, m.Request, gun, 1, "")
    spawn = a_spawn(condition=m.Condition(gun, 1))
    assert crowd.refused(ALICE, m.Spawn, *spawn) == "stale"


def test_a_condition_on_what_is_gone_is_stale(crowd: Crowd) -> None:
    assert crowd.refused(ALICE, m.SendEvent, "bang", raw(None), 0, 0, m.Condition(9, 1)) == "stale"
