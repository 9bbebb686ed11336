"""The page for who cannot get in: what it finds where all works, where UDP is swallowed, and where a WebSocket cannot pass."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from soiree import rtc
from tests.e2e.conftest import BEST, GuestsOf
from tests.e2e.contrast import READABLE, faintest
from tests.e2e.guests import Guests
from tests.system.namespace import namespace
from tests.system.party_process import Party, party

pytestmark = pytest.mark.asyncio(loop_scope="session")
EXAMINED = "body[data-verdict]"
WITHIN_MS = 60_000


async def examine(page: Page, url: str) -> dict[str, str]:
    """Outcome of each check."""
    await page.goto(f"{url}/doctor")
    await page.wait_for_selector(EXAMINED, timeout=WITHIN_MS)
    found: dict[str, str] = await page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('[data-check]')].map(({ dataset }) => [dataset.check, dataset.outcome]))"
    )
    return found


@pytest.mark.parametrize("engine", rtc.available())
async def test_where_all_works_it_says_so_and_leaves_no_room_behind(
    guests_of: GuestsOf, tmp_path: Path, engine: str
) -> None:
    async with namespace() as space:
        with party(engine, tmp_path, "--host", space.inside, before=space.prefix) as server:
            guests = guests_of(server)
            page = await guests.page()
            found = await examine(page, server.url)
            assert found == {
                **dict.fromkeys(("http", "join", "websocket", "webrtc", "stun", "turn-udp", "turn-tcp"), "works"),
                "turn-tls": "absent",
            }
            await expect(page.get_by_test_id("verdict")).to_contain_text("You get in from here, directly over UDP")
            assert server.metric("soiree_rooms") == 0
            assert server.complaints() == []
            await guests.leave()


async def test_where_udp_is_swallowed_it_says_what_is_left(guests_of: GuestsOf, tmp_path: Path) -> None:
    async with namespace() as space:
        await space.swallow_udp()
        with party(BEST, tmp_path, "--host", space.inside, before=space.prefix) as server:
            guests = guests_of(server)
            page = await guests.page()
            found = await examine(page, server.url)
            assert {check: found[check] for check in ("websocket", "webrtc", "stun", "turn-udp")} == {
                "websocket": "works",
                "webrtc": "fails",
                "stun": "fails",
                "turn-udp": "fails",
            }
            await expect(page.get_by_test_id("verdict")).to_contain_text("over the WebSocket")
            await expect(page.locator("[data-advice=webrtc]")).to_contain_text("UDP does not get through")
            await guests.leave()


async def test_without_a_websocket_its_advice_is_to_look_in_between(guests: Guests, server: Party) -> None:
    page = await guests.page()
    await page.add_init_script("window.WebSocket = class { constructor() { throw new Error('taken away'); } }")
    found = await examine(page, server.url)
    assert found["websocket"] == "fails"
    await expect(page.locator("[data-advice=websocket]")).to_contain_text("proxy")


@pytest.mark.parametrize("theme", ["dark", "light"])
async def test_it_can_be_read_copied_and_used_by_keyboard_on_a_phone(guests: Guests, server: Party, theme: str) -> None:
    page = await guests.page(width=390, height=800, theme="dark" if theme == "dark" else "light")
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await examine(page, server.url)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert [text for text in await faintest(page) if text.contrast < READABLE] == []
    await page.get_by_test_id("copy").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("copied")).to_contain_text("Copied")
    report = await page.evaluate("navigator.clipboard.readText()")
    assert "WebSocket: works" in report
    assert "127.0.0.1" not in report
    await page.goto(server.url)
    await page.get_by_role("link", name="Cannot get in?").click()
    await page.wait_for_url("**/doctor")
