"""One table of settings: in `--help`, in the documents, and in effect; what the command line says wins."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from party.__main__ import main
from party.config import SETTINGS, PartyConfig, misspelt, without_effect
from relay.config import RelayConfig
from signalling.config import HomeConfig
from soiree.settings import settings_table
from tests.house.pure_core import ROOT

NOTHING_SAID = PartyConfig(HomeConfig(), RelayConfig())


def test_help_and_hosting_tell_every_setting() -> None:
    told = CliRunner().invoke(main, ["party", "--help"]).output
    for setting in SETTINGS:
        assert f"{setting.variable} " in told
    assert settings_table(SETTINGS) in (ROOT / "docs" / "HOSTING.md").read_text()


def test_no_two_settings_share_a_variable() -> None:
    assert len({setting.variable for setting in SETTINGS}) == len(SETTINGS)


def test_options_win_and_leave_the_rest() -> None:
    config = NOTHING_SAID.with_options(port=9000, engine="none")
    assert (config.home.port, config.home.host, config.relay.engine) == (9000, HomeConfig().host, "none")


@pytest.mark.parametrize(
    ("host", "bind_address"),
    [("127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("0.0.0.0", None), ("::", None), ("party.local", None)],
)
def test_webrtc_uses_the_one_address_that_the_server_listens_on(host: str, bind_address: str | None) -> None:
    assert NOTHING_SAID.with_options(host=host).relay.rtc.bind_address == bind_address


def test_webrtc_wishes_for_the_same_port_as_http() -> None:
    assert NOTHING_SAID.with_options(port=9000).relay.wished_port == 9000
    assert NOTHING_SAID.with_options(port=0).relay.wished_port is None


def test_a_named_address_for_webrtc_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOIREE_BIND_ADDRESS", "127.0.0.2")
    assert PartyConfig.from_environment().with_options(host="127.0.0.1").relay.rtc.bind_address == "127.0.0.2"


@pytest.mark.parametrize(
    ("variable", "said"),
    [("SOIREE_ENGINE", "quic"), ("SOIREE_BIND_ADDRESS", "here"), ("SOIREE_UDP_PORT", "0"), ("PORT", "many")],
)
def test_a_wrong_setting_is_one_line_that_names_it(variable: str, said: str) -> None:
    result = CliRunner().invoke(main, ["party"], env={variable: said})
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {variable}: ")
    assert result.output.count("\n") == 1


def test_a_misspelt_setting_is_told_with_the_nearest_that_there_is() -> None:
    said = ["SOIREE_MAX_ROMS", "SOIREE_PORT", "SOIREE_XYZZY_42", "SOIREE_MAX_ROOMS", "PATH"]
    assert misspelt(said) == {
        "SOIREE_MAX_ROMS": "; did you mean SOIREE_MAX_ROOMS?",
        "SOIREE_PORT": "; did you mean PORT?",
        "SOIREE_XYZZY_42": "",
    }


def test_a_misspelt_setting_is_warned_of_at_the_start() -> None:
    # The bad secret keeps the server from serving; the warning comes before it.
    said = {"SOIREE_MAX_ROMS": "5", "SOIREE_SECRET": "short"}
    told = CliRunner().invoke(main, ["party"], env=said)
    assert told.exit_code == 1
    assert "Warning: SOIREE_MAX_ROMS is no setting; did you mean SOIREE_MAX_ROOMS?" in told.output


def test_one_udp_port_is_warned_of_where_the_engine_cannot_have_it() -> None:
    config = PartyConfig.from_environment().with_options(engine="aiortc")
    rtc = replace(config.relay.rtc, port=3478)
    assert without_effect(replace(config, relay=replace(config.relay, rtc=rtc))) == [
        "SOIREE_UDP_PORT has no effect: aiortc takes a port for each connection; name a range, 50000-50100"
    ]
    assert without_effect(config) == []
