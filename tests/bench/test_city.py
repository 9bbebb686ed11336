"""The city's model moves as things move, and its encoding says the same as the scalar codecs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import encoding
from bench.batching import Batch, deal
from bench.city import Census, City
from bench.encoding import Floats, Ints
from bench.streets import BLOCK_M, round_blocks
from soiree.wire import quantise as q
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.records import (
    Base,
    Transform,
    base_for,
    decode_transform,
    encode_child,
    encode_move,
    encode_rest,
    encode_upright,
    unpack_placed,
    within_reach,
)
from soiree.wire.state import ENTITY_MASK, IDENT, STATE_HEADER, STRIDE, Section, Slot, sections

METRES = st.floats(-1e6, 1e6)
LOCAL = st.floats(-31.9, 31.9)
PART = st.floats(-1, 1)
SPEED = st.floats(-200, 200)
IDS = st.integers(1, ENTITY_MASK)


def turned(parts: list[float]) -> tuple[q.Quat, Floats]:
    """A rotation as both codecs take it."""
    x, y, z, w = parts if math.sqrt(sum(part * part for part in parts)) > 1e-6 else (0.0, 0.0, 0.0, 1.0)
    return (x, y, z, w), np.array([[x, y, z, w]])


@given(IDS, st.tuples(METRES, METRES, METRES), st.lists(PART, min_size=4, max_size=4), st.tuples(SPEED, SPEED, SPEED))
def test_full_records_are_those_of_the_scalar_codec(
    entity: int, where: q.Vec3, parts: list[float], velocity: q.Vec3
) -> None:
    rotation, rotations = turned(parts)
    ids, place, speed = np.array([entity]), encoding.units(np.array([where])), np.array([velocity])
    transform = Transform(where, rotation, velocity)
    assert encoding.move(ids, place, rotations, speed).tobytes() == encode_move(entity, transform)
    assert encoding.rest(ids, place, rotations).tobytes() == encode_rest(entity, transform)


@given(IDS, st.tuples(METRES, METRES, METRES), st.integers(-70000, 140000), st.tuples(SPEED, SPEED))
def test_upright_records_are_those_of_the_scalar_codec(
    entity: int, where: q.Vec3, turn: int, velocity: tuple[float, float]
) -> None:
    yaw = turn * math.tau / 65536 + 1e-5  # where both round alike
    transform = Transform(where, (0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2)), (velocity[0], 0.0, velocity[1]))
    records = encoding.upright(
        np.array([entity]), encoding.units(np.array([where])), np.array([yaw]), np.array([transform.velocity])
    )
    assert records.tobytes() == encode_upright(entity, transform)


@given(IDS, st.integers(0, 255), st.tuples(LOCAL, LOCAL, LOCAL), st.lists(PART, min_size=4, max_size=4))
def test_child_records_are_those_of_the_scalar_codec(
    entity: int, attach: int, local: q.Vec3, parts: list[float]
) -> None:
    rotation, rotations = turned(parts)
    records = encoding.child(
        np.array([entity]), np.array([attach]), np.array([local]), rotations, np.array([[1.0, 0.0, -2.0]])
    )
    assert records.tobytes() == encode_child(entity, attach, Transform(local, rotation, (1.0, 0.0, -2.0)))


@given(IDS, st.tuples(METRES, METRES, METRES))
def test_placed_records_have_a_base_of_their_own(entity: int, where: q.Vec3) -> None:
    place = encoding.units(np.array([where]))
    [data] = encoding.placed(
        Section.REST, encoding.rest(np.array([entity]), place, np.array([[0.0, 0.0, 0.0, 1.0]])), place
    )
    placed = unpack_placed(data)
    assert placed.base == base_for(where)
    assert decode_transform(*placed.records[Slot.TRANSFORM], placed.base).position == pytest.approx(where, abs=4e-3)


def test_rounds_are_driven_at_the_speed_they_say_and_face_where_they_go() -> None:
    random = np.random.default_rng(5)
    speed = random.uniform(8, 30, 300) * random.choice([-1, 1], 300)
    rounds = round_blocks(random, 8, random.integers(1, 4, (300, 2)), 2.0, 12.0, speed)
    step_s, after = 0.01, rounds.places()
    for _ in range(400):
        before = after
        rounds.advance(step_s)
        after = rounds.places()
        gone = np.linalg.norm(after.position - before.position, axis=1) / step_s
        assert (gone <= np.abs(speed) * 1.001).all()
        assert (gone >= np.abs(speed) * 0.99).all()  # a chord of a corner is a little shorter
        ahead = (after.position - before.position) / step_s
        assert np.abs(ahead - before.velocity).max() < 30 * 30 / 12 * step_s
    facing = np.stack([np.sin(after.yaw), np.cos(after.yaw)], axis=1) * np.abs(speed)[:, None]
    assert np.allclose(facing, after.velocity[:, [0, 2]])
    assert (np.abs(after.position[:, [0, 2]]) <= 4 * BLOCK_M + 2.0 + 1e-6).all()


def city_records(city: City) -> tuple[list[Batch], dict[int, tuple[int, Transform, bool]]]:
    """Deltas, and what the frames made of them say: entity → (owner, transform, whether its frame's base reaches it)."""
    deltas = city.deltas()
    heard: dict[int, tuple[int, Transform, bool]] = {}
    for body in deal(deltas, city.home):
        payload = bytes(STATE_HEADER.size) + body.sections
        assert len(payload) <= MAX_FRAME_BYTES
        for view in sections(payload):
            stride = STRIDE[view.kind]
            for at in range(view.start, view.end, stride):
                record = payload[at : at + stride]
                entity = IDENT.unpack_from(record)[0] & ENTITY_MASK
                assert entity not in heard
                transform = decode_transform(view.kind, record, body.base)
                reached = view.kind is Section.CHILD or within_reach(transform.position, body.base)
                heard[entity] = (body.owner, transform, reached)
    return deltas, heard


@pytest.mark.parametrize("clients", [1, 3, 40])
def test_every_owner_says_each_of_its_moving_things_once_in_frames_that_reach_them(clients: int) -> None:
    city = City(Census.of(8000, 0.1), clients)
    heard: dict[int, tuple[int, Transform, bool]] = {}
    for _ in range(30):
        city.step(0.05)
        deltas, heard = city_records(city)
        assert sum(len(batch.owner) for batch in deltas) == len(heard) == 800
        assert all(reached for _, _, reached in heard.values())
        for entity in (*city.vehicle_ids.tolist(), *city.walker_ids.tolist(), *city.rider_ids.tolist()):
            assert heard[entity][0] == city.owner[entity]
    vehicles = city.vehicles.places()
    for entity, position in zip(city.vehicle_ids.tolist(), vehicles.position.tolist(), strict=True):
        assert heard[entity][1].position == pytest.approx(position, abs=1 / 1024)


def test_what_was_knocked_over_comes_to_rest_and_says_so() -> None:
    city = City(Census.of(5000, 0.1), 10)
    rested: set[int] = set()
    for _ in range(60):
        city.step(0.05)
        moving, resting = city.deltas()[-2:]
        assert len(moving.owner) + len(resting.owner) == city.census.tumbling
        rested |= set(ids(resting).tolist())
        assert not set(ids(moving).tolist()) & set(ids(resting).tolist())
        assert (city.owner[ids(moving)] == moving.owner).all()
    assert len(rested) > city.census.tumbling


def ids(batch: Batch) -> Ints:
    """Entities of transforms in the world."""
    found: Ints = batch.records["where"].astype(np.int64) & ENTITY_MASK
    return found


def test_clients_have_something_of_their_own_to_look_from_and_own_about_equally_much() -> None:
    city = City(Census.of(20_000, 0.1), 50)
    assert len(set(city.own.tolist())) == 50
    assert (city.owner[city.own] == np.arange(50)).all()
    assert set(city.own.tolist()) <= set(city.vehicle_ids.tolist()) | set(city.walker_ids.tolist())
    says = np.bincount(np.concatenate([batch.owner for batch in city.deltas()]), minlength=50)
    assert says.min() >= 20
    assert says.max() <= 60
    riding = city.owner[city.rider_ids]
    assert (riding == city.owner[city.cabin_ids[city.cabin_of]]).all()


def test_a_city_is_as_dense_whatever_its_size() -> None:
    for entities in (2_000, 100_000):
        city = City(Census.of(entities, 0.1), 10)
        assert city.side_m == pytest.approx(math.sqrt(entities / 6250) * 1000)
        where = np.abs(city.props_m[:, [0, 2]])
        assert where.max() <= city.side_m / 2
        assert len(city.owner) - 1 == entities


def test_what_is_far_from_an_owners_base_goes_in_frames_with_others() -> None:
    place = encoding.units(np.array([[0.0, 0.0, 0.0], [5000.0, 0.0, -7000.0], [-90_000.0, 300.0, 90_000.0]]))
    records = encoding.rest(np.arange(1, 4), place, np.tile([0.0, 0.0, 0.0, 1.0], (3, 1)))
    bodies = deal([Batch(Section.REST, np.zeros(3, np.int64), place, records)], np.zeros((1, 3), np.int64))
    assert len(bodies) == 3
    assert Base(0, 0, 0) in [body.base for body in bodies]


@pytest.mark.parametrize(("entities", "moving", "clients"), [(1000, 0.9, 5), (100, 0.1, 1), (1000, 0.1, 90)])
def test_a_city_that_cannot_be_is_refused(entities: int, moving: float, clients: int) -> None:
    with pytest.raises(ValueError, match=r"can move|to move"):
        City(Census.of(entities, moving), clients)
