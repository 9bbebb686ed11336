"""The contract that keeps clocks and sockets out of the cores must itself be able to break."""

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.house.pure_core import PACKAGES, ROOT, declared_cores, impure_chains

CORES = (
    "relay.budget",
    "relay.entities",
    "relay.ownership",
    "relay.replication",
    "relay.room",
    "relay.session",
    "relay.snapshot",
    "relay.world",
    "signalling.directory",
    "signalling.rooms",
    "soiree.ticket",
    "soiree.wire",
)
"""What docs/ARCHITECTURE.md calls a core, as far as it is built."""


def exists(module: str) -> bool:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def test_every_core_of_the_architecture_declares_itself() -> None:
    declared = set(declared_cores())
    silent = [core for core in CORES if exists(core) and core not in declared]
    assert not silent, 'begin a line of the docstring of these modules with "Pure core": ' + ", ".join(silent)


def test_no_file_of_ours_lies_outside_the_packages_that_are_searched() -> None:
    tops = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert tops - {"tests"} == set(PACKAGES)


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `guests` with a declared core `bad` that reaches the clock through `clock`, and an innocent one, `good`."""
    package = tmp_path / "guests"
    package.mkdir()
    (package / "__init__.py").write_text('"""Not a core."""\n')
    (package / "bad.py").write_text(
        '"""Guests who look at their watch.\n\nPure core: allegedly.\n"""\nimport guests.clock\n'
    )
    (package / "good.py").write_text('"""Pure core. Guests who stay."""\nimport math\n')
    (package / "clock.py").write_text('"""A driver; talks of pure core in passing."""\nimport time\n')
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_core_that_reaches_the_clock_through_another_module_is_found(foreign: Path) -> None:
    cores = list(declared_cores(foreign, ("guests",)))
    assert cores == ["guests.bad", "guests.good"]
    graph = grimp.build_graph("guests", include_external_packages=True, cache_dir=None)
    assert impure_chains(graph, cores, ["asyncio", "time"]) == [("guests.bad", "guests.clock", "time")]


def test_import_contracts_hold() -> None:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as main; main()",
            "--no-logo",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
