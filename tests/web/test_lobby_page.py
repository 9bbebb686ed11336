"""The lobby as people meet it."""

import pytest
from playwright.async_api import expect

import soiree
from tests.web.conftest import Visitors


async def test_rooms_appear_fill_and_vanish_while_one_looks(visitors: Visitors) -> None:
    page = await visitors.lobby()
    await expect(page.get_by_test_id("no-rooms")).to_be_visible()
    room = await visitors.public_room("A booth", capacity=1)
    card = page.get_by_test_id("room-card")
    await expect(card).to_contain_text("Nobody yet")
    await expect(card.locator(".bulb")).to_have_count(1)
    async with soiree.join(visitors.url, room=room.code, name="Bob", transport="websocket"):
        await expect(card).to_contain_text("Full")
        await expect(card.locator(".bulb.lit")).to_have_count(1)
    await expect(card).to_contain_text("Nobody yet")
    await room.close()
    await expect(card).to_have_count(0)
    await expect(page.get_by_test_id("no-rooms")).to_be_visible()


async def test_whoever_makes_a_room_by_keyboard_alone_is_its_host(visitors: Visitors) -> None:
    page = await visitors.lobby()
    await page.get_by_test_id("name-input").focus()
    await page.keyboard.type("Ada")
    while await page.evaluate("document.activeElement.id") != "room-name":
        await page.keyboard.press("Tab")
    await page.keyboard.type("The rooftop")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("room-title")).to_have_text("The rooftop")
    await expect(page.get_by_test_id("hosting")).to_be_visible()
    await expect(page.get_by_test_id("peer")).to_contain_text("Ada")
    await page.goto(f"{visitors.url}/")
    await expect(page.get_by_test_id("name-input")).to_have_value("Ada")


async def test_a_name_is_asked_for_before_one_goes_on(visitors: Visitors) -> None:
    page = await visitors.lobby()
    await page.get_by_test_id("create-name").fill("The rooftop")
    await page.get_by_test_id("create-submit").click()
    await expect(page.get_by_test_id("name-input")).to_be_focused()
    await expect(page.locator("#your-name-wrong")).not_to_be_empty()


@pytest.mark.parametrize("typed", ["{room}", " {url}/r/{room}?x=1 "])
async def test_a_code_or_a_whole_link_leads_in(visitors: Visitors, typed: str) -> None:
    page = await visitors.lobby()
    await page.get_by_test_id("name-input").fill("Ada")
    await page.get_by_test_id("join-code").fill(typed.format(room=visitors.room, url=visitors.url))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("room-title")).to_have_text("A room")


async def test_a_code_that_nobody_has_is_said_to_be_unknown(visitors: Visitors) -> None:
    page = await visitors.lobby()
    await page.get_by_test_id("name-input").fill("Ada")
    await page.get_by_test_id("join-code").fill("nowhere")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("join-wrong")).to_contain_text("No room has this code")


async def test_a_bad_wish_is_explained_at_its_field(visitors: Visitors) -> None:
    page = await visitors.lobby()
    await page.get_by_test_id("name-input").fill("Ada")
    await page.get_by_test_id("create-name").fill("Stadium")
    await page.get_by_test_id("create-capacity").fill("100000")
    await page.get_by_test_id("create-submit").click()
    await expect(page.get_by_test_id("create-wrong")).not_to_be_empty()


async def test_an_invitation_has_a_qr_code_and_the_link(visitors: Visitors) -> None:
    room = await visitors.public_room("The rooftop")
    page = await visitors.lobby()
    await page.get_by_role("button", name="Invite somebody").click()
    await expect(page.get_by_test_id("invite-link")).to_have_value(f"{visitors.url}/r/{room.code}")
    drawn = "(picture) => picture.decode().then(() => picture.naturalWidth > 0)"
    assert await page.get_by_test_id("invite-qr").evaluate(drawn)
    await page.get_by_test_id("invite-copy").click()
    await expect(page.locator("[data-invite-status]")).to_contain_text("opi")


async def test_a_silent_server_is_said_and_its_return_too(visitors: Visitors) -> None:
    await visitors.public_room("The rooftop")
    page = await visitors.page()
    await page.route("**/rooms/events", lambda route: route.abort())
    await page.goto(f"{visitors.url}/")
    await expect(page.get_by_test_id("server-gone")).to_be_visible()
    await page.unroute("**/rooms/events")
    await expect(page.get_by_test_id("room-card")).to_have_count(1)
    await expect(page.get_by_test_id("server-gone")).to_be_hidden()


async def test_pages_fit_a_phone_in_both_themes_and_the_choice_is_kept(visitors: Visitors) -> None:
    page = await visitors.lobby(width=360, height=640)
    fits = "document.documentElement.scrollWidth <= 360"
    assert await page.evaluate(fits)
    dusk = await page.evaluate("getComputedStyle(document.body).color")
    await page.get_by_test_id("theme-toggle").click()
    assert await page.evaluate("getComputedStyle(document.body).color") != dusk
    await page.goto(f"{visitors.url}/r/{visitors.room}?name=Ada")
    await page.wait_for_selector("body[data-ready]")
    assert await page.evaluate(fits)
    assert await page.evaluate("document.documentElement.dataset.theme") == "light"
    await page.goto(f"{visitors.url}/r/nowhere")
    assert await page.evaluate(fits)


async def test_pages_load_nothing_from_elsewhere(visitors: Visitors) -> None:
    page = await visitors.page()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    await page.goto(f"{visitors.url}/")
    await page.goto(f"{visitors.url}/r/{visitors.room}?name=Ada")
    await page.wait_for_selector("body[data-ready]")
    assert asked
    assert all(address.startswith(visitors.url) for address in asked)
