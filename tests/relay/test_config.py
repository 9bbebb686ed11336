"""Settings are checked when made, and read from the environment in one place."""

from typing import Any

import pytest

from relay.config import RelayConfig, RoomConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"lapse_after_s": 0.0},
        {"lapse_after_s": 11.0},
        {"left_after_s": 0.0},
        {"ping_every_s": -1.0},
        {"control_rate_per_s": 0.0},
        {"state_frames_per_s": 0.0},
        {"control_burst": 0.0},
        {"malformed_limit": 0},
        {"max_entities_per_peer": 4097},
        {"max_entities": 131073},
        {"max_entities": 0},
    ],
)
def test_a_room_that_could_not_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RoomConfig(**wrong)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="engine"):
        RelayConfig(engine="quic")


def test_a_rate_that_is_no_whole_part_of_the_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="serve_hz"):
        RelayConfig(serve_hz=25)
    with pytest.raises(ValueError, match=r"^SOIREE_SERVE_HZ: "):
        RelayConfig.from_environment({"SOIREE_SERVE_HZ": "25"})
    assert RelayConfig.from_environment({"SOIREE_SERVE_HZ": "20"}).serve_hz == 20


def test_the_environment_is_read() -> None:
    config = RelayConfig.from_environment(
        {
            "SOIREE_RELAY_ID": "r1",
            "SOIREE_ENGINE": "aiortc",
            "SOIREE_BIND_ADDRESS": "127.0.0.1",
            "SOIREE_UDP_PORT": "3478",
        }
    )
    assert (config.relay_id, config.engine, config.rtc.bind_address, config.rtc.port) == (
        "r1",
        "aiortc",
        "127.0.0.1",
        3478,
    )
    assert RelayConfig.from_environment({}) == RelayConfig()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match=r"^SOIREE_UDP_PORT: "):
        RelayConfig.from_environment({"SOIREE_UDP_PORT": port})
