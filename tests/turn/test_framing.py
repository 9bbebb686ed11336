"""Messages over a stream come out the same however it is cut; what is none, or too long, ends it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turn import stun
from turn.errors import StunError
from turn.framing import Deframer
from turn.limits import MAX_STREAM_FRAME_BYTES
from turn.stun import Attr, Class, Message, Method

STUN = st.binary(max_size=60).map(
    lambda data: stun.encode(Message(Method.SEND, Class.INDICATION, bytes(12), [(Attr.DATA, data)]))
)
CHANNEL = st.tuples(st.integers(0x4000, 0x7FFF), st.binary(max_size=60)).map(
    lambda said: said[0].to_bytes(2) + len(said[1]).to_bytes(2) + said[1]
)


@given(st.lists(st.one_of(STUN, CHANNEL), max_size=8), st.lists(st.integers(0, 200), max_size=6))
def test_however_it_is_cut(messages: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(message + bytes(-len(message) % 4) for message in messages)
    at, deframer, found = 0, Deframer(), []
    for cut in [*sorted(cuts), len(stream)]:
        found += deframer.feed(stream[at:cut])
        at = max(at, min(cut, len(stream)))
    assert found == messages


@pytest.mark.parametrize("begin", [b"\x80\0\0\0", b"GET / HTTP", b"\xff" * 8])
def test_something_else_ends_it(begin: bytes) -> None:
    with pytest.raises(StunError):
        Deframer().feed(begin)


@pytest.mark.parametrize("first", [0x00, 0x40])
def test_too_long_a_message_ends_it_before_it_has_come(first: int) -> None:
    with pytest.raises(StunError, match="at most"):
        Deframer().feed(bytes((first, 1)) + MAX_STREAM_FRAME_BYTES.to_bytes(2))


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_one_error(data: bytes) -> None:
    with contextlib.suppress(StunError):
        Deframer().feed(data)
