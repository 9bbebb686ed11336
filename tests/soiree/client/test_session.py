"""Sessions against a real relay room over a simulated link."""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from party.bots.agreement import differences
from soiree.client import changes as ch
from soiree.client.errors import RefusedError, RoomClosedError
from soiree.client.placement import placed_bytes
from soiree.client.session import DOUBT_S, MALFORMED_LIMIT, Phase
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES
from soiree.wire.quantise import IDENTITY
from soiree.wire.records import Pose, PosePart, Transform
from tests.soiree.client.back_to_back import Guest, Party


def event(number: int) -> tuple[str, msgspec.Raw, int, int, None]:
    return ("count", msgspec.Raw(msgspec.msgpack.encode(number)), 0, 0, None)


def numbers(guest: Guest, sender: Guest) -> list[int]:
    return [change.payload for change in guest.told if isinstance(change, ch.Event) and change.peer == sender.peer]


def agree(party: Party) -> None:
    assert differences({guest.peer: guest.accounts() for guest in party.guests}) == []


def test_what_one_spawns_and_moves_the_other_sees() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    n = alice.spawn((1.0, 2.0, 3.0))
    party.run(0.2)
    ball = alice.spawned(n)
    assert ball.mine
    assert ball.mastered
    ball.set((4.0, 2.0, 3.0), velocity=(1.0, 0.0, 0.0))
    ball.set_props(b"spin")
    party.run(0.5)
    seen = bob.entities[ball.id]
    assert not seen.mine
    assert seen.position == pytest.approx((4.0, 2.0, 3.0), abs=0.005)
    assert seen.velocity == pytest.approx((1.0, 0.0, 0.0), abs=0.1)
    assert f" at ({', '.join(f'{metres:.2f}' for metres in seen.position)}) owner={ball.owner} " in repr(seen)
    assert seen.props == b"spin"
    agree(party)
    assert len(alice.session.state.upward) == 0, "everything is acknowledged"


def test_peers_hear_of_each_other_and_of_their_leaving() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    assert set(alice.session.world.peers) == set(bob.session.world.peers) == {alice.peer, bob.peer}
    bob.session.leave("bye")
    bob.pump()
    party.run(0.2)
    assert [type(change) for change in alice.told if isinstance(change, ch.Left)] == [ch.Left]
    assert set(alice.session.world.peers) == {alice.peer}
    with pytest.raises(RoomClosedError):
        bob.say(m.Budget, 0)


def test_ownership_moves_and_only_the_owner_may_set() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    n = alice.spawn()
    party.run(0.2)
    ball, seen = alice.spawned(n), bob.entities[alice.spawned(n).id]
    with pytest.raises(RefusedError) as refused:
        seen.set((1, 1, 1))
    assert (refused.value.reason, refused.value.owner) == ("not-owner", alice.peer)
    asked = bob.say(m.Request, seen.id, seen.epoch, "")
    party.run(0.2)
    assert isinstance(bob.answers[asked], m.Granted)
    assert seen.mine
    assert ball.owner == bob.peer
    seen.set((7, 0, 0))
    party.run(0.5)
    assert ball.position == pytest.approx((7, 0, 0), abs=0.005)
    stale = alice.say(m.Request, ball.id, ball.epoch - 1, "")
    party.run(0.2)
    answer = alice.answers[stale]
    assert isinstance(answer, m.Refused)
    assert (answer.reason, answer.owner, answer.epoch) == ("stale", bob.peer, seen.epoch)


def test_a_master_is_asked_and_its_answer_decides() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    n = alice.spawn(rule="ask")
    party.run(0.2)
    box = bob.entities[alice.spawned(n).id]
    denied = bob.say(m.Request, box.id, box.epoch, "please")
    party.run(0.2)
    ask = next(change for change in alice.told if isinstance(change, ch.Asked))
    assert (ask.entity.id, ask.peer, ask.note) == (box.id, bob.peer, "please")
    ask.deny()
    alice.pump()
    party.run(0.2)
    assert isinstance(bob.answers[denied], m.Refused)
    allowed = bob.say(m.Request, box.id, box.epoch, "")
    party.run(0.2)
    [change for change in alice.told if isinstance(change, ch.Asked)][-1].allow()
    alice.pump()
    party.run(0.2)
    assert isinstance(bob.answers[allowed], m.Granted)


