"""Servers that the system tests share: one for each WebRTC engine, and one without."""

from collections.abc import Iterator

import pytest

from soiree import rtc
from tests.system.party_process import PartyOf, blameless, parties


@pytest.fixture(scope="module")
def _parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartyOf]:
    with parties(lambda engine: tmp_path_factory.mktemp(f"party-{engine}")) as of:
        yield of


@pytest.fixture
def party_of(_parties: PartyOf) -> Iterator[PartyOf]:
    """Servers in processes of their own, shared by the tests of a module; none of them may complain in its log meanwhile."""
    with blameless(_parties) as of:
        yield of


@pytest.fixture(params=[*rtc.available(), "websocket"])
def way(request: pytest.FixtureRequest) -> str:
    """How a client comes in: over which engine (at both ends), or over the WebSocket."""
    return str(request.param)
