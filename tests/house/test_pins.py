"""Everything that set-up installs has one exact version, told by constraints.txt."""

from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.pure_core import ROOT


def pins() -> dict[str, str]:
    """Version by canonical name, of the lines of constraints.txt that hold for this Python."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in wanted
        if pin.marker is None or pin.marker.evaluate()
    }


def needed(name: str, extras: frozenset[str], seen: dict[str, frozenset[str]]) -> None:
    """Add to `seen` the canonical name of each distribution that `name` with `extras` needs here, and theirs."""
    for line in distribution(name).requires or []:
        requirement = Requirement(line)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        key = canonicalize_name(requirement.name)
        wanted = frozenset(requirement.extras)
        if key not in seen or not wanted <= seen[key]:
            seen[key] = seen.get(key, frozenset()) | wanted
            needed(requirement.name, wanted, seen)


def test_every_installed_package_has_the_version_that_is_pinned() -> None:
    seen: dict[str, frozenset[str]] = {}
    needed("soiree", frozenset({"bench", "test"}), seen)
    assert len(seen) > 50
    pinned = pins()
    assert {name: pinned.get(name) for name in seen} == {name: distribution(name).version for name in seen}


def test_pins_are_exact_and_told_once() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if str(Requirement(line).specifier).count("=") != 2] == []
    here = [
        canonicalize_name(pin.name) for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()
    ]
    assert sorted(here) == sorted(set(here))


@pytest.mark.parametrize("name", ["aiohttp", "pytest", "hatchling"])
def test_direct_packages_and_the_build_backend_are_among_the_pins(name: str) -> None:
    assert name in pins()
