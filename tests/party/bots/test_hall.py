"""People in VR stand in groups within the hall, always on the move, and what they send can be sent."""

import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from party.bots.hall import GROUP_RADIUS_M, GROUP_SIZE, HALL_M, SHIFT_M, SHIFT_M_S, Stander, group_places
from soiree.wire.records import decode_pose, encode_pose

COUNTS = st.integers(1, 300)
SEEDS = st.integers(0, 2**32)


@given(COUNTS, SEEDS, st.floats(0, 1e6))
def test_all_stand_in_the_hall(count: int, seed: int, now_s: float) -> None:
    random = Random(seed)
    groups = group_places(count, random)
    for index in range(count):
        x, y, z = Stander(index, groups, random).step(now_s).position
        middle = groups[index // GROUP_SIZE]
        assert math.dist((x, z), middle) <= GROUP_RADIUS_M + SHIFT_M + 1e-9
        assert max(abs(x), abs(z)) <= HALL_M / 2 + 1e-9
        assert y == 0.0


@given(SEEDS, st.floats(0, 1e5), st.floats(0.01, 1))
def test_they_move_as_fast_as_they_say(seed: int, now_s: float, step_s: float) -> None:
    stander = Stander(0, [(1.0, 2.0)], Random(seed))
    here, there = stander.step(now_s), stander.step(now_s + step_s)
    assert 0 < math.dist(here.position, there.position) <= SHIFT_M_S * step_s + 1e-9
    assert math.isclose(math.hypot(*here.velocity), SHIFT_M_S)


@given(SEEDS, st.floats(0, 1e5))
def test_poses_fit_their_records_and_differ_from_frame_to_frame(seed: int, now_s: float) -> None:
    stander = Stander(0, [(0.0, 0.0)], Random(seed))
    record = encode_pose(1, stander.pose(now_s))
    assert record != encode_pose(1, stander.pose(now_s + 0.05))
    pose = decode_pose(record)
    assert pose.head is not None
    assert abs(pose.head.position[1] - 1.65) < 0.02
    assert None not in (pose.left, pose.right)