def test_a_passenger_is_seen_where_it_sits() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    car, rider = alice.spawn((100, 0, 0)), alice.spawn((101, 0, 0))
    party.run(0.2)
    parent, child = alice.spawned(car), alice.spawned(rider)
    n = alice.say(m.SetParent, child.id, parent.id, placed_bytes(Transform((1, 0, 0)), upright=False, child=True), None)
    party.run(0.2)
    assert isinstance(alice.answers[n], m.ParentSet)
    parent.set((110, 0, 0))
    child.set((0, 2, 0))
    party.run(0.5)
    seen = bob.entities[child.id]
    assert seen.parent == parent.id
    assert seen.position == pytest.approx((0, 2, 0), abs=0.002)
    assert seen.world_transform().position == pytest.approx((110, 2, 0), abs=0.01)
    agree(party)


def test_messages_survive_a_lost_connection_once_and_in_order() -> None:
    party = Party(2, seed=3, delay_s=(0.0, 0.05))
    alice, bob = party.guests
    party.run(0.5)
    for number in range(300):
        alice.say(m.SendEvent, *event(number))
        if number % 50 == 25:
            alice.lose()
        if number % 50 == 40:
            alice.connect()
        if number % 70 == 35:
            bob.lose()
            bob.connect()
        party.run(1 / 60)
    party.run(1.0)
    assert numbers(bob, alice) == list(range(300))
    assert numbers(alice, alice) == list(range(300))
    assert alice.broken == bob.broken == []


def test_a_client_that_lost_its_memory_is_told_everything_anew() -> None:
    party = Party()
    alice, bob = party.guests
    party.run(0.2)
    n = alice.spawn((1, 0, 0))
    party.run(0.2)
    ball = alice.spawned(n)
    ball.set((5, 0, 0))
    party.run(0.5)
    reborn = Guest(party, alice.peer)
    reborn.connection = alice.connection + 1
    alice.lose()
    party.guests[0] = reborn
    reborn.connection = alice.connection
    reborn.connect()
    party.run(0.5)
    again = reborn.entities[ball.id]
    assert again.mine
    again.set((9, 0, 0))
    party.run(0.5)
    assert bob.entities[ball.id].position == pytest.approx((9, 0, 0), abs=0.005)
    agree(party)


def test_a_late_joiner_ends_equal_to_those_before() -> None:
    party = Party(2, seed=5, loss=0.2, delay_s=(0.01, 0.08))
    alice, _ = party.guests
    party.run(0.5)
    for guest in party.guests:
        guest.say(m.View, 100.0, 0.0, 100.0, 500.0)
    spawned = [alice.spawn((x, 0, x), relevance="near") for x in range(200)]
    party.run(2.0)
    for n in spawned[::2]:
        alice.spawned(n).set((n, 1, n))
    carol = party.join(9)
    carol.say(m.View, 100.0, 0.0, 100.0, 500.0)
    party.run(3.0)
    assert len(carol.entities) == 200
    agree(party)


def test_a_teleport_is_marked_until_it_has_arrived() -> None:
    party = Party(2, seed=1)
    alice, bob = party.guests
    party.run(0.2)
    n = alice.spawn((0, 0, 0))
    party.run(0.2)
    ball = alice.spawned(n)
    party.loss = 1.0
    ball.set((5000, 0, 0), teleport=True)
    party.run(0.1)
    ball.set((5001, 0, 0), velocity=(1, 0, 0))
    party.run(0.1)
    ball.set((5002, 0, 0))
    party.run(0.1)
    party.loss = 0.0
    party.run(1.0)
    assert bob.entities[ball.id].position == pytest.approx((5002, 0, 0), abs=0.005), (
        "else the relay would take it for speed"
    )
    agree(party)


def test_a_backlog_ends_the_session() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    alice.lose()
    for number in range(MAX_UNAPPLIED_MESSAGES):
        alice.say(m.Release, number + 1)
    with pytest.raises(RoomClosedError) as closed:
        alice.say(m.Release, 1)
    assert closed.value.reason == "backlog"
    assert alice.session.phase is Phase.ENDED


