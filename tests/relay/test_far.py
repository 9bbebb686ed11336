"""FAR records: near enough, in one frame with what is near, and exact in the end."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import far
from relay.world import World
from soiree.wire import quantise as q
from soiree.wire.quantise import Vec3
from soiree.wire.records import (
    Base,
    Placed,
    PlacedRecord,
    Transform,
    base_for,
    decode_transform,
    encode_move,
    encode_upright,
    pack_placed,
)
from soiree.wire.state import Section, Slot, unpack_header
from tests.relay.records import base_of, frame, move, records_in
from tests.relay.test_replication import BOB, OWNER, Stage

along = st.floats(-20_000, 20_000) | st.sampled_from([1023.9999, 1024.0, -1024.0, -0.001, 2.0**36, -(2.0**36)])
turns = st.floats(-math.pi, math.pi)


def degrees_apart(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.degrees(2 * math.acos(min(1.0, abs(sum(x * y for x, y in zip(a, b, strict=True))))))


@settings(deadline=None)
@given(st.tuples(along, st.floats(-1500, 1500), along), turns, st.booleans(), st.integers(-6, 6), st.integers(-6, 6))
def test_far_says_the_same_as_the_owner_to_a_sixteenth(
    place: Vec3, yaw: float, upright: bool, cells_x: int, cells_z: int
) -> None:
    said = Transform(place, (0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2)), (9.0, 0.0, -4.0))
    kind, encode = (Section.UPRIGHT, encode_upright) if upright else (Section.MOVE, encode_move)
    world, own = World(), base_for(place)
    world.add(7, pack_placed(Placed(own, {Slot.TRANSFORM: PlacedRecord(kind, encode(0, said))})), 0)
    row = np.array([world.row(7)])
    base = Base(own.cx + 16 * cells_x, own.cz + 16 * cells_z, own.y - 256 * 400)
    assert far.within_reach(world.position[row], np.array([base])).all()
    told = decode_transform(Section.FAR, far.encode(world, row)[0].tobytes(), base)
    exact = [units / per_m for units, per_m in zip(world.position[row[0]].tolist(), (1024, 256, 1024), strict=True)]
    for axis, step_m in enumerate((1 / 64, 1 / 16, 1 / 64)):
        assert 0 <= exact[axis] - told.position[axis] < step_m
    assert degrees_apart(told.rotation, said.rotation) <= 0.2
    assert told.velocity == decode_transform(kind, encode(0, said), own).velocity


def test_what_four_bits_and_sixteen_cannot_name_is_out_of_reach() -> None:
    base = np.array([[0, 0, 0]] * 6)
    cell, up = 1024 * q.HORIZONTAL_PER_M, q.VERTICAL_PER_M
    places = np.array(
        [
            (8 * cell - 1, 0, 0),
            (8 * cell, 0, 0),
            (0, 0, -7 * cell),
            (0, 0, -7 * cell - 1),
            (0, 2047 * up, 0),
            (0, 2048 * up, 0),
        ]
    )
    assert far.within_reach(places, base).tolist() == [True, False, True, False, True, False]


def test_what_moves_far_off_shares_the_frame_and_is_exact_once_it_rests_or_says_no_more() -> None:
    stage = Stage(entities=2)
    x = 3000.123
    stage.say(OWNER, (Section.MOVE, [move(1, (0.5, 0, 0), speed=1.0)]))
    header = base_for((x, 0.0, 0.0))
    stage.tick += 1
    going = frame(
        stage.seq[OWNER], stage.tick, (Section.MOVE, [move(2, (x, 0, 0), speed=9.0, teleport=True)]), base=header
    )
    stage.seq[OWNER] += 1
    stage.replication.ingest([(OWNER, going)], stage.tick, stage.tick / 60)
    (payload,) = stage.step()
    kinds = {told.entity: told.kind for told in records_in(payload)}
    assert kinds == {1: Section.MOVE, 2: Section.FAR}
    stage.say(BOB, ack=unpack_header(payload).seq)
    later = [p for p in stage.step(60) if any(told.entity == 2 for told in records_in(p))]
    (told,) = [t for t in records_in(later[0]) if t.entity == 2]
    assert told.kind is Section.MOVE
    assert abs(decode_transform(told.kind, told.octets, base_of(later[0])).position[0] - x) <= 1 / 1024
    stage.say(BOB, ack=unpack_header(later[0]).seq)
    assert not [p for p in stage.step(60) if list(records_in(p))], "acknowledged exactly: nothing more"
