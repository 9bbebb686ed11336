"""The gate before the WebRTC stacks, and the rung of a pair."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soiree.rtc.certificate import process_certificate
from soiree.rtc.errors import SdpError
from soiree.rtc.ladder import rung_of
from soiree.rtc.sdp import (
    MAX_REMOTE_CANDIDATES,
    MAX_SDP_BYTES,
    RemoteCandidates,
    admit,
    endpoint_of,
    has_all_candidates,
)
from soiree.transport import Rung

OFFER = "\r\n".join(
    [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:EsAw",
        "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1",
        "a=fingerprint:sha-256 " + ":".join(["D2"] * 32),
        "a=setup:actpass",
        "a=mid:0",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "",
    ]
)
HOST = "candidate:842163049 1 udp 1677729535 192.0.2.7 44323 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999"


def test_an_honest_description_passes_unchanged() -> None:
    remote = RemoteCandidates()
    assert admit(OFFER + f"a={HOST}\r\na=end-of-candidates\r\n", remote) == (
        OFFER + f"a={HOST}\r\na=end-of-candidates\r\n",
        0,
    )
    assert remote.kind("192.0.2.7", 44323, "prflx") == "srflx"
    assert remote.kind("192.0.2.8", 44323, "prflx") == "prflx"


def test_the_end_of_candidates_goes_with_the_last_usable_one() -> None:
    hidden = "a=candidate:1 1 udp 1 0b0c0d0e.local 5000 typ host\r\n"
    admitted, refused = admit(OFFER + hidden + "a=end-of-candidates\r\n", RemoteCandidates())
    assert refused == 1
    assert not has_all_candidates(admitted)
    assert admitted == OFFER


def test_candidates_past_the_bound_are_taken_out() -> None:
    lines = "".join(f"a=candidate:1 1 udp 1 192.0.2.7 {port} typ host\r\n" for port in range(5000, 5100))
    admitted, refused = admit(OFFER + lines, RemoteCandidates())
    assert admitted.count("a=candidate") == MAX_REMOTE_CANDIDATES
    assert refused == 100 - MAX_REMOTE_CANDIDATES


def test_a_description_past_its_bound_is_refused() -> None:
    filler = "a=x:" + "y" * MAX_SDP_BYTES + "\r\n"
    with pytest.raises(SdpError, match="longer"):
        admit(OFFER + filler, RemoteCandidates())


@given(st.text())
def test_any_text_is_admitted_or_an_sdp_error(text: str) -> None:
    with pytest.raises(SdpError):
        admit(text, RemoteCandidates())


@given(st.integers(0, len(OFFER)), st.integers(0, 40), st.text(max_size=40))
def test_any_edit_of_an_offer_is_admitted_or_an_sdp_error(at: int, cut: int, put: str) -> None:
    try:
        admitted, _ = admit(OFFER[:at] + put + OFFER[at + cut :], RemoteCandidates())
    except SdpError:
        return
    assert admitted.count("\r\nm=") == 1


@given(st.text())
def test_any_candidate_points_somewhere_or_nowhere(text: str) -> None:
    endpoint = endpoint_of("candidate:" + text)
    assert endpoint is None or 0 < endpoint.port < 65536


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
@pytest.mark.parametrize("kind", ["host", "srflx", "prflx", "relay"])
def test_a_candidate_of_each_kind_is_understood(address: str, kind: str) -> None:
    endpoint = endpoint_of(f"candidate:a+/9 1 UDP 2114977791 {address} 43169 typ {kind}")
    assert endpoint is not None
    assert (endpoint.address, endpoint.port, endpoint.kind) == (address, 43169, kind)


@pytest.mark.parametrize(
    ("local", "remote", "offering", "protocol", "rung"),
    [
        ("host", "host", True, "udp", Rung.DIRECT),
        ("prflx", "host", True, "udp", Rung.DIRECT),
        ("host", "prflx", False, "udp", Rung.DIRECT),
        ("host", "srflx", True, "udp", Rung.STUN),
        ("host", "prflx", True, "udp", Rung.STUN),
        ("srflx", "host", False, "udp", Rung.STUN),
        ("relay", "host", True, "udp", Rung.TURN_UDP),
        ("relay", "host", True, "tcp", Rung.TURN_TCP),
        ("relay", "host", True, "tls", Rung.TURN_TCP),
        ("host", "relay", False, "udp", Rung.TURN_UDP),
        ("host", "relay", True, "udp", Rung.TURN_UDP),
    ],
)
def test_the_rung_of_a_pair(local: str, remote: str, offering: bool, protocol: str, rung: Rung) -> None:
    assert rung_of(local, remote, offering=offering, relay_protocol=protocol) == rung


def test_the_certificate_is_made_once() -> None:
    certificate, key = process_certificate()
    assert process_certificate() == (certificate, key)
    assert certificate.startswith("-----BEGIN CERTIFICATE-----")
    assert key.startswith("-----BEGIN PRIVATE KEY-----")
