"""How people write servers down, and what is told of what cannot be read."""

import pytest

from soiree.rtc import IceServer
from soiree.rtc.ice_servers import read_ice_servers, read_stun_server, read_turn_urls, transport_of


def test_a_list_of_servers_is_read() -> None:
    said = '[{"urls": "stun:a.example"}, {"urls": ["turn:b.example", "turns:b.example"], "username": "u", "credential": "c"}]'
    assert read_ice_servers(said) == (
        IceServer(("stun:a.example",)),
        IceServer(("turn:b.example", "turns:b.example"), "u", "c"),
    )
    with pytest.raises(ValueError, match="is not a JSON list such as"):
        read_ice_servers('[{"url": "stun:a.example"}]')


def test_turn_urls_stand_between_commas() -> None:
    said = "turn:turn.example.org:3478?transport=udp, turns:[2001:db8::7]:443?transport=tcp,"
    urls = ("turn:turn.example.org:3478?transport=udp", "turns:[2001:db8::7]:443?transport=tcp")
    assert read_turn_urls(said) == urls
    assert [transport_of(url) for url in (*urls, "turn:a.example", "turn:a.example?transport=tcp")] == [
        "udp",
        "tls",
        "udp",
        "tcp",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "turn.example.org",
        "stun:a.example",
        "turn:",
        "turn:a.example:99999",
        "turn:a.example?transport=sctp",
        "turn://a",
        "turn::3478",
    ],
)
def test_what_is_no_turn_server_is_refused_in_words(said: str) -> None:
    with pytest.raises(ValueError, match="is no TURN server such as"):
        read_turn_urls(said)


def test_a_stun_server_is_host_and_port() -> None:
    assert read_stun_server("stun:stun.example.org") == ("stun.example.org", 3478)
    assert read_stun_server("stun:[2001:db8::7]:19302") == ("2001:db8::7", 19302)
    for wrong in ("stuns:a.example", "stun:a.example?transport=udp", "turn:a.example", "stun:", "stun:a.example:0"):
        with pytest.raises(ValueError, match="is no STUN server such as"):
            read_stun_server(wrong)
