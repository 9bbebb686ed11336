"""Servers that the system tests share: one for each WebRTC engine, and one without."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from soiree import rtc
from tests.system.party_process import Party, party


class PartyOf(Protocol):
    """Gives the shared server of an engine, or of "none"."""

    def __call__(self, engine: str) -> Party: ...


@pytest.fixture(scope="module")
def _parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartyOf]:
    running: dict[str, Party] = {}
    with ExitStack() as stack:

        def of(engine: str) -> Party:
            if engine not in running:
                folder: Path = tmp_path_factory.mktemp(f"party-{engine}")
                running[engine] = stack.enter_context(party(engine, folder))
            return running[engine]

        yield of
        for engine, server in running.items():
            assert server.process.poll() is None, f"the server with {engine} ended: {server.log.read_text()}"


@pytest.fixture
def party_of(_parties: PartyOf) -> Iterator[PartyOf]:
    """Servers in processes of their own, shared by the tests of a module; none of them may complain in its log meanwhile."""
    used: dict[str, Party] = {}

    def of(engine: str) -> Party:
        used[engine] = _parties(engine)
        return used[engine]

    yield of
    for server in used.values():
        assert server.complaints() == []


@pytest.fixture(params=[*rtc.available(), "websocket"])
def way(request: pytest.FixtureRequest) -> str:
    """How a client comes in: over which engine (at both ends), or over the WebSocket."""
    return str(request.param)
