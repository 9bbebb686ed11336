"""What else lies in `deploy/`: systemd's own judgement of the units, and what container and Fly.io file name is there."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from party.config import SETTINGS

DEPLOY = Path(__file__).parents[2] / "deploy"
ROOT = DEPLOY.parent
VARIABLES = {setting.variable for setting in SETTINGS}


@pytest.mark.parametrize("unit", ["soiree.service", "soiree-turn.service"])
def test_systemd_finds_nothing_wrong_with_a_unit_and_little_exposed(unit: str, tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    assert program, "no systemd-analyze: run `make setup` as root, or install the package systemd"
    text = (DEPLOY / "systemd" / unit).read_text()
    installed = tmp_path / unit
    installed.write_text(
        re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    )  # it looks for the program
    said = subprocess.run([program, "verify", "--man=no", installed], capture_output=True, text=True)
    assert (said.returncode, unit in said.stderr) == (0, False), said.stderr
    exposed = subprocess.run(
        [program, "security", "--offline=yes", "--threshold=25", installed], capture_output=True, text=True
    )
    assert exposed.returncode == 0, exposed.stdout[-2000:] + exposed.stderr


@pytest.mark.parametrize(
    "path",
    [
        "systemd/soiree.service",
        "systemd/soiree-turn.service",
        "Containerfile",
        "fly.toml",
        "nginx/soiree.conf",
        "caddy/Caddyfile",
    ],
)
def test_every_setting_that_is_named_is_one(path: str) -> None:
    named = set(re.findall(r"SOIREE_[A-Z_]*[A-Z]", (DEPLOY / path).read_text())) - {"SOIREE_TURN"}
    assert {name for name in named if name not in VARIABLES and not name.startswith("SOIREE_TURN_")} == set()


def test_what_the_container_copies_is_there_and_its_health_check_is_python() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    copied = [name for line in re.findall(r"^COPY (.+) \S+$", text, flags=re.MULTILINE) for name in line.split()]
    assert {"party", "web", "constraints.txt"} <= set(copied)
    assert [name for name in copied if not (ROOT / name).exists()] == []
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"][
        "packages"
    ]
    assert set(packages) <= set(copied)


def test_fly_s_udp_port_is_the_same_inside_and_out() -> None:
    fly = tomllib.loads((DEPLOY / "fly.toml").read_text())
    (udp,) = fly["services"]
    assert udp["internal_port"] == udp["ports"][0]["port"] == int(fly["env"]["SOIREE_UDP_PORT"])
    assert (DEPLOY / fly["build"]["dockerfile"]).exists()
