"""Which records are taken: against the slow reference, and each reason by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import compiled
from relay.replication import Replication, ReplicationConfig
from relay.world import World
from soiree.wire.records import Base
from soiree.wire.state import TELEPORT, Section, Slot
from tests.relay.records import frame, move, placed, placed_child, rest
from tests.relay.reference import ReferenceRelay, Thing

pytestmark = pytest.mark.usefixtures("both_cores")
SPEED = 30.0
START = 70_000
"""A tick whose low 16 bits have been round once."""
FENCE = 65_534
ALICE, BOB = 2, 3


def scene() -> tuple[Replication, ReferenceRelay]:
    """Entities 1 and 2 are Alice's (2 rides in 1, attached 7 times), 3 Bob's, 4 nobody's."""
    world = World()
    replication = Replication(world, ReplicationConfig(max_speed_m_s=SPEED))
    reference = ReferenceRelay(SPEED)
    for peer in (ALICE, BOB):
        replication.join(peer, 0.0)
        replication.on_applied(peer, FENCE - 2)
        reference.applied[peer] = FENCE - 2
    for entity, owner, fence in ((1, ALICE, FENCE), (2, ALICE, FENCE + 3), (3, BOB, 5), (4, 0, 0)):
        child = entity == 2
        world.add(entity, placed_child() if child else placed(), START, 1 if child else 0, 7 if child else 0)
        world.set_owner(entity, owner, fence, START)
        reference.things[entity] = Thing(owner, fence, (0, 0, 0), START, child, 7 if child else 0)
    return replication, reference


bits16 = st.integers(0, 0xFFFF)
places = st.builds(
    lambda entity, cells, x, z, y: (
        (entity | cells << 24).to_bytes(4, "little") + b"".join(v.to_bytes(2, "little") for v in (x, z, y))
    ),
    st.integers(1, 5),
    st.sampled_from([0x00, 0x00, 0x10, 0x01, 0x0F, 0xF0, 0x88]),
    st.one_of(st.integers(0, 3000), bits16),
    st.one_of(st.integers(0, 3000), bits16),
    st.one_of(st.integers(0, 300), bits16),
)
ages = st.sampled_from([0, 0, 1, 5, 127, TELEPORT, TELEPORT | 3]).map(lambda age: bytes((age,)))
speeds = st.sampled_from([b"\0\0\0", b"\0\0\0", b"\x05\0\0", b"\0\0\xff"])
moves = st.builds(lambda p, v, a: (Section.MOVE, p + b"\1\2\3\4" + v + a), places, speeds, ages)
fars = st.builds(lambda p, v, a: (Section.FAR, p + b"\1\2\3\4" + v + a), places, speeds, ages)
rests = st.builds(lambda p: (Section.REST, p + b"\1\2\3\4"), places)
uprights = st.builds(lambda p, v, a: (Section.UPRIGHT, p + b"\1\2" + v[1:] + a), places, speeds, ages)
children = st.builds(
    lambda attach, p, v, a: (Section.CHILD, b"\2\0\0" + bytes((attach,)) + p[4:] + b"\1\2\3\4" + v + a),
    st.sampled_from([7, 7, 7, 6]),
    places,
    speeds,
    ages,
)
poses = st.builds(lambda p, n: (Section.POSE, p[:4] + bytes((n,)) * 30), places, st.integers(0, 255))
props = st.builds(lambda p, data: (Section.PROPS, p[:3] + bytes((len(data),)) + data), places, st.binary(max_size=20))
bases = st.sampled_from([Base(0, 0, 0), Base(2, -3, 500), Base(2**31 - 1, -(2**31), -(2**31)), Base(-8, 7, 40_000)])


@st.composite
def frames(draw: st.DrawFn, tick: int) -> tuple[int, bytes]:
    records = draw(st.lists(st.one_of(moves, moves, rests, uprights, children, poses, props, fars), max_size=14))
    parts = [(kind, [r for k, r in records if k is kind]) for kind in sorted({k for k, _ in records} - {Section.PROPS})]
    if tail := [r for k, r in records if k is Section.PROPS]:
        parts.append((Section.PROPS, tail))
    payload = frame(
        draw(st.integers(65_500, 65_600)),
        tick - draw(st.sampled_from([0, 0, 1, 2, 6, 60, 500, -3])),
        *parts,
        base=draw(bases) if draw(st.integers(0, 3)) == 0 else Base(0, 0, 0),
        applied=FENCE + draw(st.integers(-2, 5)),
    )
    if draw(st.integers(0, 19)) == 0:
        payload = payload[: draw(st.integers(0, len(payload)))]
    return draw(st.sampled_from([ALICE, ALICE, BOB])), payload


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_same_records_are_taken_as_by_the_slow_reference(data: st.DataObject) -> None:
    replication, reference = scene()
    taken = 0
    tick = START
    for _ in range(data.draw(st.integers(1, 4), "batches")):
        tick += data.draw(st.integers(1, 40), "ticks")
        batch = data.draw(st.lists(frames(tick), max_size=8), "frames")
        told = replication.ingest(batch, tick, tick / 60)
        reference.drops.clear()
        reference.ingest(batch, tick)
        taken += told.accepted
        assert dict(told.drops) == dict(reference.drops)
        assert taken == reference.accepted
    for entity, thing in reference.things.items():
        if not thing.child:
            row = replication.world.row(entity)
            assert tuple(replication.world.position[row].tolist()) == thing.position
        for slot, octets in thing.records.items():
            assert replication.world.record(entity, slot) == octets