def test_a_gap_breaks_the_connection_and_the_next_one_heals_it() -> None:
    party = Party(2)
    alice, bob = party.guests
    party.run(0.2)
    alice.session.control(control.encode(m.PeerLeft(99, bob.peer, "bye")), party.now)
    alice.pump()
    assert alice.broken == ["protocol"]
    alice.lose()
    alice.connect()
    bob.say(m.SendEvent, *event(1))
    party.run(0.2)
    assert numbers(alice, bob) == [1]


def test_a_hello_given_up_that_arrives_after_all_is_come_back_from_and_a_later_superseded_is_not() -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.2)
    superseded = control.encode(m.Error(0, "superseded", ""))
    alice.lose()
    alice.connect()
    alice.lose()
    alice.connect()
    party.run(0.2)
    assert alice.session.phase is Phase.LIVE
    alice.session.control(superseded, party.now)
    alice.pump()
    assert (alice.broken, alice.ended) == (["superseded"], None)
    alice.lose()
    alice.connect()
    party.run(DOUBT_S + 0.2)
    alice.session.control(superseded, party.now)
    alice.pump()
    assert alice.ended is not None
    assert alice.ended.reason == "superseded"


@given(st.binary(max_size=80))
def test_garbage_from_the_relay_never_raises(payload: bytes) -> None:
    party = Party(1)
    alice = party.guests[0]
    party.run(0.1)
    alice.session.control(payload, party.now)
    for _ in range(MALFORMED_LIMIT):
        alice.session.frame(payload, party.now)
    alice.session.drain()


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(0, 0.4), st.floats(0, 0.15))
def test_all_views_agree_after_any_play(seed: int, loss: float, delay_s: float) -> None:
    """Three guests spawn, move, grab, let go, ride and lose their connections; when all is still, all see the same."""
    party = Party(3, seed=seed, loss=loss, delay_s=(0.0, delay_s))
    random = Random(seed)
    party.run(0.5)
    for number in range(60):
        guest = random.choice(party.guests)
        _act(guest, random, number)
        party.run(random.choice((0, 1 / 60, 0.1)))
    for guest in party.guests:
        if guest.session.phase is Phase.OFFLINE:
            guest.connect()
    party.loss = min(loss, 0.1)
    party.run(4.0)
    agree(party)
    for guest in party.guests:
        assert guest.broken == []
        assert guest.ended is None
        for sender in party.guests:
            heard = numbers(guest, sender)
            assert heard == sorted(set(heard)), "once and in order"
    assert len({tuple(numbers(guest, party.guests[0])) for guest in party.guests}) == 1


def _act(guest: Guest, random: Random, number: int) -> None:
    mine = [entity for entity in guest.entities.values() if entity.mine]
    others = [entity for entity in guest.entities.values() if not entity.mine]
    what = random.randrange(10)
    if what == 0 and len(guest.entities) < 12:
        guest.spawn((random.uniform(-50, 50), 0, 0))
    elif what in (1, 2, 3) and mine:
        entity = random.choice(mine)
        x, y, z = entity.position
        reach_m = random.choice((1, 1, 20)) if entity.parent else random.choice((1, 1, 1000))
        x, z = (0.5 * here + random.uniform(-0.5, 0.5) * reach_m for here in (x, z))
        entity.set((x, y, z), velocity=(random.choice((0, 1)), 0, 0))
    elif what == 4 and mine and random.random() < 0.3:
        entity, parent = random.choice(mine), random.choice([None, *guest.entities.values()])
        state = placed_bytes(Transform((random.random(), 0, 0)), upright=False, child=parent is not None)
        guest.say(m.SetParent, entity.id, parent.id if parent else 0, state, None)
    elif what == 4 and mine and random.random() < 0.3:
        random.choice(mine).set_pose(Pose(PosePart((0, random.random(), 0), IDENTITY), None, None))
    elif what == 4 and mine:
        random.choice(mine).set_props(random.randbytes(random.randrange(20)))
    elif what == 5 and others:
        entity = random.choice(others)
        guest.say(m.Request, entity.id, entity.epoch, "")
    elif what == 6 and mine:
        guest.say(m.Release, random.choice(mine).id)
    elif what == 7 and mine:
        guest.say(m.SetProperties, random.choice(mine).id, {random.choice("abc"): random.choice((None, number))})
    elif what == 8:
        guest.say(m.SendEvent, *event(number))
    elif guest.session.phase is Phase.OFFLINE:
        guest.connect()
    elif random.random() < 0.5:
        guest.lose()
