"""Settings are checked when made, and read from the environment in one place."""

from typing import Any

import pytest

from relay.config import RelayConfig, RoomConfig
from soiree.rtc.engine import IceServer
from soiree.settings import SettingError


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


def test_the_compiled_core_can_be_declined() -> None:
    assert RelayConfig.from_environment({}).compiled
    assert not RelayConfig.from_environment({"SOIREE_COMPILED": "off"}).compiled
    with pytest.raises(SettingError, match=r"^SOIREE_COMPILED: must be on or off, not '0'"):
        RelayConfig.from_environment({"SOIREE_COMPILED": "0"})


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


def test_a_range_of_ports_is_one_for_each_connection() -> None:
    rtc = RelayConfig.from_environment({"SOIREE_UDP_PORT": "50000-50100"}).rtc
    assert (rtc.port, rtc.port_range) == (None, (50000, 50100))
    rtc = RelayConfig.from_environment({"SOIREE_UDP_PORT": "50000 - 50000"}).rtc
    assert (rtc.port, rtc.port_range) == (50000, None)


def test_public_addresses_are_named_or_asked_for() -> None:
    config = RelayConfig.from_environment({"SOIREE_PUBLIC_ADDRESS": "198.51.100.7, 2001:DB8::7, party.example.org"})
    assert config.public_addresses == ("198.51.100.7", "2001:db8::7", "party.example.org")
    config = RelayConfig.from_environment({"SOIREE_PUBLIC_ADDRESS": "stun:stun.example.org:19302"})
    assert (config.public_addresses, config.public_address_from) == ((), ("stun.example.org", 19302))


def test_a_local_address_may_be_a_name_as_on_fly() -> None:
    config = RelayConfig.from_environment({"SOIREE_BIND_ADDRESS": "fly-global-services"})
    assert config.rtc.bind_address == "fly-global-services"


def test_servers_for_the_relay_itself_are_read() -> None:
    said = '[{"urls": ["turn:turn.example.org?transport=tcp"], "username": "u", "credential": "c"}]'
    config = RelayConfig.from_environment({"SOIREE_RELAY_ICE_SERVERS": said})
    assert config.rtc.ice_servers == (IceServer(("turn:turn.example.org?transport=tcp",), "u", "c"),)


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("SOIREE_PUBLIC_ADDRESS", "somewhere"),
        ("SOIREE_PUBLIC_ADDRESS", "198.51.100"),
        ("SOIREE_PUBLIC_ADDRESS", "stun:"),
        ("SOIREE_BIND_ADDRESS", "eth0"),
        ("SOIREE_RELAY_ICE_SERVERS", "turn:host"),
    ],
)
def test_what_is_no_address_is_refused(variable: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{variable}: "):
        RelayConfig.from_environment({variable: said})


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "50100-50000", "1-", "-", "1-2-3"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match=r"^SOIREE_UDP_PORT: "):
        RelayConfig.from_environment({"SOIREE_UDP_PORT": port})
