"""A link is opened, and one is in company within a second."""

import pytest

from tests.e2e.conftest import GuestsOf, PartyOf
from tests.e2e.first_state import TARGET_S, Figures, measure, wanderer
from tests.e2e.test_three_in_a_room import WAYS, Way

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNS = 7
"""`python -m tests.e2e.first_state` takes 20; here it is a guard."""


@pytest.mark.parametrize("way", WAYS, ids=lambda way: f"{way.transport}-{way.engine}")
async def test_the_median_from_link_to_first_state_is_below_a_second(
    way: Way, party_of: PartyOf, guests_of: GuestsOf
) -> None:
    server = party_of(way.engine)
    code = server.room("Quick")
    async with wanderer(server.url, code):
        figures = Figures(way.engine, way.transport, await measure(guests_of(server), code, way.transport, RUNS))
    print(figures)
    assert figures.median_s < TARGET_S, str(figures)
