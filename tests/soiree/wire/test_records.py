"""Records keep position, rotation and velocity within the protocol's precision, wherever they are."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from soiree.wire import quantise as q
from soiree.wire import records, state
from soiree.wire.errors import WireError
from soiree.wire.records import Base, Placed, PlacedRecord, Pose, PosePart, Transform
from soiree.wire.state import Section, Slot

horizontal = st.floats(-1.3e11, 1.3e11) | st.floats(-200, 200)
vertical = st.floats(-8.3e6, 8.3e6) | st.floats(-50, 50)
positions = st.tuples(horizontal, vertical, horizontal)
rotations = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda r: math.hypot(*r) > 1e-3)
speeds = st.tuples(*[st.floats(-80, 80)] * 3)
entities = st.integers(1, 0xFFFFFF)


def angle_deg(a: q.Quat, b: q.Quat) -> float:
    """Angle between two rotations; the sine is used, since near 0 the cosine has no digits left."""
    na, nb = math.hypot(*a), math.hypot(*b)
    dot = sum(x * y for x, y in zip(a, b, strict=True)) / (na * nb)
    sign = math.copysign(1, dot)
    sine = math.hypot(*(x / na - sign * y / nb for x, y in zip(a, b, strict=True))) / 2
    return math.degrees(4 * math.asin(min(1.0, sine)))


@given(entities, positions, rotations, speeds, st.integers(-7, 7), st.integers(-7, 7), st.integers(-32000, 32000))
def test_a_record_means_the_same_from_any_base_in_reach(
    entity: int, position: q.Vec3, rotation: q.Quat, velocity: q.Vec3, dx: int, dz: int, dy: int
) -> None:
    own = records.base_for(position)
    base = Base(own.cx + dx, own.cz + dz, own.y + dy)
    transform = Transform(position, rotation, velocity, True, 5)
    assume(records.within_reach(position, base))
    data = records.encode_move(entity, transform)
    got = records.decode_transform(Section.MOVE, data, base)
    assert got == records.decode_transform(Section.MOVE, data, own)
    assert math.dist(got.position, position) <= 0.004
    assert angle_deg(got.rotation, rotation) <= 0.2
    assert (got.teleport, got.age) == (True, 5)
    for decoded, true in zip(got.velocity, velocity, strict=True):
        assert abs(decoded - true) <= 0.003 + 0.08 * math.sqrt(abs(true))
    assert state.IDENT.unpack_from(data)[0] & state.ENTITY_MASK == entity


@given(entities, positions, st.floats(-math.pi, math.pi))
def test_upright_keeps_position_and_yaw(entity: int, position: q.Vec3, yaw: float) -> None:
    rotation = (0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2))
    data = records.encode_upright(entity, Transform(position, rotation))
    got = records.decode_transform(Section.UPRIGHT, data, records.base_for(position))
    assert math.dist(got.position, position) <= 0.004
    assert angle_deg(got.rotation, rotation) <= 0.01


@given(entities, st.integers(0, 255), st.tuples(*[st.floats(-31.9, 31.9)] * 3), rotations)
def test_a_child_keeps_its_place_in_its_parent(entity: int, attach: int, local: q.Vec3, rotation: q.Quat) -> None:
    data = records.encode_child(entity, attach, Transform(local, rotation))
    got = records.decode_transform(Section.CHILD, data, Base(0, 0, 0))
    assert math.dist(got.position, local) <= 0.001
    assert angle_deg(got.rotation, rotation) <= 0.2
    assert data[3] == attach


@given(
    st.lists(st.none() | st.builds(PosePart, st.tuples(*[st.floats(-7.9, 7.9)] * 3), rotations), min_size=3, max_size=3)
)
def test_a_pose_keeps_head_and_hands(parts: list[PosePart | None]) -> None:
    got = records.decode_pose(records.encode_pose(1, Pose(*parts)))
    for decoded, true in zip((got.head, got.left, got.right), parts, strict=True):
        assert (decoded is None) == (true is None)
        if decoded is not None and true is not None:
            assert math.dist(decoded.position, true.position) <= 0.0003
            assert angle_deg(decoded.rotation, true.rotation) <= 0.2


@given(st.integers(0, 0xFFFFFFFF))
def test_any_32_bits_are_a_unit_rotation_or_close(packed: int) -> None:
    assert math.hypot(*q.unpack_rotation(packed)) < 1.5


def test_the_identity_and_the_origin_are_exact() -> None:
    got = records.decode_transform(Section.REST, records.encode_rest(1, Transform((0.0, 0.0, 0.0))), Base(0, 0, 0))
    assert (got.position, got.rotation) == ((0.0, 0.0, 0.0), q.IDENTITY)


@pytest.mark.parametrize("position", [(1.4e11, 0, 0), (0, 9e6, 0), (0, 0, -1.4e11), (math.nan, 0, 0), (0, math.inf, 0)])
def test_a_position_that_has_no_bytes_is_an_error(position: q.Vec3) -> None:
    with pytest.raises(WireError):
        records.encode_move(1, Transform(position))


@pytest.mark.parametrize("rotation", [(0.0, 0.0, 0.0, 0.0), (math.nan, 0.0, 0.0, 1.0), (math.inf, 0.0, 0.0, 1.0)])
def test_a_rotation_without_direction_is_an_error(rotation: q.Quat) -> None:
    with pytest.raises(WireError):
        records.encode_rest(1, Transform((0.0, 0.0, 0.0), rotation))


def test_a_child_too_far_from_its_parent_is_an_error() -> None:
    with pytest.raises(WireError):
        records.encode_child(1, 0, Transform((33.0, 0.0, 0.0)))


def test_props_above_their_bound_are_an_error() -> None:
    with pytest.raises(WireError):
        records.encode_props(1, bytes(256))


def placed(*kinds: tuple[Section, bytes]) -> bytes:
    return bytes(12) + b"".join(bytes((kind, 1)) + record for kind, record in kinds)


REST = (Section.REST, bytes(14))
POSE = (Section.POSE, bytes(34))
PROPS = (Section.PROPS, b"\x00\x00\x00\x02ab")


@pytest.mark.parametrize(
    "data",
    [
        placed(),
        placed(POSE),
        placed(POSE, REST),
        placed(REST, REST),
        placed(REST, PROPS, POSE),
        placed((Section.FAR, bytes(18))),
        bytes(12) + bytes((Section.REST, 0)),
        bytes(12) + bytes((Section.REST, 2)) + bytes(28),
        placed(REST) + b"\x00",
        bytes(11),
    ],
    ids=str,
)
def test_a_placed_record_out_of_order_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        records.unpack_placed(data)


def test_the_entity_id_of_a_record_can_be_set_and_all_else_stays() -> None:
    record = records.encode_child(0, 200, Transform((1.0, 2.0, 3.0)))
    assert records.with_entity(record, 77) == records.encode_child(77, 200, Transform((1.0, 2.0, 3.0)))
    given_placed = Placed(Base(1, 2, 3), {Slot.TRANSFORM: PlacedRecord(Section.CHILD, record)})
    assert records.unpack_placed(records.pack_placed(given_placed)) == given_placed
