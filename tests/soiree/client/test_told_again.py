"""What the relay acknowledged and dropped is told again: all end with the owner's last state (docs/PROTOCOL.md section 5.3)."""

from dataclasses import replace

import pytest

from relay.world import TELEPORT_BURST
from soiree.client import changes as ch
from soiree.client.entity import Entity
from soiree.client.placement import placed_bytes
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.quantise import IDENTITY
from soiree.wire.records import Pose, PosePart, Transform
from tests.soiree.client.back_to_back import SPEC, Guest, Party
from tests.soiree.client.test_session import agree


def play(
    seed: int = 0, loss: float = 0.0, delay_s: tuple[float, float] = (0.0, 0.0)
) -> tuple[Party, Guest, Guest, Entity]:
    """Alice, who owns a ball that everybody knows, and Bob."""
    party = Party(2, seed=seed, loss=loss, delay_s=delay_s)
    alice, bob = party.guests
    party.run(0.3)
    number = alice.spawn()
    party.run(0.5)
    return party, alice, bob, alice.spawned(number)


def refusals(guest: Guest) -> list[ch.Refused]:
    return [change for change in guest.told if isinstance(change, ch.Refused)]


def test_a_jump_that_its_owner_did_not_mark_is_taken_at_once() -> None:
    party, alice, bob, ball = play()
    for x in (5000.0, 5001.0, -700.0):
        ball.set((x, 0.0, 0.0))
        party.run(0.3)
        assert bob.entities[ball.id].position[0] == pytest.approx(x, abs=0.005)
    assert refusals(alice) == []


def test_what_keeps_below_the_limit_is_never_marked() -> None:
    party, _, bob, ball = play()
    for step in range(60):
        ball.set((step * 1.5, 0.0, 0.0), velocity=(90.0, 0.0, 0.0))
        party.run(1 / 60)
        assert not bob.entities[ball.id].transform.teleport
    ball.set((90.0, 0.0, 0.0))
    party.run(0.5)
    agree(party)


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("jump_m", [30.0, 5000.0])
def test_a_refused_move_is_told_again_as_a_jump_though_the_owner_rests(jump_m: float, loss: float) -> None:
    party, alice, bob, ball = play(seed=3, loss=loss, delay_s=(0.0, 0.08))
    party.room.change(replace(SPEC, max_speed_m_s=1.0))  # the client has heard of 100 m/s in its welcome
    party.run(0.1)
    ball.set((10.0, 0.0, 0.0))
    party.run(2.0)
    assert bob.entities[ball.id].position[0] == pytest.approx(10.0, abs=0.005)
    assert {(told.entity, told.reason) for told in refusals(alice)} == {(ball, "speed")}
    ball.set((10.0 + jump_m, 0.0, 0.0))
    party.run(2.0)
    agree(party)
    assert len(alice.session.state.upward) == 0
    assert refusals(bob) == []


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize(("loss", "delay_s"), [(0.0, 0.0), (0.2, 0.1)])
def test_more_jumps_than_the_relay_takes_end_with_the_last(upright: bool, loss: float, delay_s: float) -> None:
    party, alice, bob, ball = play(seed=4, loss=loss, delay_s=(0.0, delay_s))
    number = bob.spawn()
    party.run(0.5)
    busy = bob.spawned(number)
    for step in range(60):
        if step < 5 * TELEPORT_BURST:
            ball.set((-1000.0 * step, 5.0, 0.0), upright=upright)
        busy.set(
            (0.1 * step, 0.0, 0.0)
        )  # keeps frames coming, and with them acknowledgements: nothing is repeated for want of one
        party.run(0.05)
    last = ball.position
    party.run(0.5)
    assert refusals(alice), "else this tries nothing"
    assert bob.entities[ball.id].position == pytest.approx(last, abs=0.005)
    agree(party)


def test_a_refusal_of_what_is_ours_no_more_writes_nothing() -> None:
    party, alice, bob, ball = play()
    granted = bob.say(m.Request, ball.id, ball.epoch, "")
    party.run(0.2)
    assert isinstance(bob.answers[granted], m.Granted)
    before = alice.session.state.upward.records_sent
    alice.session.control(_refused(alice, ball), party.now)
    party.run(0.5)
    assert alice.session.state.upward.records_sent == before


def test_a_far_change_of_parent_counts_as_a_jump() -> None:
    party, alice, _, ball = play()
    answers = []
    for jump in range(TELEPORT_BURST + 1):
        state = placed_bytes(Transform((1000.0 * (jump + 1), 0.0, 0.0)), upright=False, child=False)
        number = alice.say(m.SetParent, ball.id, 0, state, None)
        party.run(1 / 60)
        answers.append(alice.answers[number])
    assert [isinstance(answer, m.ParentSet) for answer in answers] == [True] * TELEPORT_BURST + [False]
    assert isinstance(answers[-1], m.Refused)
    assert answers[-1].reason == "speed"
    party.run(0.5)
    agree(party)


def test_what_is_assigned_to_its_owner_keeps_what_was_written() -> None:
    party, alice, bob, ball = play()
    party.loss = 1.0
    ball.set((7.0, 0.0, 0.0))
    ball.set_props(b"seven")
    alice.say(m.Assign, ball.id, alice.peer, False)
    party.run(0.2)
    party.loss = 0.0
    party.run(0.5)
    assert bob.entities[ball.id].props == b"seven"
    assert bob.entities[ball.id].position[0] == pytest.approx(7.0, abs=0.005)
    agree(party)


def test_pose_and_props_written_while_the_parent_changes_are_not_lost() -> None:
    party, alice, bob, ball = play()
    number = bob.spawn()
    party.run(0.2)
    ball.set_pose(Pose(PosePart((0.0, 1.0, 0.0), IDENTITY), None, None))
    party.run(0.5)
    state = placed_bytes(Transform((1.0, 0.0, 0.0)), upright=False, child=True)
    alice.say(m.SetParent, ball.id, bob.spawned(number).id, state, None)
    party.delay_s = (0.5, 0.5)
    party.deliver()  # the answer is under way for so long
    party.delay_s = (0.0, 0.0)
    ball.set_pose(Pose(PosePart((0.0, 2.0, 0.0), IDENTITY), None, None))
    ball.set_props(b"sitting")
    party.run(0.4)
    assert (ball.parent, len(alice.session.state.upward)) == (0, 0), "all acknowledged, and dropped"
    party.run(1.0)
    seen = bob.entities[ball.id]
    assert seen.pose is not None
    assert seen.pose.head is not None
    assert seen.pose.head.position[1] == pytest.approx(2.0, abs=0.001)
    assert seen.props == b"sitting"
    agree(party)


def _refused(guest: Guest, ball: Entity) -> bytes:
    """The next numbered message that the guest could hear: a refusal of its move."""
    number = guest.session._inbox.applied + 1
    return control.encode(m.Refused(number, 0, ball.id, "speed", ball.owner, ball.epoch))
