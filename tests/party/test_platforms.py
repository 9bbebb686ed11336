"""Where one port alone is open, nobody is told of a WebRTC that cannot work."""

from dataclasses import replace

import pytest

from party.config import PartyConfig
from party.platforms import one_port_platform
from relay.config import RelayConfig
from signalling.config import HomeConfig
from soiree.rtc.engine import EngineConfig, IceServer

NOTHING_SAID = PartyConfig(HomeConfig(), RelayConfig())


@pytest.mark.parametrize(
    ("environment", "platform"),
    [
        ({"DYNO": "web.1", "PORT": "5000"}, "Heroku"),
        ({"RENDER": "true"}, "Render"),
        ({"RAILWAY_ENVIRONMENT_NAME": "production"}, "Railway"),
        ({"K_SERVICE": "party"}, "Cloud Run"),
        ({"CONTAINER": "web-1"}, "Scalingo"),
        ({"CONTAINER": "podman"}, None),
        ({"FLY_APP_NAME": "party"}, None),
        ({"DYNO": ""}, None),
        ({}, None),
    ],
)
def test_platforms_are_known_by_what_they_set(environment: dict[str, str], platform: str | None) -> None:
    assert one_port_platform(environment) == platform


def test_webrtc_is_left_out_and_the_reason_told() -> None:
    config = NOTHING_SAID.on_platform("Heroku")
    assert (config.relay.engine, config.why_no_webrtc) == ("none", "Heroku lets no UDP in")
    assert config.with_options(engine="auto").relay.engine == "none"
    assert config.with_options(engine="aiortc").relay.engine == "aiortc"
    assert NOTHING_SAID.on_platform(None) == NOTHING_SAID


def test_an_engine_that_was_named_and_a_relay_behind_turn_stay() -> None:
    named = replace(NOTHING_SAID, relay=RelayConfig(engine="aiortc"))
    turn = EngineConfig(ice_servers=(IceServer(("turn:turn.example.org?transport=tcp",), "u", "c"),))
    behind_turn = replace(NOTHING_SAID, relay=RelayConfig(rtc=turn))
    assert named.on_platform("Render") == named
    assert behind_turn.on_platform("Render") == behind_turn
