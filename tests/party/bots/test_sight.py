"""The rules of interest, as bots hold the relay to them."""

import pytest

from party.bots.sight import Duty, Sight
from party.bots.sightings import LINGER_M, MARGIN_M, RADIUS_M
from soiree.client.entity import Account

VEHICLE, CABIN, RIDER = 10, 11, 12
ME, DRIVER, FRIEND = 2, 3, 4


def account(owner: int, parent: int = 0) -> Account:
    return Account(owner, owner, "allow", 1, parent, (), ((0,), None, None))


def sight(far_m: float) -> Sight:
    """A vehicle at a distance from all; its cabin, in which FRIEND rides."""
    made = Sight({ME: (0.0, 0.0), DRIVER: (0.0, 0.0), FRIEND: (0.0, 0.0)})
    things = {VEHICLE: account(DRIVER), CABIN: account(DRIVER, VEHICLE), RIDER: account(FRIEND, CABIN)}
    made.take(things, {VEHICLE: (0.0, far_m)})
    return made


@pytest.mark.parametrize(
    ("far_m", "duty"),
    [
        (0.0, Duty.MUST),
        (RADIUS_M - MARGIN_M, Duty.MUST),
        (RADIUS_M, Duty.MAY),
        (RADIUS_M + LINGER_M, Duty.MAY),
        (RADIUS_M + LINGER_M + MARGIN_M + 1, Duty.MUST_NOT),
    ],
)
def test_a_whole_tree_is_as_far_away_as_its_root(far_m: float, duty: Duty) -> None:
    assert {sight(far_m).duty(ME, entity) for entity in (VEHICLE, CABIN, RIDER)} == {duty}


@pytest.mark.parametrize("peer", [DRIVER, FRIEND])
def test_the_tree_of_what_is_ones_own_is_always_known(peer: int) -> None:
    assert {sight(5000.0).duty(peer, entity) for entity in (VEHICLE, CABIN, RIDER)} == {Duty.MUST}


def test_of_what_nobody_can_say_where_it_is_nothing_is_asked() -> None:
    assert sight(0.0).duty(ME, 99) is Duty.MAY
    assert sight(0.0).duty(5, VEHICLE) is Duty.MAY
