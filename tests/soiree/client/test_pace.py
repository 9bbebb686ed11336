"""What is faster than the room allows is told as a jump, and nothing else is; the same cases as tests/js/pace.test.js."""

from soiree.client.pace import SLACK_M, SLACK_S, Pace

LIMIT = 100.0


def pace() -> Pace:
    return Pace((0.0, 0.0, 0.0), 0)


def test_whoever_keeps_below_the_limit_may_move_as_often_as_it_likes() -> None:
    steady = pace()
    assert not any(steady.step((tick * 1.6, 0.0, 0.0), tick, LIMIT) for tick in range(1, 600))


def test_a_jump_is_one_and_is_forgotten_once_told() -> None:
    jumping = pace()
    assert jumping.step((30.0, 0.0, 0.0), 3, LIMIT)
    assert not jumping.step((31.0, 0.0, 0.0), 6, LIMIT)


def test_a_little_too_fast_adds_up() -> None:
    fast = pace()
    steps = [fast.step((2.0 * tick, 0.0, 0.0), tick, LIMIT) for tick in range(1, 61)]
    assert steps.index(True) > 5
    assert sum(steps) < 10


def test_a_long_way_in_a_long_time_is_no_jump() -> None:
    assert not pace().step((0.0, 0.0, 1000.0), 660, LIMIT)


def test_the_slack_is_less_than_the_relays() -> None:
    within = SLACK_M + SLACK_S * LIMIT
    assert not pace().step((0.0, within - 0.01, 0.0), 0, LIMIT)
    assert pace().step((0.0, within + 0.01, 0.0), 0, LIMIT)
