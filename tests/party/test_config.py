"""One table of settings: in `--help`, in the documents, and in effect; what the command line says wins."""

import pytest
from click.testing import CliRunner

from party.__main__ import main
from party.config import SETTINGS, PartyConfig
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
