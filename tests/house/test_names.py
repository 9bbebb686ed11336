"""Our top-level names are short, so nobody else may bring them into the same environment."""

import importlib
from importlib.metadata import packages_distributions

import pytest

from tests.house.pure_core import PACKAGES, ROOT


@pytest.mark.parametrize("name", PACKAGES)
def test_a_top_level_name_belongs_to_no_other_distribution(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"soiree"}


@pytest.mark.parametrize("name", PACKAGES)
def test_a_top_level_name_imports_from_this_checkout(name: str) -> None:
    assert importlib.import_module(name).__path__ == [str(ROOT / name)]


def test_other_distributions_are_seen_at_all() -> None:
    assert packages_distributions()["pytest"] == ["pytest"]
