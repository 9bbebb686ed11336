"""The page of a lobby of Godot's own protocol, with games in it that are bridged."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from signalling.godot.socket import DESK
from tests.signalling.godot.games import arcade

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_of_a_game_counts_what_each_sends(browser: Browser, tmp_path: Path) -> None:
    async with arcade("aiortc") as hall:
        host = await hall.game("bridge:")
        guest = await hall.game(host.guest.lobby)
        await guest.until_open(1)
        await host.until_open(guest.guest.peer)
        await hall.settled()
        page = await browser.new_page()
        origin = str(hall.lobby.client.make_url("/")).rstrip("/")
        await page.goto(f"{origin}/lobbies")
        assert host.guest.lobby not in await page.content()
        await page.get_by_test_id("godot-lobby").get_by_role("link").click()
        await expect(page.get_by_test_id("mode")).to_contain_text("handed on unread")
        rows = page.get_by_test_id("godot-peer")
        await expect(rows).to_have_count(2)
        await expect(rows.nth(0)).to_contain_text("1 (host)")
        for number in range(20):
            host.send(guest.guest.peer, b"%0100d" % number)
        await expect(rows.nth(0)).to_contain_text("20 · 2 kB")
        await expect(rows.nth(1)).to_contain_text("20 · 2 kB")
        await page.screenshot(path=tmp_path / "lobby.png")
        assert host.guest.lobby not in await page.content()
        await host.leave()
        await expect(page.get_by_test_id("gone")).to_have_text("This game is over.")
        assert not len(hall.lobby.client.app[DESK].lobbies)
        await page.close()
