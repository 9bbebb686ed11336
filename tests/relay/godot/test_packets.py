"""What is read of Godot's packets, and what is not."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.godot import packets
from relay.godot.packets import Auth, PacketError, Relay, Simplify, ToServer, read

IDS = st.integers(-(2**31), 2**31 - 1)
INNER = st.binary(min_size=1).filter(lambda inner: inner[0] & 7 != 7)


@given(st.binary())
def test_no_bytes_raise_anything_but_a_packet_error(packet: bytes) -> None:
    try:
        found = read(packet)
    except PacketError:
        return
    assert isinstance(found, Auth | Relay | Simplify | ToServer)


@given(st.sampled_from([0, 1, 2, 3]), IDS, st.binary(max_size=8), st.integers(0, 14))
def test_truncated_sys_packets_never_raise_past_the_codec(sub: int, peer: int, rest: bytes, length: int) -> None:
    packet = (struct.pack("<BBi", 7, sub, peer) + rest)[:length]
    try:
        found = read(packet)
    except PacketError:
        return
    assert isinstance(found, Auth if sub == 0 else Relay)


@given(IDS, INNER, st.integers(0, 15))
def test_relay_round_trips_whatever_the_flags(peer: int, inner: bytes, flags: int) -> None:
    packet = bytes([7 | flags << 4]) + packets.relayed(peer, inner)[1:]
    assert read(packet) == Relay(peer, inner)


@given(st.integers(0, 2**32 - 1), st.text(min_size=1).filter(lambda path: "\0" not in path))
def test_simplify_is_read_as_godot_writes_it(cache_id: int, path: str) -> None:
    for digest, has_calls in ((packets.MD5_OF_NOTHING, False), (b"0" * 32, True)):
        packet = b"\x01" + digest + b"\0" + struct.pack("<I", cache_id) + path.encode() + b"\0"
        assert read(packet) == Simplify(cache_id, has_calls)
        for length in range(len(packet)):
            with pytest.raises(PacketError):
                read(packet[:length]) if length < 39 else read(packet[:38])


def test_bytes_are_those_seen_on_the_wire() -> None:
    assert packets.add_peer(2) == bytes.fromhex("070102000000")
    assert packets.del_peer(2) == bytes.fromhex("070202000000")
    assert packets.relayed(5, b"\x03hi") == bytes.fromhex("070305000000036869")
    assert packets.auth_complete() == bytes.fromhex("0700")
    assert packets.confirm_path(7) == bytes.fromhex("020107000000")
    assert read(bytes.fromhex("0700")) == Auth(complete=True)
    assert read(bytes.fromhex("070041")) == Auth(complete=False)


@pytest.mark.parametrize(
    "packet",
    ["", "07", "0701", "070102000000", "070202000000", "0709", "0703", "0703020000", "070302000000", "07030200000007"],
)
def test_what_no_client_sends_is_refused(packet: str) -> None:
    with pytest.raises(PacketError):
        read(bytes.fromhex(packet))
