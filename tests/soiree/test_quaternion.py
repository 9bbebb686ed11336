"""Rotations compose, undo themselves and keep lengths."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soiree.quaternion import inverse, multiply, rotate, slerp
from soiree.wire.quantise import IDENTITY, Quat, Vec3

vectors = st.tuples(*[st.floats(-100, 100)] * 3)


def unit(parts: tuple[float, float, float, float]) -> Quat:
    norm = math.hypot(*parts)
    x, y, z, w = (part / norm for part in parts)
    return (x, y, z, w)


rotations = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda parts: math.hypot(*parts) > 0.1).map(unit)


@given(rotations, rotations, vectors)
def test_a_product_turns_by_the_second_then_by_the_first(a: Quat, b: Quat, v: Vec3) -> None:
    assert rotate(multiply(a, b), v) == pytest.approx(rotate(a, rotate(b, v)), abs=1e-9)


@given(rotations, vectors)
def test_the_inverse_turns_back_and_lengths_stay(a: Quat, v: Vec3) -> None:
    assert rotate(inverse(a), rotate(a, v)) == pytest.approx(v, abs=1e-9)
    assert math.hypot(*rotate(a, v)) == pytest.approx(math.hypot(*v), abs=1e-9)


def test_a_quarter_turn_about_y_takes_z_to_x() -> None:
    quarter = (0.0, math.sin(math.pi / 4), 0.0, math.cos(math.pi / 4))
    assert rotate(quarter, (0.0, 0.0, 1.0)) == pytest.approx((1.0, 0.0, 0.0))
    assert rotate(IDENTITY, (1.0, 2.0, 3.0)) == (1.0, 2.0, 3.0)


def apart(a: Quat, b: Quat) -> float:
    """Radians from one rotation to the other."""
    x, y, z, w = multiply(a, inverse(b))
    return 2 * math.atan2(math.hypot(x, y, z), abs(w))


@given(rotations, rotations, st.floats(0, 1))
def test_between_two_rotations_one_turns_at_an_even_pace_on_the_shorter_way(a: Quat, b: Quat, share: float) -> None:
    between = slerp(a, b, share)
    assert math.hypot(*between) == pytest.approx(1.0)
    # The straight line that stands for the arc between rotations that are nearly alike is off by less than 1e-4 rad.
    assert apart(a, between) == pytest.approx(share * apart(a, b), abs=1e-4)
    assert apart(between, b) == pytest.approx((1 - share) * apart(a, b), abs=1e-4)
