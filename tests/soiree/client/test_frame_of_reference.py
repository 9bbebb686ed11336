"""Inward and outward are each other's reverse."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soiree.client.frame_of_reference import inward, outward
from soiree.wire.quantise import Quat
from soiree.wire.records import Transform

metres = st.floats(-1000, 1000)
places = st.tuples(metres, metres, metres)


@st.composite
def rotations(draw: st.DrawFn) -> Quat:
    c = draw(st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda c: sum(x * x for x in c) > 0.01))
    norm = math.sqrt(sum(x * x for x in c))
    return (c[0] / norm, c[1] / norm, c[2] / norm, c[3] / norm)


transforms = st.builds(Transform, places, rotations(), places)


@given(transforms, transforms)
def test_there_and_back(parent: Transform, local: Transform) -> None:
    again = inward(parent, outward(parent, local))
    assert again.position == pytest.approx(local.position, abs=1e-8)
    assert again.velocity == pytest.approx(local.velocity, abs=1e-8)
    assert abs(sum(a * b for a, b in zip(again.rotation, local.rotation, strict=True))) == pytest.approx(1.0)


def test_a_quarter_turn_about_y_turns_x_into_minus_z() -> None:
    half = math.sqrt(0.5)
    turned = outward(Transform((10, 0, 0), (0, half, 0, half)), Transform((1, 0, 0)))
    assert turned.position == pytest.approx((10, 0, -1))
