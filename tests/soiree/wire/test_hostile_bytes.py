"""Whatever bytes arrive, they decode or give the one error; what decodes is within the bounds and encodes again."""

import random
from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from soiree.wire import control, records, state
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_CONTROL_BYTES
from soiree.wire.messages import Message
from tests.vectors import make

Decoder = Callable[[bytes], Any]
DECODERS: list[Decoder] = [
    control.decode_from_client,
    control.decode_from_relay,
    state.frame_type,
    state.unpack_header,
    state.sections,
    state.unpack_data,
    state.unpack_ping,
    state.unpack_pong,
    records.unpack_placed,
]
VALID = [
    bytes.fromhex(c["hex"]) for cases in (make.control_cases, make.frame_cases, make.placed_cases) for c in cases()
]
MESSAGES = [bytes.fromhex(case["hex"]) for case in make.control_cases()]


def attempt(decode: Decoder, data: bytes) -> Any:
    try:
        return decode(data)
    except WireError as error:
        assert str(error)
        return None


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__name__)
def test_ten_thousand_random_strings_decode_or_give_the_one_error(decode: Decoder) -> None:
    rng = random.Random(20)
    for _ in range(10_000):
        attempt(decode, rng.randbytes(rng.choice((0, 1, 3, 27, 28, 31, 60, 200))))


@pytest.mark.parametrize("decode", DECODERS, ids=lambda d: d.__name__)
def test_truncated_and_mutated_messages_decode_or_give_the_one_error(decode: Decoder) -> None:
    rng = random.Random(21)
    for data in VALID:
        for end in range(len(data)) if len(data) < 200 else (0, 1, 27, 100):
            attempt(decode, data[:end])
        for _ in range(40):
            mutated = bytearray(data)
            for _ in range(rng.randint(1, 4)):
                mutated[rng.randrange(len(mutated))] = rng.randrange(256)
            attempt(decode, bytes(mutated))


json_like = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=80)
    | st.binary(max_size=80),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_a_wrong_field_is_refused_and_the_number_is_kept(data: bytes, draw: st.DataObject) -> None:
    fields = msgpack.unpackb(data)
    fields[draw.draw(st.integers(2, len(fields) - 1))] = draw.draw(json_like)
    for decode in (control.decode_from_client, control.decode_from_relay):
        try:
            message = decode(msgpack.packb(fields))
        except WireError as error:
            assert error.n == fields[1]
        else:
            assert isinstance(message, Message)
            assert msgspec.msgpack.decode(control.encode(message), strict=False) is not None


@given(st.lists(json_like, max_size=6))
def test_unknown_types_keep_their_number(fields: list[Any]) -> None:
    data = msgpack.packb([100, 7, *fields])
    if len(data) <= MAX_CONTROL_BYTES:
        assert attempt(control.decode_from_client, data) in (control.Unknown(100, 7), None)


def test_fields_of_a_later_minor_version_are_passed_over() -> None:
    message = control.decode_from_client(msgpack.packb([20, 3, 9, "something new", {"x": 1}]))
    assert message == control.TYPES[20](3, 9)  # type: ignore[call-arg]  # Release: n, entity


def test_too_long_a_message_is_refused_both_ways() -> None:
    with pytest.raises(WireError):
        control.decode_from_client(bytes(MAX_CONTROL_BYTES + 1))
    with pytest.raises(WireError):
        control.encode(control.TYPES[3](0, "x", "y" * MAX_CONTROL_BYTES))  # type: ignore[call-arg]  # Error: n, code, message
