"""The two streams together: whose state is taken, and who gets it when (docs/PROTOCOL.md section 5.3)."""

import pytest

from soiree.wire import messages as m
from soiree.wire.state import FrameType
from tests.relay.crowd import Crowd, Link
from tests.relay.honest import place, place_in

ALICE, BOB = 2, 3


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB):
        crowd.join(peer)
    return crowd


def x_of(crowd: Crowd, entity: int) -> float:
    return round(crowd.scene.world.position_m(entity)[0], 1)


def write(crowd: Crowd, peer: int, entity: int, x: float) -> bytes:
    return crowd[peer].write(crowd.tick, entity, x)


def test_the_owner_is_believed_and_everybody_sees_it(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    crowd.take([(ALICE, write(crowd, ALICE, ball, 5.0))])
    assert x_of(crowd, ball) == 5.0
    crowd.step(10)
    assert crowd[BOB].entities[ball].state == crowd[ALICE].entities[ball].state


def test_a_former_owner_is_not_believed(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    late = write(crowd, ALICE, ball, 5.0)
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    crowd.take([(ALICE, late)])
    assert x_of(crowd, ball) == 1.0
    assert crowd.drops == {"not-owner": 2}


def test_what_an_owner_wrote_when_it_owned_the_thing_before_is_not_believed_now(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    late = write(crowd, ALICE, ball, 5.0)
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    crowd.take([(BOB, write(crowd, BOB, ball, 9.0))])
    crowd.ask(m.Granted, BOB, m.Release, ball)
    crowd.take([(ALICE, late)])
    assert x_of(crowd, ball) == 9.0
    assert crowd.drops == {"fence": 2}
    crowd.take([(ALICE, write(crowd, ALICE, ball, 7.0))])
    assert x_of(crowd, ball) == 7.0


def test_what_was_written_in_another_frame_of_reference_is_not_believed(crowd: Crowd) -> None:
    car, ball = crowd.spawn(ALICE, state=place(10)), crowd.spawn(ALICE, state=place(1))
    outside = write(crowd, ALICE, ball, 5.0)
    crowd.ask(m.ParentSet, ALICE, m.SetParent, ball, car, place_in(2), None)
    crowd.take([(ALICE, outside)])
    assert x_of(crowd, ball) == 12.0
    inside = write(crowd, ALICE, ball, 3.0)
    crowd.ask(m.ParentSet, ALICE, m.SetParent, ball, 0, place(20), None)
    crowd.ask(m.ParentSet, ALICE, m.SetParent, ball, car, place_in(4), None)
    crowd.take([(ALICE, inside)])
    assert x_of(crowd, ball) == 14.0


def test_after_a_reload_the_owner_is_believed_once_it_was_told_anew(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    crowd.auto = False
    crowd[ALICE].forget()
    crowd.links[ALICE] = Link()
    crowd.room.attach(ALICE, crowd[ALICE].hello(), crowd.now)
    crowd.flush()
    eager = crowd[ALICE].frame(crowd.tick)
    crowd.take([(ALICE, eager)])
    crowd.auto = True
    crowd.deliver_all()
    assert crowd[ALICE].entities[ball].owner == ALICE
    crowd.take([(ALICE, write(crowd, ALICE, ball, 5.0))])
    assert x_of(crowd, ball) == 5.0
    assert not crowd.drops


def test_no_state_goes_out_before_spawned_is_applied(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    crowd.auto = False
    bob = crowd.links[BOB]
    assert bob is not None
    second = crowd.say(ALICE, m.Spawn, "ball", place(2), "allow", "with-master", {}, 0, "allow", None)
    crowd.deliver_up(ALICE)
    crowd.deliver_down(ALICE)
    other = crowd.answer(ALICE, second)
    assert isinstance(other, m.Spawned)
    for tick in range(30):
        crowd.take([(ALICE, write(crowd, ALICE, entity, tick / 10)) for entity in (ball, other.entity)])
        crowd.step()
    assert ball in crowd[BOB].entities
    assert crowd[BOB].entities[ball].applied_tick
    assert other.entity not in crowd[BOB].entities
    crowd.deliver_down(BOB)
    crowd.step(20)
    assert crowd[BOB].entities[other.entity].state == crowd[ALICE].entities[other.entity].state


def test_a_peer_without_a_connection_is_sent_nothing_and_converges_when_it_is_back(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    crowd.cut(BOB)
    crowd.take([(ALICE, write(crowd, ALICE, ball, 5.0))])
    crowd.room.advance(crowd.tick + 1, crowd.now)
    assert {peer for peer, _ in crowd.room.pack(crowd.now)} <= {ALICE}
    crowd.connect(BOB)
    crowd.step(20)
    assert crowd[BOB].entities[ball].state == crowd[ALICE].entities[ball].state


def test_a_frame_that_was_not_sent_is_sent_again(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, state=place(1))
    crowd.step(5)
    crowd.take([(ALICE, write(crowd, ALICE, ball, 5.0))])
    lost = 0
    for _ in range(5):
        crowd.tick, crowd.now = crowd.tick + 1, crowd.now + 1 / 60
        crowd.room.advance(crowd.tick, crowd.now)
        for peer, frame in crowd.room.pack(crowd.now):
            assert frame[0] == FrameType.STATE
            crowd.room.dropped(peer, frame)
            lost += peer == BOB
    assert lost
    crowd.step(30)
    assert crowd[BOB].entities[ball].state == crowd[ALICE].entities[ball].state
