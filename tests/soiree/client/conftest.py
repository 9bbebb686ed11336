"""A party to join."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.party_server import Party, running_party


@pytest_asyncio.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    """A server with the best WebRTC engine there is."""
    async with running_party(tmp_path) as running:
        yield running
