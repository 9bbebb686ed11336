"""The world: placed records in and out, parents, owners, edges, bounds."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.errors import StateError
from relay.table import TableFullError
from relay.world import NEVER, World
from soiree.wire import quantise as q
from soiree.wire.records import (
    Base,
    Placed,
    PlacedRecord,
    Pose,
    PosePart,
    Transform,
    decode_transform,
    encode_child,
    encode_move,
    encode_pose,
    encode_props,
    encode_upright,
    pack_placed,
    unpack_placed,
)
from soiree.wire.state import Section, Slot
from tests.relay.records import placed, placed_child

unit = st.floats(-1, 1).filter(lambda c: abs(c) > 1e-3)
rotations = st.tuples(unit, unit, unit, unit)
near = st.floats(-5, 5)
nearby = st.tuples(near, near, near)


def full() -> bytes:
    pose = encode_pose(0, Pose(PosePart((0, 1.6, 0), q.IDENTITY), None, None))
    return pack_placed(
        Placed(
            Base(15, -2, 300),
            {
                Slot.TRANSFORM: PlacedRecord(Section.UPRIGHT, encode_upright(0, Transform((1000.0, 2.0, -100.0)))),
                Slot.POSE: PlacedRecord(Section.POSE, pose),
                Slot.PROPS: PlacedRecord(Section.PROPS, encode_props(0, b"hat")),
            },
        )
    )


def test_a_placed_record_comes_back_with_its_entity_and_own_cell() -> None:
    world = World()
    world.add(77, full(), 5)
    given_, back = unpack_placed(full()), unpack_placed(world.placed(77))
    assert back.base == Base(15, -2, 512)
    for slot, (kind, record) in given_.records.items():
        assert back.records[slot].kind is kind
        assert back.records[slot].record == (77).to_bytes(3, "little") + record[3:] if slot else True
    assert decode_transform(*back.records[Slot.TRANSFORM], back.base).position == (1000.0, 2.0, -100.0)
    assert world.position_m(77) == (1000.0, 2.0, -100.0)


@pytest.mark.parametrize(
    ("bytes_", "parent"),
    [
        (b"", 0),
        (full()[:-1], 0),
        (placed_child(), 0),
        (placed(), 1),
        (pack_placed(Placed(Base(2**31 - 1, 0, 0), {Slot.TRANSFORM: PlacedRecord(Section.MOVE, bytes(18))})), 0),
        (
            pack_placed(
                Placed(
                    Base(0, 0, 2**31 - 1),
                    {Slot.TRANSFORM: PlacedRecord(Section.MOVE, bytes(18))},
                )
            ),
            0,
        ),
    ],
)
def test_an_unusable_placed_record_changes_nothing(bytes_: bytes, parent: int) -> None:
    world = World()
    world.add(1, full(), 0)
    world.add(2, placed((1.0, 2.0, 3.0)), 0)
    before = (world.placed(2), world.changes, len(world))
    with pytest.raises(StateError) as refusal:
        world.add(3, bytes_, 1, parent)
    with pytest.raises(StateError):
        world.set_parent(2, parent, 1, bytes_, 1)
    assert refusal.value.code == "state"
    assert (world.placed(2), world.changes, len(world)) == before


@pytest.mark.parametrize("cell", [0, -1, 7, -8, 2**31 - 1, -(2**31)])
@pytest.mark.parametrize("low", [0, 1, 65_535])
def test_positions_are_exact_in_every_cell(cell: int, low: int) -> None:
    world = World()
    where = (cell & 15) << 24 | (cell & 15) << 28
    record = where.to_bytes(4, "little") + low.to_bytes(2, "little") * 2 + (low & 0xFF).to_bytes(2, "little") + bytes(8)
    there = pack_placed(Placed(Base(cell, cell, 0), {Slot.TRANSFORM: PlacedRecord(Section.MOVE, record)}))
    world.add(1, there, 0)
    assert world.position[world.row(1)].tolist() == [cell * 65_536 + low, low & 0xFF, cell * 65_536 + low]
    assert unpack_placed(world.placed(1)).base == Base(cell, cell, low & 0xFF)
    assert unpack_placed(world.placed_in(1, 0)).base.cx == cell


@given(rotations, nearby, rotations, nearby, rotations, nearby)
@settings(max_examples=60, deadline=None)
def test_an_entity_stays_where_it_is_when_hung_elsewhere(
    turn: q.Quat, at: q.Vec3, turn_2: q.Quat, at_2: q.Vec3, turn_3: q.Quat, at_3: q.Vec3
) -> None:
    far = (-70_000.0, 100.0, 1_000_000.0)
    world = World()
    world.add(1, _move((far[0] + at[0], far[1] + at[1], far[2] + at[2]), turn), 0)
    world.add(2, _child(at_2, turn_2), 0, 1, 1)
    world.add(3, _child(at_3, turn_3), 0, 2, 1)
    before = world.position_m(3)
    world.set_parent(3, 1, 2, world.placed_in(3, 1), 1)
    assert math.dist(world.position_m(3), before) < 0.1
    world.set_parent(3, 0, 3, world.placed_in(3, 0), 1)
    assert math.dist(world.position_m(3), before) < 0.1
    world.set_parent(3, 2, 4, world.placed_in(3, 2), 1)
    assert math.dist(world.position_m(3), before) < 0.2
    turned = unpack_placed(world.placed(3))
    back = decode_transform(*turned.records[Slot.TRANSFORM], turned.base).rotation
    size = math.sqrt(sum(c * c for c in turn_3))
    assert abs(sum(a * b / size for a, b in zip(back, turn_3, strict=True))) == pytest.approx(1, abs=2e-3)


def test_velocity_turns_with_the_parent() -> None:
    world = World()
    quarter = (0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5))
    world.add(1, _move((0.0, 0.0, 0.0), quarter), 0)
    child = encode_child(0, 0, Transform((0.0, 0.0, 2.0), velocity=(0.0, 0.0, 4.0)))
    world.add(2, pack_placed(Placed(Base(0, 0, 0), {Slot.TRANSFORM: PlacedRecord(Section.CHILD, child)})), 0, 1, 1)
    free = unpack_placed(world.placed_in(2, 0))
    transform = decode_transform(*free.records[Slot.TRANSFORM], free.base)
    assert transform.position == pytest.approx((2.0, 0.0, 0.0), abs=0.01)
    assert transform.velocity == pytest.approx((4.0, 0.0, 0.0), abs=0.1)


def test_out_of_the_parent_s_reach_or_of_the_world_cannot_be_said() -> None:
    world = World()
    world.add(1, placed((0.0, 0.0, 0.0)), 0)
    world.add(2, placed((33.0, 0.0, 0.0)), 0)
    with pytest.raises(StateError):
        world.placed_in(2, 1)
    edge = bytes(3) + b"\x0f" + b"\xff\xff" + encode_move(0, Transform((0.0, 0.0, 0.0)))[6:]
    there = pack_placed(Placed(Base(2**31 - 1, 0, 0), {Slot.TRANSFORM: PlacedRecord(Section.MOVE, edge)}))
    world.add(3, there, 0)
    world.add(4, placed_child((1.0, 0.0, 0.0)), 0, 3, 1)
    with pytest.raises(StateError):
        world.placed_in(4, 0)


def test_a_child_is_found_at_its_root_through_all_changes() -> None:
    world = World()
    for entity in (1, 2):
        world.add(entity, placed((entity * 100.0, 0.0, 0.0)), 0)
    world.add(3, placed_child((1.0, 0.0, 0.0)), 0, 1, 0)
    world.add(4, placed_child((1.0, 0.0, 0.0)), 0, 3, 0)
    assert world.root[world.row(4)] == world.row(1)
    assert world.position_m(4) == (102.0, 0.0, 0.0)
    world.set_parent(3, 2, 1, placed_child(), 1)
    assert world.root[world.row(4)] == world.row(2)
    assert world.attach[world.row(3)] == 1
    assert unpack_placed(world.placed(3)).records[Slot.TRANSFORM].record[3] == 1
    with pytest.raises(ValueError, match="children"):
        world.remove(3)
    world.remove(4)
    world.remove(3)
    assert 3 not in world
    with pytest.raises(KeyError):
        world.position_m(3)


def test_a_new_owner_s_word_is_newer_and_all_that_was_said_gets_a_new_version() -> None:
    world = World()
    world.add(1, full(), 0)
    row = world.row(1)
    assert world.fence[row] == NEVER
    before = world.version[row].copy()
    world.set_owner(1, 9, 44, 10)
    assert (world.version[row] > before).all()
    assert (world.owner[row], world.fence[row]) == (9, 44)
    world.close_fences(9)
    assert world.fence[row] == NEVER


def test_a_row_is_used_again_and_remembers_nothing() -> None:
    world = World()
    world.add(1, full(), 0)
    world.set_owner(1, 9, 1, 0)
    row, born = world.row(1), int(world.born[world.row(1)])
    world.remove(1)
    world.add(300, placed(), 0)
    assert world.row(300) == row
    assert world.born[row] > born
    assert world.owner[row] == 0
    assert world.record(300, Slot.PROPS) is None
    assert 1 not in world


def test_ages_in_placed_records_count_from_the_sample() -> None:
    world = World()
    world.add(1, _move((0.0, 0.0, 0.0), q.IDENTITY), 100)
    world.add(2, placed(), 130)
    assert unpack_placed(world.placed(1)).records[Slot.TRANSFORM].record[-1] == 30
    world.set_parent(2, 0, 0, placed(), 900)
    assert unpack_placed(world.placed(1)).records[Slot.TRANSFORM].record[-1] == 127


def test_a_room_is_full_at_its_bound_and_its_tables_grow_till_then() -> None:
    world = World(bound=200)
    for entity in range(1, 201):
        world.add(entity * 80_000, placed((entity * 1.0, 0.0, 0.0)), 0)
    with pytest.raises(TableFullError):
        world.add(7, placed(), 0)
    assert len(world) == 200
    assert world.position_m(200 * 80_000) == (200.0, 0.0, 0.0)
    world.remove(80_000)
    world.add(7, placed(), 0)


def test_misuse_is_told() -> None:
    world = World()
    world.add(1, placed(), 0)
    with pytest.raises(ValueError, match="already"):
        world.add(1, placed(), 0)
    with pytest.raises(ValueError, match="no id"):
        world.add(2**24, placed(), 0)
    with pytest.raises(KeyError):
        world.remove(2)


def _move(position: q.Vec3, rotation: q.Quat) -> bytes:
    size = 64.0
    base = Base(int(position[0] // size), int(position[2] // size), round(position[1] * 256))
    record = encode_move(0, Transform(position, rotation))
    return pack_placed(Placed(base, {Slot.TRANSFORM: PlacedRecord(Section.MOVE, record)}))


def _child(position: q.Vec3, rotation: q.Quat) -> bytes:
    record = encode_child(0, 0, Transform(position, rotation))
    return pack_placed(Placed(Base(0, 0, 0), {Slot.TRANSFORM: PlacedRecord(Section.CHILD, record)}))