def take(replication: Replication, peer: int, tick: int, payload: bytes) -> dict[str, int]:
    told = replication.ingest([(peer, payload)], tick, tick / 60)
    return {**told.drops, "accepted": told.accepted}


def test_each_drop_has_its_reason() -> None:
    replication, _ = scene()
    say = [
        (ALICE, frame(0, START, (Section.MOVE, [move(9, (0, 0, 0))]), applied=FENCE), "unknown-entity"),
        (ALICE, frame(1, START, (Section.MOVE, [move(3, (0, 0, 0))]), applied=FENCE), "not-owner"),
        (ALICE, frame(2, START, (Section.MOVE, [move(1, (0, 0, 0))]), applied=FENCE - 1), "fence"),
        (ALICE, frame(3, START, (Section.MOVE, [move(2, (0, 0, 0))]), applied=FENCE + 3), "attach"),
        (ALICE, frame(4, START, (Section.FAR, [move(1, (0, 0, 0))]), applied=FENCE), "malformed"),
        (ALICE, frame(5, START, (Section.MOVE, [move(1, (9, 0, 0))]), applied=FENCE), "speed"),
        (ALICE, frame(5, START, (Section.MOVE, [move(1, (0, 0, 0))]), applied=FENCE), "stale"),
        (ALICE, frame(6, START, (Section.MOVE, [move(1, (0, 0, 0))]), applied=FENCE)[:-1], "malformed"),
    ]
    for peer, payload, reason in say:
        assert take(replication, peer, START, payload) == {reason: 1, "accepted": 0}


def test_a_record_of_an_older_frame_does_not_replace_a_newer_one() -> None:
    replication, _ = scene()
    take(replication, ALICE, START + 1, frame(11, START + 1, (Section.REST, [rest(1, (0.5, 0, 0))]), applied=FENCE))
    late = frame(10, START, (Section.REST, [rest(1, (0.25, 0, 0))]), applied=FENCE)
    assert take(replication, ALICE, START + 2, late) == {"stale": 1, "accepted": 0}
    assert replication.world.position_m(1) == (0.5, 0.0, 0.0)


def test_speed_is_measured_from_samples_and_recovers() -> None:
    replication, _ = scene()
    fast = frame(0, START + 60, (Section.MOVE, [move(1, (90.0, 0, 0))]), applied=FENCE, base=Base(1, 0, 0))
    assert take(replication, ALICE, START + 60, fast) == {"speed": 1, "accepted": 0}
    again = frame(1, START + 180, (Section.MOVE, [move(1, (90.0, 0, 0))]), applied=FENCE, base=Base(1, 0, 0))
    assert take(replication, ALICE, START + 180, again) == {"accepted": 1}


def test_slack_is_not_given_anew_with_each_record() -> None:
    replication, _ = scene()
    steps = [
        take(replication, ALICE, START + n, frame(n, START, (Section.MOVE, [move(1, (n * 1.0, 0, 0))]), applied=FENCE))[
            "accepted"
        ]
        for n in range(1, 10)
    ]
    assert steps == [1, 1, 1, 1, 0, 0, 0, 0, 0]


