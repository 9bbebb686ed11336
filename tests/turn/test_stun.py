"""The codec: the test vectors of RFC 5769, round trips, and bytes of any kind."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turn import integrity, stun
from turn.errors import BrokenError, RefusedError, StunError
from turn.integrity import Algorithm
from turn.stun import Attr, Class, Message, Method
from turn.values import read_xor_address, xor_address

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b151263b36"
    "000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
RESPONSE_IPV4 = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643"
    "000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
RESPONSE_IPV6 = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9"
    "00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
LONG_TERM = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c662f2f3439396b393534"
    "64364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e0712e85c9a28ca89666"
)
SHORT_TERM_PASSWORD = b"VOkJxbRl1RmTxUk/WvJxBt"


def test_the_request_of_rfc_5769() -> None:
    message = stun.decode(REQUEST)
    assert (message.method, message.cls, message.transaction) == (Method.BINDING, Class.REQUEST, TRANSACTION)
    assert message.first(Attr.SOFTWARE) == b"STUN test client"
    assert message.first(Attr.USERNAME) == b"evtj:h6vY"
    assert integrity.is_intact(message, Attr.MESSAGE_INTEGRITY, SHORT_TERM_PASSWORD)
    assert not integrity.is_intact(message, Attr.MESSAGE_INTEGRITY, b"another")


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (RESPONSE_IPV4, ("192.0.2.1", 32853)),
        (RESPONSE_IPV6, ("2001:db8:1234:5678:11:2233:4455:6677", 32853)),
    ],
)
def test_the_responses_of_rfc_5769(data: bytes, address: tuple[str, int]) -> None:
    message = stun.decode(data)
    mapped = message.first(Attr.XOR_MAPPED_ADDRESS)
    assert mapped is not None
    assert read_xor_address(mapped, TRANSACTION) == address
    assert xor_address(address, TRANSACTION) == mapped
    assert integrity.is_intact(message, Attr.MESSAGE_INTEGRITY, SHORT_TERM_PASSWORD)


def test_the_long_term_request_of_rfc_5769() -> None:
    message = stun.decode(LONG_TERM)
    username, realm = message.first(Attr.USERNAME), message.first(Attr.REALM)
    assert username == "マトリックス".encode()
    assert realm == b"example.org"
    key = integrity.long_term_key(username, realm, b"TheMatrIX")
    assert integrity.is_intact(message, Attr.MESSAGE_INTEGRITY, key)


def test_fingerprint_and_integrity_are_written_as_the_rfc_has_them() -> None:
    message = stun.decode(RESPONSE_IPV4)
    bare = stun.encode(Message(message.method, message.cls, message.transaction, list(message.attributes)[:2]))
    # The vector pads with a space; so do we here, for once.
    bare = bare.replace(b"test vector\0", b"test vector ")
    signed = integrity.protect(bare, Attr.MESSAGE_INTEGRITY, SHORT_TERM_PASSWORD)
    assert stun.add_fingerprint(signed) == RESPONSE_IPV4


KINDS = st.one_of(st.sampled_from(list(Attr)), st.integers(0, 0xFFFF))
MESSAGES = st.builds(
    Message,
    st.integers(0, 0xFFF),
    st.sampled_from(Class),
    st.binary(min_size=12, max_size=12),
    st.lists(
        st.tuples(
            st.integers(0, 0xFFFF).filter(
                lambda kind: kind not in (Attr.MESSAGE_INTEGRITY, Attr.MESSAGE_INTEGRITY_SHA256, Attr.FINGERPRINT)
            ),
            st.binary(max_size=40),
        ),
        max_size=12,
    ),
)


@given(MESSAGES)
def test_what_is_written_is_read_with_all_attributes_in_their_order(message: Message) -> None:
    assert stun.decode(stun.encode(message)) == message


@given(MESSAGES, st.sampled_from([Attr.MESSAGE_INTEGRITY, Attr.MESSAGE_INTEGRITY_SHA256]), st.data())
def test_integrity_holds_until_a_byte_is_another(message: Message, kind: Attr, data: st.DataObject) -> None:
    key = integrity.long_term_key(b"user", b"realm", b"pass", Algorithm.SHA256)
    signed = integrity.protect(stun.encode(message), kind, key)
    assert integrity.is_intact(stun.decode(signed), kind, key)
    broken = bytearray(signed)
    at = data.draw(st.integers(0, len(signed) - 1))
    broken[at] ^= data.draw(st.integers(1, 255))
    try:
        found = stun.decode(bytes(broken))
    except StunError:
        return
    # In the padding before it a byte counts too: it is covered.
    assert not integrity.is_intact(found, kind, key) or found.first(kind) is None


def test_what_follows_the_integrity_is_ignored() -> None:
    signed = integrity.protect(stun.encode(Message(1, Class.REQUEST, TRANSACTION)), Attr.MESSAGE_INTEGRITY, b"key")
    forged = stun.append(signed, Attr.XOR_PEER_ADDRESS, xor_address(("192.0.2.9", 9), TRANSACTION))
    message = stun.decode(stun.add_fingerprint(forged))
    assert [kind for kind, _ in message.attributes] == [Attr.MESSAGE_INTEGRITY, Attr.FINGERPRINT]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_one_kind_of_error(data: bytes) -> None:
    for candidate in (
        data,
        REQUEST[:8] + data,
        REQUEST[:20] + data,
        REQUEST[:2] + len(data).to_bytes(2) + REQUEST[4:20] + data,
    ):
        with contextlib.suppress(StunError):
            stun.decode(candidate)


@pytest.mark.parametrize("size", range(len(REQUEST)))
def test_a_truncated_message_is_an_error(size: int) -> None:
    with pytest.raises(StunError):
        stun.decode(REQUEST[:size])


def test_another_cookie_is_no_stun_and_a_wrong_fingerprint_is_broken() -> None:
    with pytest.raises(StunError, match="no STUN"):
        stun.decode(REQUEST[:4] + b"\x21\x12\xa4\x43" + REQUEST[8:])
    with pytest.raises(BrokenError):
        stun.decode(REQUEST[:-1] + b"\x00")


@given(st.binary(max_size=24))
def test_any_bytes_are_an_address_or_refused(value: bytes) -> None:
    try:
        address = read_xor_address(value, TRANSACTION)
    except RefusedError as refusal:
        assert refusal.code == 400
    else:
        assert xor_address(address, TRANSACTION)[1:] == value[1:]
