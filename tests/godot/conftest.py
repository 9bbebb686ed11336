"""One Chromium for all games of this folder; none may complain."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.chromium import chromium
from tests.godot.rig import Godot, godot_in


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _godot() -> AsyncIterator[Godot]:
    async with chromium() as browser, godot_in(browser) as godot:
        yield godot


@pytest_asyncio.fixture(loop_scope="session")
async def godot(_godot: Godot) -> AsyncIterator[Godot]:
    """Runs projects in the real engine. A test that expects errors of the engine clears them (`game.errors.clear()`).

    Such tests run in the session's loop: `@pytest.mark.asyncio(loop_scope="session")`.
    """
    yield _godot
    assert await _godot.leave() == []
