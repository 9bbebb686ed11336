"""Who a state is of, and which of its updates it is, can be read off it, on every stack's wire."""

import numpy as np
import pytest

from bench.load.colyseus import read_patch
from bench.load.guest import YAW_AT, Guest
from bench.load.peers import read_states
from bench.load.soiree_crowds import read_uprights
from bench.walkers import LAP, PEER_STATE, UPDATES, peer_states, standpoint, updates_of_yaw, walkers_at, yaw_rad
from soiree.wire.records import Transform, base_for, encode_upright
from soiree.wire.state import STATE_HEADER, Section, pack_section

WALKERS = 400
UPDATE_SAMPLES = [0, 1, LAP - 1, LAP, 4095, UPDATES - 1]


def test_a_state_of_the_peers_has_28_bytes() -> None:
    assert PEER_STATE.itemsize == 28


def test_everybody_stays_on_a_square_metre_of_its_own() -> None:
    at = np.array([standpoint(walker, update, 20.0) for walker in range(WALKERS) for update in range(LAP)], np.float32)
    assert walkers_at(at[:, 0], at[:, 2]).tolist() == [walker for walker in range(WALKERS) for _ in range(LAP)]


def test_nobody_walks_faster_than_a_person() -> None:
    speeds = [np.hypot(*standpoint(0, update, 20.0)[3:]) for update in range(LAP)]
    assert 0.5 < min(speeds) <= max(speeds) < 2.0


def test_every_direction_tells_its_update_through_a_float32() -> None:
    yaws = np.array([yaw_rad(update) for update in range(UPDATES)], np.float32)
    assert updates_of_yaw(yaws).tolist() == list(range(UPDATES))


@pytest.mark.parametrize("update", UPDATE_SAMPLES)
def test_the_peers_frames_are_read(update: int) -> None:
    laps = [peer_states(walker, 20.0) for walker in (3, 250)]
    for lap in laps:
        lap["yaw"] = yaw_rad(update)
    frame = b"".join(lap[update % LAP].tobytes() for lap in laps)
    counts, walkers, updates = read_states([frame, frame[:28]])
    assert counts.tolist() == [2, 1]
    assert walkers.tolist() == [3, 250, 3]
    assert updates.tolist() == [update] * 3


def test_soirees_frames_are_read_section_by_section() -> None:
    near, far = Transform((1.0, 0.0, 2.0)), Transform((2000.0, 0.0, 2.0))
    first = pack_section(Section.UPRIGHT, [encode_upright(7, near), encode_upright(8, near)])
    rest = bytes(STATE_HEADER.size)[1:]
    payload = b"\x01" + rest + first + pack_section(Section.UPRIGHT, [encode_upright(9, far)])
    counts, entities, updates = read_uprights([payload, b"\x01" + rest, b"\x03" + bytes(20)])
    assert counts.tolist() == [3, 0, 0]
    assert entities.tolist() == [7, 8, 9]
    assert updates.tolist() == [0, 0, 0]


def test_a_guest_writes_its_update_where_soirees_yaw_lies() -> None:
    x, y, z, _, _ = standpoint(0, 0, 20.0)
    record = encode_upright(1, Transform((x, y, z), rotation=(0.0, 1.0, 0.0, 0.0)))
    assert int.from_bytes(record[YAW_AT : YAW_AT + 2], "little") == 32768
    assert Guest(0, 20.0).frame(5)[: STATE_HEADER.size - 16] == b"\x01" + bytes(11)
    assert base_for((x, y, z)).cx == 0


def test_a_patch_of_colyseus_is_read() -> None:
    walker, update = 23, 700
    x, y, z, vx, vz = standpoint(walker, update, 20.0)
    values = np.array([x, y, z, yaw_rad(update), vx, vz], "<f4")
    fields = b"".join(bytes([0x80 | at]) + value.tobytes() for at, value in enumerate(values))
    patch = b"\x0f" + b"\xff\x05" + fields + b"\xff\xcd\x2c\x01" + fields
    walkers, updates = read_patch(patch)
    assert walkers.tolist() == [walker, walker]
    assert updates.tolist() == [update, update]
