"""The most urgent first, as far as an allowance carries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.audience import Audience
from relay.pairs import Pairs
from relay.selection import FOCUS_WEIGHT, MAX_AGE_TICKS, OVERDUE_TICKS, Choice, lacking, most_urgent, urgency
from relay.world import World
from tests.relay.records import placed, placed_child

pytestmark = pytest.mark.usefixtures("both_cores")
FRAME, COST = 100, 30


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(1, 60), st.floats(0.01, 10)), max_size=60),
    st.lists(st.integers(0, 900), min_size=5, max_size=5),
)
@settings(max_examples=100, deadline=None)
def test_each_client_gets_its_most_urgent_records_within_its_allowance(
    records: list[tuple[int, int, float]], allowances: list[int]
) -> None:
    clients = np.array([client for client, _, _ in records], np.int64)
    numbers = np.arange(len(records))
    choice = Choice(numbers, np.zeros_like(numbers), clients, numbers)
    length = np.array([size for _, size, _ in records], np.int64)
    urgent = np.array([how for _, _, how in records], np.float64)
    chosen = most_urgent(choice, urgent, length, np.array(allowances, np.float64), FRAME, COST)
    want = []
    for client in range(5):
        spent = 0
        mine = sorted((n for n in numbers.tolist() if clients[n] == client), key=lambda n: (-urgent[n], n))
        for n in mine:
            spent += int(length[n])
            if spent + -(-spent // FRAME) * COST > allowances[client]:
                break
            want.append(n)
    assert chosen.pair.tolist() == want


def table(positions: list[float]) -> tuple[World, Pairs, Audience, int]:
    world, audience = World(), Audience()
    client = audience.join(5, 0.0)
    pairs = Pairs(world)
    for entity, x in enumerate(positions, 1):
        world.add(entity, placed((x, 0.0, 0.0)), 0)
        pairs.tell(client, entity, 0, 0)
        world.set_owner(entity, 9, 0, 0)
    return world, pairs, audience, client


def all_lacking(world: World, pairs: Pairs, audience: Audience, tick: int) -> Choice:
    due = audience.active.copy()
    return lacking(world, pairs, audience, due, np.full(len(audience.peer), 9), tick)


def test_urgency_grows_with_age_and_weight_and_falls_with_distance() -> None:
    world, pairs, audience, _ = table([0.0, 16.0, 1000.0, 0.0])
    world.set_weight(4, 3.0)
    choice = all_lacking(world, pairs, audience, 10)
    np.testing.assert_allclose(urgency(choice, world, pairs, audience, 10) * 16, [10, 5, 160 / 1016, 30])
    np.testing.assert_allclose(urgency(choice, world, pairs, audience, 999)[0] * 16, MAX_AGE_TICKS * FOCUS_WEIGHT)


def test_what_is_in_focus_or_overdue_comes_first() -> None:
    world, pairs, audience, _ = table([0.0, 0.0])
    pairs.focus[1] = True
    choice = all_lacking(world, pairs, audience, 10)
    np.testing.assert_allclose(urgency(choice, world, pairs, audience, 10) * 16, [10 * FOCUS_WEIGHT, 10])
    late = OVERDUE_TICKS
    np.testing.assert_allclose(urgency(choice, world, pairs, audience, late) * 16, [late * FOCUS_WEIGHT] * 2)


def test_a_passenger_is_as_far_as_what_it_rides_in() -> None:
    world, pairs, audience, client = table([160.0])
    world.add(2, placed_child((1.0, 0.0, 0.0)), 0, 1)
    pairs.tell(client, 2, 0, 0)
    world.set_owner(2, 9, 0, 0)
    near, child = urgency(all_lacking(world, pairs, audience, 10), world, pairs, audience, 10)
    assert near == child


def test_owners_are_told_what_their_predecessors_said_until_they_speak_for_themselves() -> None:
    world, pairs, audience, _ = table([0.0, 1.0])
    world.set_owner(1, 5, 0, 0)
    assert all_lacking(world, pairs, audience, 10).row.tolist() == [world.row(1), world.row(2)]
    world.seq[world.row(1)] = 0
    assert all_lacking(world, pairs, audience, 10).row.tolist() == [world.row(2)]
