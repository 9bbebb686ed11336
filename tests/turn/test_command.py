"""`python -m turn`, and its settings."""

import asyncio
import signal
import sys
from dataclasses import fields
from ipaddress import ip_network
from pathlib import Path

import pytest
from click.testing import CliRunner

from soiree.settings import SettingError
from turn.__main__ import main
from turn.config import SETTINGS, TurnConfig
from turn.limits import Quotas

SECRET = {"SOIREE_TURN_SECRET": "north wind"}


async def test_it_says_where_it_listens_and_ends_in_order() -> None:
    command = [sys.executable, "-m", "turn", "--listen", "127.0.0.1:0", "--secret", "north wind"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), 20)
    assert line.startswith(b"turn: turn:127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "SOIREE_TURN_SECRET: is needed"),
        (["--secret", "short"], "at least 8 characters"),
        (["--secret", "long enough", "--listen", "nowhere"], "is not ADDRESS:PORT"),
        (["--secret", "long enough", "--port-range", "9"], "LOW-HIGH"),
        (["--secret", "long enough", "--port-range", "9-10"], "within 1024-65535"),
        (["--secret", "long enough", "--allow-peers", "all"], "does not appear to be"),
        (["--secret", "long enough", "--listen", "192.0.2.1:0"], "cannot listen on 192.0.2.1"),
        (["--secret", "long enough", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"], "TLS needs both"),
        (
            ["--secret", "long enough", "--listen", "127.0.0.1:0", "--relay-address", "127.0.0.1,127.0.0.2"],
            "one address of each family",
        ),
    ],
)
def test_what_cannot_work_is_said(options: list[str], words: str) -> None:
    result = CliRunner().invoke(main, options, env={setting.variable: "" for setting in SETTINGS})
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


def test_help_lists_every_variable() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    assert all(setting.variable in said for setting in SETTINGS)


def test_the_environment_sets_what_its_table_says() -> None:
    said = {
        "SOIREE_TURN_LISTEN": "127.0.0.1:3000, [::1]:3001",
        "SOIREE_TURN_TLS_CERT": "a.pem",
        "SOIREE_TURN_TLS_KEY": "b.pem",
        "SOIREE_TURN_REALM": "r",
        "SOIREE_TURN_RELAY_ADDRESS": "127.0.0.1,::1",
        "SOIREE_TURN_EXTERNAL_ADDRESS": "203.0.113.1",
        "SOIREE_TURN_PORT_RANGE": "50000-50100",
        "SOIREE_TURN_ALLOW_PEERS": "10.0.0.0/8",
        "SOIREE_TURN_MAX_ALLOCATIONS": "5",
        "SOIREE_TURN_PER_USER": "4",
        "SOIREE_TURN_PER_ADDRESS": "3",
        "SOIREE_TURN_KBIT_S": "8",
    }
    assert TurnConfig.from_environment(SECRET | said) == TurnConfig(
        "north wind",
        listen=(("127.0.0.1", 3000), ("::1", 3001)),
        tls_listen=(("127.0.0.1", 5349), ("::1", 5349)),
        tls_cert=Path("a.pem"),
        tls_key=Path("b.pem"),
        realm="r",
        relay_addresses=("127.0.0.1", "::1"),
        external_addresses=("203.0.113.1",),
        port_range=(50000, 50100),
        allow_peers=(ip_network("10.0.0.0/8"),),
        quotas=Quotas(5, 4, 3, bytes_per_s=1000),
    )


def test_every_setting_is_of_the_config_or_its_quotas() -> None:
    known = {field.name for made in (TurnConfig, Quotas) for field in fields(made)}
    assert {setting.field for setting in SETTINGS} <= known


def test_the_secret_is_not_shown() -> None:
    assert "north" not in repr(TurnConfig("north wind"))


def test_two_relayed_addresses_of_one_family_are_refused() -> None:
    with pytest.raises(SettingError, match="SOIREE_TURN_EXTERNAL_ADDRESS"):
        TurnConfig("north wind", external_addresses=("192.0.2.1", "192.0.2.2"))
