"""`soiree party` as a person or a hosting platform runs it."""

import os
import re
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from signalling.config import SETTINGS
from soiree import rtc
from tests.system.party_process import ROOT, command, party


def _run(folder: Path, *options: str, env: Mapping[str, str] = {}) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOIREE_DATA_DIR": str(folder), **env}
    return subprocess.run(command(*options), cwd=folder, env=environment, capture_output=True, text=True, timeout=30)


def test_its_ready_line_and_the_room_of_the_demo_are_on_stdout(tmp_path: Path) -> None:
    with party("auto", tmp_path, "--demo", "party") as server:
        assert len(server.said) == 2
        assert re.fullmatch(r"room: http://127\.0\.0\.1:\d+/r/\w+", server.said[0])
        assert re.fullmatch(r"lobby: http://127\.0\.0\.1:\d+/", server.said[1])
        assert server.call("GET", "/rooms")["rooms"][0]["name"]


def test_help_lists_every_setting(tmp_path: Path) -> None:
    told = _run(tmp_path, "--help")
    assert told.returncode == 0
    for setting in SETTINGS:
        assert setting.variable in told.stdout
    for option in ("--host", "--port", "--public-url", "--engine", "--demo"):
        assert option in told.stdout


@pytest.mark.parametrize(
    ("options", "env", "named"),
    [
        ((), {"SOIREE_SECRET": "short"}, "SOIREE_SECRET"),
        ((), {"SOIREE_MAX_ROOMS": "many"}, "SOIREE_MAX_ROOMS"),
        ((), {"SOIREE_PUBLIC_URL": "ftp://example.org"}, "SOIREE_PUBLIC_URL"),
        ((), {"SOIREE_TRUSTED_PROXIES": "everybody"}, "SOIREE_TRUSTED_PROXIES"),
        ((), {"SOIREE_ICE_SERVERS": "stun:"}, "SOIREE_ICE_SERVERS"),
        ((), {"SOIREE_ENGINE": "steam"}, "SOIREE_ENGINE"),
        ((), {"SOIREE_UDP_PORT": "70000"}, "SOIREE_UDP_PORT"),
        ((), {"SOIREE_DATA_DIR": "/proc/nowhere"}, "SOIREE_DATA_DIR"),
        (("--public-url", "not a url"), {}, "Error: --public-url: "),
        ((), {"SOIREE_MAX_ROOMS": "-1"}, "must be a whole number, 0 or more"),
        (("--port", "70000"), {}, "--port"),
        (("--engine", "steam"), {}, "--engine"),
        (("--host", "203.0.113.1"), {}, "no address of this machine"),
    ],
)
def test_a_bad_setting_is_told_in_one_line(
    tmp_path: Path, options: tuple[str, ...], env: dict[str, str], named: str
) -> None:
    told = _run(tmp_path, *options, env=env)
    assert told.returncode != 0
    assert told.stdout == ""
    assert "Traceback" not in told.stderr
    errors = [line for line in told.stderr.splitlines() if line.startswith("Error:")]
    assert len(errors) == 1
    assert named in errors[0]


def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = _run(tmp_path, "--port", str(port))
    assert told.returncode == 1
    assert "Traceback" not in told.stderr
    words = f"Error: port {port} is taken; choose another with --port, or 0 for any"
    assert told.stderr.splitlines()[-1] == words


@pytest.mark.parametrize("engine", rtc.available())
def test_a_taken_udp_port_is_told_in_one_line_by_the_engine_that_needs_it(tmp_path: Path, engine: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        environment = {"SOIREE_UDP_PORT": str(port)}
        if engine == "aiortc":
            with party(engine, tmp_path, env=environment):
                return
        told = _run(tmp_path, "--engine", engine, env=environment)
    assert told.returncode == 1
    assert told.stderr.splitlines() == [f"Error: UDP port {port} of 127.0.0.1 cannot be had: Address already in use"]


def test_port_is_taken_from_the_environment_as_hosting_platforms_set_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [word for word in command("--engine", "none") if word not in ("--port", "0")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOIREE_DATA_DIR": str(tmp_path), "PORT": str(port)}
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == f"lobby: http://127.0.0.1:{port}/\n"
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()
