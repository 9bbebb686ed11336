"""Data both ways: with a permission, by channel or indication, to those peers that may be reached, within the bandwidth."""

from collections.abc import Callable
from ipaddress import ip_network

import pytest

from tests.turn.desk import EXTERNAL, PEER, RELAY, Desk, Guest, code
from turn import stun
from turn.limits import MAX_CHANNELS, MAX_PERMISSIONS, Quotas
from turn.outputs import Output, ToClient, ToPeer
from turn.stun import Attr
from turn.values import read_xor_address


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def guest(desk: Desk) -> Guest:
    made = Guest(desk)
    made.allocate()
    return made


def heard(outputs: list[Output]) -> list[bytes]:
    return [out.data for out in outputs if isinstance(out, ToClient)]


def test_without_a_permission_nothing_passes(desk: Desk, guest: Guest) -> None:
    assert guest.send(PEER, b"out") == []
    assert heard(desk.from_peer(guest.relay, PEER, b"in")) == []


def test_indications_pass_both_ways_whatever_the_peers_port(desk: Desk, guest: Guest) -> None:
    guest.permit(PEER)
    other_port = (PEER[0], 9)
    assert guest.send(other_port, b"out") == [ToPeer(guest.relay, other_port, b"out")]
    (data,) = heard(desk.from_peer(guest.relay, other_port, b"in"))
    message = stun.decode(data)
    value = message.first(Attr.XOR_PEER_ADDRESS)
    assert value is not None
    assert read_xor_address(value, message.transaction) == other_port
    assert message.first(Attr.DATA) == b"in"
    (sent,) = guest.send(PEER, b"whole", (Attr.DONT_FRAGMENT, b""))
    assert sent.dont_fragment


def test_a_permission_ends_after_300_s_and_can_be_refreshed(desk: Desk, guest: Guest) -> None:
    guest.permit(PEER)
    desk.later(299)
    guest.permit(PEER)
    desk.later(299)
    assert guest.send(PEER, b"out")
    desk.later(1)
    assert not guest.send(PEER, b"out")


def test_a_channel_carries_both_ways_and_ends_after_600_s(desk: Desk, guest: Guest) -> None:
    assert code(guest.bind(0x4001, PEER)) == 0
    assert guest.say(0x4001, b"out") == [ToPeer(guest.relay, PEER, b"out")]
    assert heard(desk.from_peer(guest.relay, PEER, b"in")) == [b"\x40\x01\0\x02in"]
    desk.later(301)  # its permission is over, it is not
    assert guest.say(0x4001, b"out") == []
    assert code(guest.bind(0x4001, PEER)) == 0
    desk.later(299)
    guest.ask(stun.Method.REFRESH)
    desk.later(301)
    assert guest.say(0x4001, b"out") == []


def test_a_channel_is_one_peers_and_a_peer_has_one(guest: Guest) -> None:
    assert code(guest.bind(0x4001, PEER)) == 0
    assert code(guest.bind(0x4001, PEER)) == 0
    assert code(guest.bind(0x4001, ("198.51.100.8", 1))) == 400
    assert code(guest.bind(0x4002, PEER)) == 400
    assert code(guest.bind(0x3FFF, ("198.51.100.8", 1))) == 400
    assert code(guest.bind(0x8000, ("198.51.100.8", 1))) == 400


@pytest.mark.parametrize("cut", range(7))
def test_channel_data_that_is_cut_short_is_dropped(desk: Desk, guest: Guest, cut: int) -> None:
    guest.bind(0x4001, PEER)
    whole = b"\x40\x01\0\x03out"
    assert not [out for out in desk.hear(guest.client, whole[:cut]) if isinstance(out, ToPeer)]


REFUSED = [
    *(
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
    ),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"),
]


@pytest.mark.parametrize("host", REFUSED)
def test_peers_inside_are_refused(desk: Desk, host: str) -> None:
    guest = Guest(desk)
    guest.allocate((Attr.ADDITIONAL_ADDRESS_FAMILY, b"\x02\0\0\0"))
    assert code(guest.permit((host, 80))) == 403
    assert code(guest.bind(0x4001, (host, 80))) == 403
    assert guest.send((host, 80), b"in") == []


@pytest.mark.parametrize("host", [RELAY, EXTERNAL])
def test_this_server_is_refused_but_for_its_ice_ports_and_relayed_addresses(
    desk: Desk, guest: Guest, host: str
) -> None:
    assert code(guest.permit((host, 22))) == 403
    desk.own.add((host, 7000))
    assert code(guest.permit((host, 7000))) == 0
    assert guest.send((host, 7000), b"ice")
    assert not guest.send((host, 22), b"ssh")


def test_a_network_may_be_opened() -> None:
    guest = Guest(Desk(allowed=[ip_network("10.0.0.0/8")]))
    guest.allocate()
    assert code(guest.permit(("10.2.3.4", 5))) == 0
    assert code(guest.permit(("192.168.1.1", 5))) == 403


def test_two_clients_meet_by_their_relayed_addresses(desk: Desk) -> None:
    ada, bob = Guest(desk, 1, "ada"), Guest(desk, 2, "bob")
    ada.allocate()
    bob.allocate()
    to_bob, to_ada = (EXTERNAL, bob.relay[1]), (EXTERNAL, ada.relay[1])
    assert code(ada.permit(to_bob)) == code(bob.permit(to_ada)) == 0
    assert ada.send(to_bob, b"hi") == [ToPeer(ada.relay, bob.relay, b"hi")]  # no router need turn it round
    (data,) = heard(desk.from_peer(bob.relay, ada.relay, b"hi"))
    message = stun.decode(data)
    value = message.first(Attr.XOR_PEER_ADDRESS)
    assert value is not None
    assert read_xor_address(value, message.transaction) == to_ada


def bind_many(guest: Guest) -> list[int]:
    return [code(guest.bind(0x4000 + n, (f"198.51.100.{n % 8 + 1}", 1000 + n))) for n in range(MAX_CHANNELS + 1)]


def permit_many(guest: Guest) -> list[int]:
    return [code(guest.permit((f"198.51.{n // 250}.{n % 250 + 1}", 1))) for n in range(MAX_PERMISSIONS + 1)]


@pytest.mark.parametrize("fill", [bind_many, permit_many])
def test_channels_and_permissions_are_bounded(guest: Guest, fill: Callable[[Guest], list[int]]) -> None:
    *taken, refused = fill(guest)
    assert set(taken) == {0}
    assert refused == 508


def test_bandwidth_is_capped_each_way() -> None:
    desk = Desk(Quotas(bytes_per_s=1000))
    guest = Guest(desk)
    guest.allocate()
    guest.permit(PEER)
    assert sum(bool(guest.send(PEER, bytes(100))) for _ in range(20)) == 10
    assert sum(bool(heard(desk.from_peer(guest.relay, PEER, bytes(100)))) for _ in range(20)) == 10
    desk.later(0.5)
    assert sum(bool(guest.send(PEER, bytes(100))) for _ in range(20)) == 5
