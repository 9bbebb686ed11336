"""What every test shares: how hard Hypothesis looks, and a real browser."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import settings
from playwright.async_api import Browser

from tests.chromium import chromium

# No deadline anywhere: machines are shared and noisy, and pytest's own timeout ends what hangs.
settings.register_profile("default", deadline=None, max_examples=100, stateful_step_count=40)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("deep", settings.get_profile("default"), max_examples=5000, stateful_step_count=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two groups for `-n 2 --dist loadgroup`: each runs in order, one beside the other."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group("patient" if item.get_closest_marker("patient") else "others"))


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium of its own for one test; `await browser.new_page()` gives a page."""
    async with chromium() as running:
        yield running
