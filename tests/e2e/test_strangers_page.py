"""The pages of README.md and docs/BROWSER.md, word for word, on a site of somebody else."""

import re
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, Page, expect

import soiree
from tests.e2e.conftest import BEST
from tests.e2e.stranger import html_in, site
from tests.system.party_process import Party, party
from tests.system.ways import until as so

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Party]:
    """What `make party` runs: a room with a bot in it."""
    with party(BEST, tmp_path_factory.mktemp("demo"), "--demo", "party") as server:
        yield server
    assert server.complaints() == []


async def visit(browser: Browser, address: str) -> tuple[Page, list[str], list[str]]:
    """Open a page; it, what it says on the console, and what goes wrong in it."""
    context = await browser.new_context()
    page = await context.new_page()
    said: list[str] = []
    troubles: list[str] = []
    page.on("console", lambda message: (said if message.type == "log" else troubles).append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    await page.goto(address)
    return page, said, troubles


def near(thing: soiree.Entity, x: float, z: float) -> bool:
    return abs(thing.position[0] - x) < 0.01 and abs(thing.position[2] - z) < 0.01


async def point(page: Page, x: int, y: int) -> None:
    """Move the pointer to a place, as soon as the page heeds it."""
    await page.wait_for_function("() => onpointermove !== null")
    await page.mouse.move(x, y)


async def test_the_readmes_page_joins_spawns_and_shows_what_moves(browser: Browser, demo: Party) -> None:
    html = html_in("README.md")
    assert "http://localhost:8080" in html
    async with (
        site({"/": html.replace("http://localhost:8080", demo.url)}, {}) as address,
        soiree.join(demo.url, room="party", name="Grace", transport="websocket") as grace,
    ):
        page, _, troubles = await visit(browser, f"{address}/")
        await so(lambda: any(peer.name == "Ada" for peer in grace.peers.values()), what="Ada comes")
        ada = next(peer.id for peer in grace.peers.values() if peer.name == "Ada")
        await so(lambda: any(one.master == ada for one in grace.entities.values()), what="her ball is there")
        ball = next(one for one in grace.entities.values() if one.master == ada)
        assert (ball.kind, ball.rule, ball.position) == ("ball", "allow", (0.0, 1.0, 0.0))
        await expect(page.locator("#out")).to_contain_text(
            re.compile(r"(?=.*avatar of Sol at )(?=.*ball of Ada at 0.0,1.0,0.0)", re.DOTALL)
        )
        await point(page, 100, 200)
        await so(lambda: near(ball, 2, 4), what="it follows her pointer")
        # Taken away from her, it does not follow any more; with a click she has it again.
        await ball.request()
        assert ball.mine
        await page.mouse.move(300, 300)
        await page.mouse.down()
        await so(lambda: ball.owner == ada, what="a click takes it back")
        await expect(page.locator("#out")).to_contain_text("ball of Ada")
        # Her page may still have to hear that it is hers: until then it does not heed the pointer.
        while not near(ball, 3, 1):
            await point(page, 151, 50)
            await point(page, 150, 50)
        assert troubles == []
        await page.context.close()


async def test_the_browser_documents_page_shows_who_is_where(browser: Browser, demo: Party) -> None:
    html = html_in("docs/BROWSER.md")
    assert "https://HOST" in html
    body = html.replace("https://HOST", demo.url).replace("CODE", "party")
    async with site({"/": body}, {}) as address:
        one, _, one_troubles = await visit(browser, f"{address}/")
        two, _, two_troubles = await visit(browser, f"{address}/")
        for page in (one, two):
            await expect(page.locator("#out")).to_contain_text(re.compile("(?=.*Sol: )(?=.*Ada: .*Ada: )", re.DOTALL))
        await point(two, 100, 150)
        await expect(one.locator("#out")).to_contain_text("Ada: 2.0,0.0,3.0")
        assert one_troubles + two_troubles == []
        for page in (one, two):
            await page.context.close()
