"""The lobby and the door, as somebody meets them who was only given a link."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

import soiree
from tests.e2e.conftest import BEST, GuestsOf
from tests.e2e.contrast import READABLE, faintest
from tests.e2e.guests import READY, Guests, Theme
from tests.system.party_process import Party, party

pytestmark = pytest.mark.asyncio(loop_scope="session")
PHONE = {"width": 390, "height": 844}


def card(page: Page, name: str) -> Locator:
    """A room in the list."""
    return page.get_by_test_id("room-card").filter(has_text=name)


async def make_room(page: Page, name: str, capacity: int = 16, password: str = "") -> str:
    """Fill in the form as Ada; the code of the room that one is in then."""
    await page.get_by_test_id("name-input").fill("Ada")
    await page.get_by_test_id("create-name").fill(name)
    await page.get_by_test_id("create-capacity").fill(str(capacity))
    await page.get_by_test_id("create-password").fill(password)
    await page.get_by_test_id("create-submit").click()
    await page.wait_for_selector(READY)
    return page.url.rpartition("/")[2]


async def test_a_room_appears_fills_and_vanishes_in_somebody_elses_lobby(guests: Guests, server: Party) -> None:
    watcher, ada = await asyncio.gather(guests.lobby(), guests.lobby())
    arrivals: list[str] = []
    watcher.on("framenavigated", lambda frame: arrivals.append(frame.url))
    code = await make_room(ada, "The rooftop", capacity=2)
    shown = card(watcher, "The rooftop")
    await expect(shown).to_contain_text("1 of 2 here")
    async with soiree.join(server.url, room=code, name="Cem", transport="websocket"):
        await expect(shown).to_contain_text("Full")
    await expect(shown).to_contain_text("1 of 2 here")
    await ada.get_by_test_id("btn-lock").click()
    await expect(shown).to_contain_text("Locked by its host")
    await ada.get_by_test_id("btn-close-room").click()
    await ada.get_by_test_id("btn-close-sure").click()
    await expect(ada.get_by_test_id("door-title")).to_have_text("You closed the room")
    await expect(shown).to_have_count(0)
    assert arrivals == []


async def test_an_unlisted_room_stays_out_of_the_list(guests: Guests) -> None:
    watcher, ada = await asyncio.gather(guests.lobby(), guests.lobby())
    await ada.get_by_test_id("create-unlisted").check(force=True)
    code = await make_room(ada, "The cellar")
    second = await guests.lobby()
    await make_room(second, "The attic")
    await expect(card(watcher, "The attic")).to_have_count(1)
    await expect(card(watcher, "The cellar")).to_have_count(0)
    bob = await guests.inside(code, "Bob")
    await expect(bob.get_by_test_id("room-title")).to_have_text("The cellar")


async def test_a_wrong_password_is_said_and_the_right_one_leads_in(guests: Guests) -> None:
    ada = await guests.lobby()
    code = await make_room(ada, "The observatory", password="moon")
    bob = await guests.door(code, "Bob")
    words = bob.get_by_test_id("door-text")
    await expect(words).to_contain_text("Whoever invited you")
    await bob.get_by_test_id("door-password").fill("sun")
    await bob.get_by_test_id("door-submit").click()
    await expect(words).to_contain_text("password is wrong")
    await bob.get_by_test_id("door-password").fill("moon")
    await bob.get_by_test_id("door-submit").click()
    await bob.wait_for_selector(READY)
    await expect(ada.get_by_test_id("peer")).to_have_count(2)


async def test_full_locked_and_unknown_rooms_say_so(guests: Guests) -> None:
    ada = await guests.lobby()
    code = await make_room(ada, "The lift", capacity=2)
    bob = await guests.inside(code, "Bob")
    third = await guests.door(code, "Cem")
    await expect(third.get_by_test_id("door-title")).to_have_text("The room is full")
    await expect(third.get_by_test_id("door-text")).to_contain_text("2 of 2")
    await bob.get_by_test_id("btn-leave").click()
    await expect(ada.get_by_test_id("peer")).to_have_count(1)
    await ada.get_by_test_id("btn-lock").click()
    await expect(ada.get_by_test_id("btn-lock")).to_have_attribute("aria-pressed", "true")
    await third.get_by_test_id("door-submit").click()
    await expect(third.get_by_test_id("door-title")).to_have_text("The host has locked the door")
    await ada.get_by_test_id("btn-lock").click()
    await expect(ada.get_by_test_id("btn-lock")).to_have_attribute("aria-pressed", "false")
    await third.get_by_test_id("door-submit").click()
    await third.wait_for_selector(READY)
    lost = await guests.page()
    answer = await lost.goto(f"{guests.home}/r/nowhere")
    assert answer is not None
    assert answer.status == 404
    await expect(lost.locator("body")).to_contain_text("This room is gone")
    await expect(lost.get_by_role("link", name="To the lobby", exact=True)).to_be_visible()


async def test_the_host_shows_somebody_out_who_may_come_again(guests: Guests) -> None:
    ada = await guests.lobby()
    code = await make_room(ada, "The kitchen")
    bob = await guests.inside(code, "Bob")
    await expect(bob.get_by_test_id("hosting")).to_be_hidden()
    await ada.get_by_role("button", name="Show Bob out").click()
    await expect(bob.get_by_test_id("door-title")).to_have_text("The host showed you out")
    await expect(ada.get_by_test_id("chat-news").last).to_contain_text("Bob was shown out")
    await bob.goto(f"{guests.home}/r/{code}?name=Bob")
    await bob.wait_for_selector(READY)
    await ada.get_by_test_id("btn-close-room").click()
    await ada.get_by_test_id("btn-close-sure").click()
    for page, title in ((ada, "You closed the room"), (bob, "The room has closed")):
        await expect(page.get_by_test_id("door-title")).to_have_text(title)


async def tab_to(page: Page, test_id: str) -> None:
    """Press Tab until something has the focus."""
    for _ in range(60):
        if await page.evaluate("document.activeElement.dataset.testid") == test_id:
            return
        await page.keyboard.press("Tab")
    pytest.fail(f"Tab never comes to {test_id}")


async def test_the_keyboard_alone_makes_a_room_and_leads_into_one(guests: Guests) -> None:
    ada = await guests.lobby()
    await tab_to(ada, "name-input")
    await ada.keyboard.type("Ada")
    await tab_to(ada, "create-name")
    await ada.keyboard.type("The library")
    await tab_to(ada, "create-submit")
    await ada.keyboard.press("Enter")
    await ada.wait_for_selector(READY)
    bob = await guests.lobby()
    await tab_to(bob, "name-input")
    await bob.keyboard.type("Bob")
    await tab_to(bob, "join-code")
    await bob.keyboard.type(ada.url.rpartition("/")[2])
    await bob.keyboard.press("Enter")
    await bob.wait_for_selector(READY)
    await expect(ada.get_by_test_id("peer")).to_have_count(2)
    cem = await guests.lobby()
    await expect(card(cem, "The library")).to_have_count(1)
    for _ in range(60):
        if await cem.evaluate("document.activeElement.getAttribute('aria-label')") == "Go into The library":
            break
        await cem.keyboard.press("Tab")
    await cem.keyboard.press("Enter")
    await expect(cem.get_by_test_id("door-name")).to_be_focused()
    await cem.keyboard.type("Cem")
    await cem.keyboard.press("Enter")
    await cem.wait_for_selector(READY)
    await expect(ada.get_by_test_id("peer")).to_have_count(3)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
async def test_pages_can_be_read_and_fit(
    guests_of: GuestsOf, tmp_path: Path, theme: Theme, look: dict[str, Any]
) -> None:
    """WCAG AA: text stands out at least 4.5 to 1. On a server of its own, where nothing moves meanwhile."""
    with party(BEST, tmp_path) as server:
        guests = guests_of(server)
        shut, open_room = server.room("The observatory", password="moon"), server.room("The rooftop")
        inside = await guests.inside(open_room, "Ada", theme=theme, **look)
        await inside.get_by_test_id("spawn-box").click()
        lobby = await guests.lobby(theme=theme, **look)
        await expect(card(lobby, "The rooftop")).to_contain_text("1 of 64 here")
        door = await guests.door(shut, "Ada", theme=theme, **look)
        await expect(door.get_by_test_id("door-password")).to_be_visible()
        lost = await guests.page(theme=theme, **look)
        await lost.goto(f"{guests.home}/r/nowhere")
        for page in (lobby, inside, door, lost):
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
            faint = [text for text in await faintest(page) if text.contrast < READABLE]
            assert faint == [], page.url
        await guests.leave()
