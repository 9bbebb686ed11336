"""Public addresses beside one's own, in descriptions that both stacks and browsers read."""

import pytest

from soiree.rtc.announce import PublicAddress, announce, endpoints
from soiree.rtc.sdp import candidates_of, endpoint_of

SDP = """v=0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=candidate:2 1 UDP 2116026111 2001:db8::2 48123 typ host
a=candidate:1 1 UDP 2114977791 10.0.0.2 48123 typ host
a=candidate:3 1 UDP 1678769919 198.51.100.9 50000 typ srflx raddr 10.0.0.2 rport 48123
a=end-of-candidates
""".replace("\n", "\r\n")


def new_in(sdp: str) -> list[str]:
    return sorted(candidates_of(sdp) - candidates_of(SDP))


def test_a_public_address_stands_beside_those_of_its_family_with_their_port() -> None:
    told = announce(SDP, (PublicAddress("198.51.100.7"), PublicAddress("2001:db8:1::7")))
    assert new_in(told) == [
        "candidate:1p1 1 UDP 2114977535 198.51.100.7 48123 typ host",
        "candidate:2p2 1 UDP 2116025599 2001:db8:1::7 48123 typ host",
    ]
    assert told.splitlines()[-1] == "a=end-of-candidates"
    assert told.endswith("\r\n")


def test_what_a_stun_server_saw_is_told_as_reflexive() -> None:
    (line,) = new_in(announce(SDP, (PublicAddress("198.51.100.7", "srflx"),)))
    assert line.endswith(" 198.51.100.7 48123 typ srflx raddr 10.0.0.2 rport 48123")
    assert int(line.split()[3]) >> 24 == 100


@pytest.mark.parametrize("address", ["10.0.0.2", "2001:db8:0::2"])
def test_an_address_that_is_told_already_is_not_told_twice(address: str) -> None:
    assert announce(SDP, (PublicAddress(address),)) == SDP


def test_two_own_addresses_with_one_port_are_one_public_address() -> None:
    two = SDP.replace(
        "a=end",
        "a=candidate:4 1 udp 2113000000 10.1.0.2 48123 typ host\r\na=candidate:5 1 udp 2112 10.1.0.2 48124 typ host\r\na=end",
    )
    told = announce(two, (PublicAddress("198.51.100.7"),))
    assert sum(" 198.51.100.7 48123 " in line for line in told.splitlines()) == 1
    assert sum(" 198.51.100.7 48124 " in line for line in told.splitlines()) == 1


def test_every_line_that_is_made_passes_the_gate_of_the_other_side() -> None:
    told = announce(
        SDP.replace(":1 1", f":{'f' * 32} 1"), (PublicAddress("198.51.100.7", "srflx"), PublicAddress("2001:db8::9"))
    )
    assert all(endpoint_of(line) for line in candidates_of(told))


def test_nothing_public_changes_nothing() -> None:
    assert announce(SDP, ()) == SDP


def test_endpoints_are_where_candidates_point() -> None:
    assert endpoints(SDP) == {("2001:db8::2", 48123), ("10.0.0.2", 48123), ("198.51.100.9", 50000)}
