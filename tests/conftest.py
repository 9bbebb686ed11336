"""What every test shares: how hard Hypothesis looks, and a real browser."""

import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser
from xdist.scheduler import LoadScopeScheduling

from tests.chromium import chromium

# No deadline anywhere: machines are shared and noisy, and pytest's own timeout ends what hangs.
settings.register_profile("default", deadline=None, max_examples=100, stateful_step_count=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("deep", settings.get_profile("default"), max_examples=5000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


PATIENT = tuple(
    f"tests/{path}"
    for path in (
        "e2e/test_doctor_page.py",
        "nat/",
        "party/bots/test_command.py",
        "system/test_death.py",
        "system/test_doctor.py",
        "system/test_hostile.py",
        "system/test_lossy_link.py",
        "system/test_noise.py",
        "system/test_resume.py",
        "system/test_stall.py",
        "turn/test_uclient.py",
    )
)
"""What waits more than it works."""


class Beside(LoadScopeScheduling):  # type: ignore[misc]
    """With `-n 2`, what waits runs beside what works, each in order, and the engines of games after what waits."""

    def _split_scope(self, nodeid: str) -> str:
        return "patient" if nodeid.startswith(PATIENT) else "games" if nodeid.startswith("tests/godot/") else "others"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Beside:
    """A hook of pytest-xdist."""
    return Beside(config, log)


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium of its own for one test; `await browser.new_page()` gives a page."""
    async with chromium() as running:
        yield running
