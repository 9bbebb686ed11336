"""The commands that a newcomer types."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.house.pure_core import ROOT

TARGETS = {
    "help",
    "setup",
    "party",
    "city",
    "test",
    "check",
    "lint",
    "e2e",
    "bench",
    "clean",
    "godot-demo",
    "godot-speed",
    "nat-matrix",
    "turn-conformance",
}
SCRIPTS = ("find-python", "make-venv", "run", "test-tools")


def test_help_lists_every_target() -> None:
    run = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[0] for line in run.stdout.splitlines()} == TARGETS


def test_every_phony_target_has_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert set(phony.group(1).split()) == TARGETS


def test_the_scripts_of_the_set_up_can_be_run() -> None:
    assert all(os.access(ROOT / ".ci" / name, os.X_OK) for name in SCRIPTS)


def find_python(wanted: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([".ci/find-python", wanted], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_named_python_is_taken() -> None:
    assert find_python(sys.executable).stdout.strip() == sys.executable


def test_without_a_name_a_new_enough_python_is_found() -> None:
    found = find_python("").stdout.strip()
    version = subprocess.run(
        [found, "-c", "import sys; print(sys.version_info[:2] >= (3, 11))"], capture_output=True, text=True, check=True
    )
    assert version.stdout == "True\n"


def test_a_python_that_does_not_run_is_refused_by_name(tmp_path: Path) -> None:
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    answer = find_python(str(broken))
    assert (answer.returncode, answer.stdout) == (1, "")
    assert str(broken) in answer.stderr
