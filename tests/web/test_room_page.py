"""The room page as people use it: two of them, over real transports."""

import pytest
from playwright.async_api import Page, expect

from tests.party_server import Party
from tests.web.conftest import Visitors, until

MINE = "[...room.entities.values()].find((one) => one.kind === 'avatar' && one.isMine)"
AVATARS = "[...room.entities.values()].filter((one) => one.kind === 'avatar').length"


async def choose(page: Page, kind: str) -> None:
    """Choose a thing by the keyboard, as the map's help says."""
    await page.get_by_test_id("map").focus()
    title = page.get_by_test_id("panel-title")
    for _ in range(10):
        await page.keyboard.press(".")
        if (await title.inner_text()).lower().startswith(kind):
            return
    pytest.fail(f"no {kind} to choose")


async def two(visitors: Visitors) -> tuple[Page, Page]:
    """Ada and Bob, who see each other."""
    ada, bob = await visitors.inside("Ada"), await visitors.inside("Bob")
    for page in (ada, bob):
        await until(page, f"{AVATARS} === 2")
    return ada, bob


async def test_two_see_each_other_and_talk_in_text_never_markup(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    await expect(ada.get_by_test_id("peer")).to_contain_text(["Ada", "Bob"])
    await expect(ada.get_by_test_id("rung")).to_have_text("direct UDP")
    await bob.get_by_test_id("chat-input").fill("<b>hello</b>")
    await bob.keyboard.press("Enter")
    for page in (ada, bob):
        await expect(page.get_by_test_id("chat-line")).to_contain_text("<b>hello</b>")
        assert await page.locator("#chat-log .words b").count() == 0
    await bob.get_by_test_id("btn-leave").click()
    await expect(ada.get_by_test_id("peer")).to_have_count(1)
    await expect(ada.get_by_test_id("chat-news").last).to_contain_text("Bob left")


async def test_who_asks_gets_it_when_the_master_allows_and_gives_it_back(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    await ada.get_by_test_id("spawn-box").click()
    await until(bob, "[...room.entities.values()].some((one) => one.kind === 'box' && one.askTimeoutMs > 2000)")
    await choose(bob, "box")
    await expect(bob.get_by_test_id("btn-release")).to_be_disabled()
    await bob.get_by_test_id("note-input").fill("may I?")
    await bob.get_by_test_id("btn-request").click()
    toast = ada.get_by_test_id("ask-toast")
    await expect(toast).to_contain_text("Bob asks for your box")
    await expect(toast).to_contain_text("may I?")
    await ada.get_by_test_id("map").focus()
    await ada.keyboard.press("y")
    await expect(toast).to_have_count(0)
    await expect(bob.get_by_test_id("fact-owner")).to_have_text("you")
    await expect(bob.get_by_test_id("fact-master")).to_have_text("Ada")
    await bob.get_by_test_id("btn-release").click()
    await expect(bob.get_by_test_id("fact-owner")).to_have_text("Ada")


async def test_a_refusal_is_told_in_plain_words(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    await ada.get_by_test_id("spawn-box").click()
    await until(bob, "[...room.entities.values()].some((one) => one.kind === 'box')")
    await choose(bob, "box")
    await bob.get_by_test_id("btn-request").click()
    await ada.get_by_test_id("ask-deny").click()
    await expect(bob.get_by_test_id("toast")).to_contain_text("Its master said no.")


async def test_the_master_gives_sets_the_rule_and_removes(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    await ada.get_by_test_id("spawn-sign").click()
    await ada.get_by_test_id("sign-text").fill("Welcome")
    await ada.get_by_test_id("sign-put").click()
    await until(ada, "[...room.entities.values()].some((one) => one.properties.text === 'Welcome')")
    await choose(ada, "sign")
    await ada.get_by_test_id("assign-peer").select_option(label="Bob")
    await ada.get_by_test_id("btn-assign").click()
    await expect(ada.get_by_test_id("fact-owner")).to_have_text("Bob")
    await ada.get_by_test_id("rule-select").select_option("allow")
    await expect(ada.get_by_test_id("fact-rule")).to_contain_text("allow")
    await choose(bob, "sign")
    await bob.get_by_test_id("property-key").fill("text")
    await bob.get_by_test_id("property-value").fill("Good night")
    await bob.get_by_test_id("property-set").click()
    await expect(ada.get_by_test_id("properties")).to_contain_text("Good night")
    await ada.get_by_test_id("btn-despawn").click()
    await expect(ada.get_by_test_id("entity-panel")).to_be_hidden()
    await until(bob, "![...room.entities.values()].some((one) => one.kind === 'sign')")


async def test_one_walks_by_keys_and_is_dragged_by_the_pointer(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    me, x = await bob.evaluate(
        f"(() => {{ const {{room}} = soiree; const me = {MINE}; return [me.id, me.position[0]] }})()"
    )
    await bob.keyboard.down("d")
    await until(ada, f"room.entities.get({me}).position[0] > {x + 1}")
    await bob.keyboard.up("d")
    await until(ada, f"room.entities.get({me}).velocity.every((v) => v === 0)")
    x, z = await bob.evaluate(
        f"[soiree.room.entities.get({me}).position[0], soiree.room.entities.get({me}).position[2]]"
    )
    await bob.get_by_role("button", name="Centre on me").click()
    # The middle of what the side panel, the bar and the tools leave free of a page of 1280 × 800.
    await bob.mouse.move(480, 384)
    await bob.mouse.down()
    await bob.mouse.move(520, 384, steps=4)
    await bob.mouse.move(552, 420, steps=4)
    await bob.mouse.up()
    await until(ada, f"Math.abs(room.entities.get({me}).position[0] - {x + 2}) < 0.1")
    await until(ada, f"Math.abs(room.entities.get({me}).position[2] - {z + 1}) < 0.1")


async def test_a_reload_keeps_one_the_same_peer_with_the_same_avatar(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    before = await bob.evaluate(f"(() => {{ const {{room}} = soiree; return [room.peerId, ({MINE}).uuid] }})()")
    await bob.reload()
    await bob.wait_for_selector("body[data-ready]")
    assert await bob.evaluate(f"(() => {{ const {{room}} = soiree; return [room.peerId, ({MINE}).uuid] }})()") == before
    await until(ada, f"{AVATARS} === 2 && room.peers.size === 2")


async def test_a_password_is_asked_for_and_a_full_room_says_so(visitors: Visitors, party: Party) -> None:
    code = await party.another_room(capacity=1, password="moon")
    page = await visitors.page(width=390, height=844)
    await page.goto(f"{visitors.url}/r/{code}?name=Ada")
    text = page.get_by_test_id("door-text")
    await expect(text).to_contain_text("Whoever invited you")
    await page.get_by_test_id("door-password").fill("sun")
    await page.keyboard.press("Enter")
    await expect(text).to_contain_text("wrong")
    await page.get_by_test_id("door-password").fill("moon")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("body[data-ready]")
    late = await visitors.page()
    await late.goto(f"{visitors.url}/r/{code}?name=Bob")
    await late.get_by_test_id("door-password").fill("moon")
    await late.keyboard.press("Enter")
    await expect(late.get_by_test_id("door-title")).to_have_text("The room is full")


async def test_the_host_locks_shows_out_and_closes(visitors: Visitors) -> None:
    ada = await visitors.lobby()
    await ada.get_by_test_id("name-input").fill("Ada")
    await ada.get_by_test_id("create-name").fill("The rooftop")
    await ada.get_by_test_id("create-submit").click()
    await ada.wait_for_selector("body[data-ready]")
    code = ada.url.rsplit("/", 1)[1]
    bob = await visitors.inside("Bob", room=code)
    await expect(bob.get_by_test_id("hosting")).to_be_hidden()
    await ada.get_by_test_id("btn-lock").click()
    await expect(ada.get_by_test_id("btn-lock")).to_have_text("Unlock")
    cem = await visitors.page()
    await cem.goto(f"{visitors.url}/r/{code}?name=Cem")
    await expect(cem.get_by_test_id("door-title")).to_have_text("The host has locked the door")
    await ada.get_by_test_id("btn-kick").click()
    await expect(bob.get_by_test_id("door-title")).to_have_text("The host showed you out")
    await expect(bob.get_by_test_id("door-submit")).to_be_hidden()
    await ada.get_by_test_id("btn-close-room").click()
    await ada.get_by_test_id("btn-close-sure").click()
    await expect(ada.get_by_test_id("door-title")).to_have_text("You closed the room")


async def test_the_strip_says_when_udp_seems_blocked(visitors: Visitors) -> None:
    asked = await visitors.inside("Ada", "&transport=websocket")
    await expect(asked.get_by_test_id("rung")).to_have_text("WebSocket")
    page = await visitors.page()
    await page.add_init_script("delete window.RTCPeerConnection")
    await page.goto(f"{visitors.url}/r/{visitors.room}?name=Bob")
    await expect(page.get_by_test_id("rung")).to_have_text("WebSocket: UDP seems blocked")
    await expect(page.get_by_test_id("rtt")).to_contain_text("ms")


async def test_a_name_is_asked_for_at_the_door_once(visitors: Visitors) -> None:
    page = await visitors.page()
    await page.goto(f"{visitors.url}/r/{visitors.room}")
    await page.get_by_test_id("door-name").fill("  Ada   Lovelace ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("peer")).to_contain_text("Ada Lovelace")
    await page.reload()
    await page.wait_for_selector("body[data-ready]")
    await expect(page.get_by_test_id("door")).to_be_hidden()


async def test_one_gets_into_a_vehicle_drives_and_gets_out(visitors: Visitors) -> None:
    ada, bob = await two(visitors)
    await expect(ada.get_by_test_id("btn-board")).to_be_hidden()
    await ada.get_by_test_id("spawn-vehicle").click()
    await expect(ada.get_by_test_id("btn-board")).to_contain_text("Get in")
    await ada.get_by_test_id("btn-board").click()
    await expect(ada.get_by_test_id("btn-board")).to_contain_text("Get out")
    me, x = await ada.evaluate(
        f"(() => {{ const {{room}} = soiree; const me = {MINE}; return [me.id, me.worldPosition()[0]] }})()"
    )
    await ada.get_by_test_id("map").focus()
    await ada.keyboard.down("d")
    await until(bob, f"room.entities.get({me}).smooth().position[0] > {x + 5}")
    await ada.keyboard.up("d")
    await until(bob, f"room.entities.get({me}).parent.velocity.every((v) => v === 0)")
    await ada.keyboard.press("e")
    await until(bob, f"room.entities.get({me}).parent === null")
    await expect(ada.get_by_test_id("btn-board")).to_contain_text("Get in")
    stands = "room.entities.get({}).worldPosition().map(Math.round).join() === '{}'"
    where = await ada.evaluate(f"soiree.room.entities.get({me}).worldPosition().map(Math.round).join()")
    await until(bob, stands.format(me, where))


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_page_that_keeps_nothing_says_goodbye_when_it_goes(visitors: Visitors, transport: str) -> None:
    ada = await visitors.inside("Ada")
    left = None
    # What a page sends as it goes may be lost with it, seldom: three times in a row is too often.
    for attempt in range(3):
        bob = await visitors.page()
        await bob.goto(f"{visitors.url}/")
        await bob.evaluate(
            "async ([room, transport, name]) => { const { join } = await import('/static/soiree/index.js');"
            " window.soiree = { room: await join({ room, name, transport }) }; }",
            [visitors.room, transport, f"Bob {attempt}"],
        )
        await until(ada, f"[...room.peers.values()].some(({{ name }}) => name === 'Bob {attempt}')")
        await ada.evaluate(
            "void (soiree.left = Promise.race([soiree.room.once('peer-left'), new Promise((late) => setTimeout(late, 5000))]))"
        )
        await bob.goto("about:blank")
        # Who says nothing is only away, and has left after 40 s by "timeout".
        left = await ada.evaluate("soiree.left.then((left) => left && [left.peer.name, left.reason])")
        if left is not None:
            break
    assert left == [f"Bob {attempt}", "bye"]


CONTROLS = [".tools", ".knobs", "#scale"]
OVERLAPS = """(selectors) => {
  const boxes = selectors.map((selector) => document.querySelector(selector).getBoundingClientRect());
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return boxes.some((a, n) => boxes.slice(n + 1).some((b) => !apart(a, b)));
}"""


async def test_what_floats_over_the_map_never_overlaps_whatever_the_width(visitors: Visitors) -> None:
    ada = await visitors.inside("Ada")
    for width in (*range(360, 1400, 40), 639, 641, 959, 961, 1151, 1153):
        await ada.set_viewport_size({"width": width, "height": 740})
        assert not await ada.evaluate(OVERLAPS, CONTROLS), f"{width} pixels wide"
