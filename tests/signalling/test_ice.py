"""Servers that a peer is told of: fixed ones, and a TURN server with credentials that are its own and lapse."""

from signalling.config import HomeConfig
from signalling.ice import configured_ice_servers
from soiree.rtc.engine import IceServer
from soiree.turn_credentials import time_limited

STUN = IceServer(("stun:stun.example.org",))
NOW = 1_700_000_000.4


def test_nothing_configured_is_nothing_told() -> None:
    assert configured_ice_servers(HomeConfig())(peer_id=7, base_url="http://a", now=NOW) == ()


def test_the_form_is_coturn_s() -> None:
    # Made with `openssl dgst -sha1 -hmac north -binary | base64`.
    assert time_limited("north", "7", 1700000600) == ("1700000600:7", "L0yC7/asGQikCAeB+RbDnSboTiI=")


def test_each_peer_has_its_own_credentials_and_they_lapse() -> None:
    config = HomeConfig(ice_servers=(STUN,), turn_urls=("turn:a", "turn:a?transport=tcp"), turn_secret="north")
    give = configured_ice_servers(config)
    fixed, turn = give(peer_id=7, base_url="http://a", now=NOW)
    assert fixed == STUN
    assert turn.urls == config.turn_urls
    assert (turn.username, turn.credential) == time_limited("north", "7", 1700000600)
    others = give(peer_id=8, base_url="http://a", now=NOW)[1]
    later = give(peer_id=7, base_url="http://a", now=NOW + 1)[1]
    assert len({turn.credential, others.credential, later.credential}) == 3


def test_a_server_in_this_process_is_told_of_under_the_name_that_the_peer_knows() -> None:
    def beside(host: str) -> tuple[str, ...]:
        return (f"turn:{host}:3478",)

    give = configured_ice_servers(HomeConfig(), beside, "south")
    (turn,) = give(peer_id=7, base_url="https://party.example.org:8443", now=NOW)
    assert turn.urls == ("turn:party.example.org:3478",)
    assert turn.credential == time_limited("south", "7", 1700000600)[1]
    named = HomeConfig(turn_urls=("turn:a",), turn_secret="north")
    (turn,) = configured_ice_servers(named, beside, "south")(peer_id=7, base_url="http://b", now=NOW)
    assert turn.urls == ("turn:a",)