def test_teleports_move_at_once_and_are_limited() -> None:
    replication, _ = scene()
    verdicts = []
    for n in range(6):
        far = ((n + 1) * 100.0, 0.0, 0.0)
        jump = frame(
            n, START, (Section.MOVE, [move(1, far, teleport=True)]), applied=FENCE, base=Base(int(far[0]) // 64, 0, 0)
        )
        verdicts.append(take(replication, ALICE, START, jump))
    assert verdicts == [{"accepted": 1}] * 4 + [{"teleport-rate": 1, "accepted": 0}] * 2
    assert replication.world.position_m(1) == (400.0, 0.0, 0.0)
    later = frame(
        9, START + 15, (Section.MOVE, [move(1, (900.0, 0, 0), teleport=True)]), applied=FENCE, base=Base(14, 0, 0)
    )
    assert take(replication, ALICE, START + 15, later) == {"accepted": 1}


def test_what_follows_a_teleport_in_the_same_tick_is_measured_from_its_end() -> None:
    replication, _ = scene()
    jump = frame(0, START, (Section.MOVE, [move(1, (400.0, 0, 0), teleport=True)]), applied=FENCE, base=Base(6, 0, 0))
    step = frame(1, START, (Section.MOVE, [move(1, (400.5, 0, 0))]), applied=FENCE, base=Base(6, 0, 0))
    told = replication.ingest([(ALICE, jump), (ALICE, step)], START, 0.0)
    assert (told.accepted, dict(told.drops)) == (2, {})
    assert replication.world.position_m(1) == (400.5, 0.0, 0.0)


def test_teleport_bit_costs_nothing_within_the_speed_limit() -> None:
    replication, _ = scene()
    for n in range(12):
        small = frame(n, START + n, (Section.MOVE, [move(1, (n * 0.1, 0, 0), teleport=True)]), applied=FENCE)
        assert take(replication, ALICE, START + n, small) == {"accepted": 1}


def test_of_many_records_of_one_slot_the_newest_stays() -> None:
    """And no more than a few of them cost the NumPy core a round each."""
    replication, _ = scene()
    many = [(Section.PROPS, [bytes((1, 0, 0, 1, n)) for n in range(100)])]
    rounds = {"accepted": 100} if compiled.core else {"stale": 92, "accepted": 8}
    assert take(replication, ALICE, START, frame(0, START, *many, applied=FENCE)) == rounds
    assert replication.world.record(1, Slot.PROPS) == bytes((1, 0, 0, 1, 99))


def test_a_repetition_gets_no_new_version() -> None:
    replication, _ = scene()
    say = (Section.REST, [rest(1, (0.5, 0, 0))]), (Section.PROPS, [b"\1\0\0\2ab"])
    take(replication, ALICE, START + 1, frame(0, START + 1, *say, applied=FENCE))
    before = replication.world.version.copy()
    assert take(replication, ALICE, START + 2, frame(1, START + 2, *say, applied=FENCE)) == {"accepted": 2}
    assert (replication.world.version == before).all()
    other = (Section.REST, [rest(1, (0.5, 0, 0))]), (Section.PROPS, [b"\1\0\0\2ac"])
    take(replication, ALICE, START + 3, frame(2, START + 3, *other, applied=FENCE))
    assert (replication.world.version != before).sum() == 1


def test_age_dates_the_sample() -> None:
    replication, _ = scene()
    take(
        replication,
        ALICE,
        START + 50,
        frame(0, START + 40, (Section.MOVE, [move(1, (0, 0, 0), age=10)]), applied=FENCE),
    )
    assert replication.world.sample[replication.world.row(1), Slot.TRANSFORM] == START + 30


def test_a_tick_from_the_future_is_now_and_one_from_long_ago_is_late() -> None:
    replication, _ = scene()
    world = replication.world
    take(replication, ALICE, START + 500, frame(0, START, (Section.PROPS, [b"\1\0\0\1a"]), applied=FENCE))
    assert world.sample[world.row(1), Slot.PROPS] == START + 380
    take(replication, ALICE, START + 501, frame(1, START + 9999, (Section.PROPS, [b"\1\0\0\1b"]), applied=FENCE))
    assert world.sample[world.row(1), Slot.PROPS] == START + 501


def test_a_new_owner_s_first_frame_is_newer_than_all_of_the_former_owner() -> None:
    replication, _ = scene()
    take(replication, ALICE, START + 1, frame(40_000, START + 1, (Section.PROPS, [b"\1\0\0\1a"]), applied=FENCE))
    replication.world.set_owner(1, BOB, 9, START + 2)
    bob = frame(0, START + 2, (Section.PROPS, [b"\1\0\0\1b"]), applied=FENCE)
    assert take(replication, BOB, START + 2, bob) == {"accepted": 1}
    late = frame(40_001, START + 2, (Section.PROPS, [b"\1\0\0\1c"]), applied=FENCE)
    assert take(replication, ALICE, START + 3, late) == {"not-owner": 1, "accepted": 0}


def test_a_fresh_hello_shuts_the_owner_out_until_told_anew() -> None:
    replication, _ = scene()
    take(replication, ALICE, START, frame(500, START, (Section.PROPS, [b"\1\0\0\1a"]), applied=FENCE))
    replication.reset(ALICE)
    early = frame(0, START + 1, (Section.PROPS, [b"\1\0\0\1b"]), applied=3)
    assert take(replication, ALICE, START + 1, early) == {"fence": 1, "accepted": 0}
    replication.tell(ALICE, 1, 4)
    told = frame(1, START + 2, (Section.PROPS, [b"\1\0\0\1c"]), applied=4)
    assert take(replication, ALICE, START + 2, told) == {"accepted": 1}
