"""One Chromium and one server of each kind for the whole folder; whoever looks at a page may find nothing wrong with it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from soiree import rtc
from tests.chromium import chromium
from tests.e2e.guests import Guests
from tests.e2e.hidden_tabs import Scenery, tabs_behind
from tests.system.party_process import Party, PartyOf, blameless, parties

BEST = rtc.available()[0]
GuestsOf = Callable[[Party], Guests]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """A Chromium for all of these tests; each guest has a profile of their own in it."""
    async with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def _parties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PartyOf]:
    with parties(lambda engine: tmp_path_factory.mktemp(f"party-{engine}")) as of:
        yield of


@pytest.fixture
def party_of(_parties: PartyOf) -> Iterator[PartyOf]:
    """Servers in processes of their own, by engine, shared by all of these tests; none may complain in its log meanwhile."""
    with blameless(_parties) as of:
        yield of


@pytest.fixture
def server(party_of: PartyOf) -> Party:
    """The server with the best engine."""
    return party_of(BEST)


@pytest_asyncio.fixture(loop_scope="session")
async def guests_of(browser: Browser) -> AsyncIterator[GuestsOf]:
    """Guests of any server."""
    opened: list[Guests] = []

    def of(server: Party) -> Guests:
        opened.append(Guests(browser, server.url))
        return opened[-1]

    yield of
    for guests in opened:
        await guests.leave()
    assert [trouble for guests in opened for trouble in guests.troubles] == []


@pytest_asyncio.fixture(loop_scope="session")
async def guests(guests_of: GuestsOf, server: Party) -> Guests:
    """Guests of the server with the best engine."""
    return guests_of(server)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def hidden_tabs(_parties: PartyOf, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scenery]:
    """Begun before all other tests here and asked for after them, so that minutes pass by themselves."""
    server = _parties(BEST)
    async with tabs_behind(f"{server.url}/r/{server.room('Behind')}", tmp_path_factory.mktemp("profile")) as scenery:
        yield scenery


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who waits for minutes to pass comes last of this folder."""
    places = [place for place, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    for place, item in zip(places, sorted((items[place] for place in places), key=_waits), strict=True):
        items[place] = item


@pytest.fixture(scope="session", autouse=True)
def _minutes_begin(request: pytest.FixtureRequest) -> None:
    """What takes minutes begins before everything else here."""
    if any(_waits(item) for item in request.session.items):
        request.getfixturevalue("hidden_tabs")


def _waits(item: pytest.Item) -> bool:
    return "hidden_tabs" in getattr(item, "fixturenames", ())
