"""What the repository may not hold: addresses to download from, and paths of somebody's machine."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.house.pure_core import ROOT

TEXT = {
    "",
    ".cfg",
    ".css",
    ".gd",
    ".html",
    ".ini",
    ".js",
    ".json",
    ".md",
    ".py",
    ".service",
    ".sh",
    ".toml",
    ".txt",
    ".yaml",
    ".yml",
}
"""Suffixes of the files that are read; pictures and packed vectors are not."""

MACHINE_PATH = re.compile(
    r"(?<![\w.])(?:" + "|".join(["/home" + r"/\w+", "/root" + r"/\w", "/Users" + r"/\w+", "/work" + r"/\w+"]) + ")"
)
DOWNLOAD_ADDRESS = re.compile(
    "|".join(
        [
            "--index" + "-url",
            "--extra-index" + "-url",
            "--find" + "-links",
            r'"resolved"\s*:',
            r"^\s*registry\s*=\s*['\"]?[\w+]+:",
            "proxy" + r"\.golang",
            r"https?://(?:[\w-]+\.)*(?:registry|pypi|pythonhosted|npmjs)\.",
        ]
    ),
    re.MULTILINE,
)


@cache
def tracked() -> tuple[Path, ...]:
    """Every text file that git tracks, and each new one that it does not ignore."""
    run = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = (ROOT / name for name in run.stdout.split("\0") if name)
    return tuple(path for path in paths if path.suffix in TEXT and path.is_file())


def hits(pattern: re.Pattern[str]) -> list[str]:
    """Each match in a tracked file as "path: words"; this file, which spells the patterns, is left out."""
    return [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked()
        if path != Path(__file__)
        for match in pattern.finditer(path.read_text(errors="replace"))
    ]


def test_no_file_names_an_address_that_packages_come_from() -> None:
    assert hits(DOWNLOAD_ADDRESS) == []


def test_no_file_names_a_path_of_a_machine() -> None:
    assert hits(MACHINE_PATH) == []
    assert str(ROOT) not in "".join(path.read_text(errors="replace") for path in tracked())


def test_the_npm_lock_pins_contents_without_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package and "resolved" not in package for name, package in packages.items() if name)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (DOWNLOAD_ADDRESS, '  "resolved": "somewhere"'),
        (DOWNLOAD_ADDRESS, "https://" + "registry.example/package"),
        (MACHINE_PATH, "see " + "/home/" + "someone/soiree"),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], words: str) -> None:
    assert pattern.search(words)
