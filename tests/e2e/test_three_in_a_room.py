"""Two browsers and a Python bot in one room, over each transport and engine."""

import asyncio
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

import soiree
from soiree import rtc
from tests.e2e.conftest import GuestsOf
from tests.e2e.guests import Guests, ask, choose, until
from tests.system.party_process import Party, PartyOf
from tests.system.ways import change, choice, join, same_entity
from tests.system.ways import until as so

pytestmark = pytest.mark.asyncio(loop_scope="session")

RUNG = {"webrtc": "direct UDP", "websocket": "WebSocket"}


@dataclass(frozen=True, slots=True)
class Way:
    """How all three come in."""

    engine: str
    transport: str


WAYS = [Way(engine, "webrtc") for engine in rtc.available()] + [Way(rtc.available()[0], "websocket")]


@pytest.fixture(params=WAYS, ids=lambda way: f"{way.transport}-{way.engine}")
def way(request: pytest.FixtureRequest) -> Way:
    """One of all ways."""
    way: Way = request.param
    return way


@dataclass(frozen=True, slots=True)
class Company:
    """Ada and Bob at browsers, Cem a Python program."""

    ada: Page
    bob: Page
    cem: soiree.Room

    @property
    def pages(self) -> tuple[Page, Page]:
        return self.ada, self.bob


def bot(way: Way) -> str:
    return "websocket" if way.transport == "websocket" else way.engine


async def meet(guests: Guests, server: Party, way: Way, code: str, cem: soiree.Room) -> Company:
    """All are in the room and see each other's avatars."""
    await cem.spawn("avatar", position=(2.0, 0.0, 2.0), upright=True)
    ada, bob = await asyncio.gather(
        guests.inside(code, "Ada", way.transport), guests.inside(code, "Bob", way.transport)
    )
    for page in (ada, bob):
        await until(page, "[...room.entities.values()].filter((one) => one.kind === 'avatar').length === 3")
        await expect(page.get_by_test_id("peer")).to_have_count(3)
        for name in ("Ada", "Bob", "Cem"):
            await expect(page.get_by_test_id("peers")).to_contain_text(name)
    await so(lambda: sorted(peer.name for peer in cem.peers.values()) == ["Ada", "Bob", "Cem"])
    await so(lambda: len(cem.entities) == 3)
    return Company(ada, bob, cem)


async def put_down(page: Page, kind: str) -> int:
    """Spawn by the button; the id of what came."""
    before = await ask(page, "[...room.entities.keys()]")
    await page.get_by_test_id(f"spawn-{kind}").click()
    new = "[...room.entities.values()].find((one) => one.isMine && one.kind === it[0] && !it[1].includes(one.id))"
    await until(page, new, argument=[kind, before])
    return int(await ask(page, f"{new}.id", [kind, before]))


async def test_all_see_what_each_does(way: Way, party_of: PartyOf, guests_of: GuestsOf) -> None:
    server = party_of(way.engine)
    guests, code = guests_of(server), server.room("Three")
    async with join(server.url, code, bot(way), name="Cem") as cem:
        company = await meet(guests, server, way, code, cem)
        for page in company.pages:
            await expect(page.get_by_test_id("rung")).to_have_text(RUNG[way.transport])
            await expect(page.get_by_test_id("rtt")).to_contain_text("ms")
        await _a_ball_is_seen_and_followed(company)
        await _a_ball_is_taken(company)
        await _a_box_is_asked_for(company)
        await _a_box_is_given(company)
        await _they_talk(company)


async def _a_ball_is_seen_and_followed(company: Company) -> None:
    ada, bob, cem = company.ada, company.bob, company.cem
    ball = await put_down(ada, "ball")
    await until(bob, "room.entities.get(it)?.kind === 'ball'", argument=ball)
    seen = await same_entity(cem, ball)
    assert seen.kind == "ball"
    await ask(ada, "room.entities.get(it).set({ position: [3.25, 0, -1.5] })", ball)
    near = "Math.hypot(room.entities.get(it).position[0] - 3.25, room.entities.get(it).position[2] + 1.5) < 0.01"
    await until(bob, near, argument=ball)
    await so(lambda: abs(seen.position[0] - 3.25) < 0.01 and abs(seen.position[2] + 1.5) < 0.01, what="it moved")


async def _a_ball_is_taken(company: Company) -> None:
    """Its rule is `allow`: who takes it has it, and may move it."""
    ada, bob, cem = company.ada, company.bob, company.cem
    ball = int(await ask(ada, "[...room.entities.values()].find((one) => one.kind === 'ball').id"))
    await choose(bob, ball)
    await bob.get_by_test_id("btn-request").click()
    await expect(bob.get_by_test_id("fact-owner")).to_have_text("you")
    bobs_id = int(await ask(bob, "room.peerId"))
    for_ada = "room.entities.get(it[0]).owner === it[1]"
    await until(ada, for_ada, argument=[ball, bobs_id])
    seen = await same_entity(cem, ball)
    await so(lambda: seen.owner == bobs_id)
    await ask(bob, "room.entities.get(it).set({ position: [-2, 0, 4] })", ball)
    await until(ada, "Math.abs(room.entities.get(it).position[2] - 4) < 0.01", argument=ball)
    await so(lambda: abs(seen.position[2] - 4) < 0.01)
    await bob.get_by_test_id("btn-release").click()
    await until(ada, "room.entities.get(it).isMine", argument=ball)


async def _a_box_is_asked_for(company: Company) -> None:
    """Its rule is `ask`: once the master denies, once it allows, by the buttons; and so for the bot."""
    ada, bob, cem = company.ada, company.bob, company.cem
    box = await put_down(ada, "box")
    await until(bob, "room.entities.get(it)?.rule === 'ask'", argument=box)
    await choose(bob, box)
    await bob.get_by_test_id("note-input").fill("just a moment")
    await bob.get_by_test_id("btn-request").click()
    toast = ada.get_by_test_id("ask-toast")
    await expect(toast).to_contain_text("Bob asks for your box")
    await expect(toast).to_contain_text("just a moment")
    await ada.get_by_test_id("ask-deny").click()
    await expect(bob.get_by_test_id("toasts")).to_contain_text("Its master said no.")
    await expect(toast).to_have_count(0)
    await bob.get_by_test_id("btn-request").click()
    await ada.get_by_test_id("ask-allow").click()
    await expect(bob.get_by_test_id("fact-owner")).to_have_text("you")
    await expect(bob.get_by_test_id("fact-master")).to_have_text("Ada")
    await bob.get_by_test_id("btn-release").click()
    await expect(bob.get_by_test_id("fact-owner")).to_have_text("Ada")
    seen = await same_entity(cem, box)
    await so(lambda: seen.owner == seen.master)
    asking = asyncio.create_task(seen.request("may a bot?"))
    await expect(toast).to_contain_text("may a bot?")
    await ada.get_by_test_id("ask-allow").click()
    await asyncio.wait_for(asking, 5)
    assert seen.mine
    await until(bob, "room.entities.get(it[0]).owner === it[1]", argument=[box, cem.peer_id])


async def _a_box_is_given(company: Company) -> None:
    """The master gives it on, though another owns it."""
    ada, bob, cem = company.ada, company.bob, company.cem
    box = int(await ask(ada, "[...room.entities.values()].find((one) => one.kind === 'box').id"))
    await choose(ada, box)
    await ada.get_by_test_id("assign-peer").select_option(label="Bob")
    await ada.get_by_test_id("btn-assign").click()
    await expect(ada.get_by_test_id("fact-owner")).to_have_text("Bob")
    await until(bob, "room.entities.get(it).isMine", argument=box)
    await so(lambda: not cem.entities[box].mine)
    await ada.get_by_test_id("rule-select").select_option("deny")
    await expect(bob.get_by_test_id("fact-rule")).to_contain_text("deny")


async def _they_talk(company: Company) -> None:
    changes = company.cem.changes(state=False)
    for page, words in ((company.ada, "hello from Ada"), (company.bob, "and from Bob")):
        await page.get_by_test_id("chat-input").fill(words)
        await page.keyboard.press("Enter")
        heard = await change(changes, soiree.Event, lambda event: event.name == "chat")
        assert heard.payload == {"text": words}
    await company.cem.send_event("chat", {"text": "<i>beep</i>"})
    for page in company.pages:
        for words in ("hello from Ada", "and from Bob", "<i>beep</i>"):
            await expect(page.get_by_test_id("chat-log")).to_contain_text(words)


async def test_who_leaves_is_gone_and_leaves_things_for_the_room_behind(
    way: Way, party_of: PartyOf, guests_of: GuestsOf
) -> None:
    server = party_of(way.engine)
    guests, code = guests_of(server), server.room("Three")
    async with join(server.url, code, bot(way), name="Cem") as cem:
        company = await meet(guests, server, way, code, cem)
        ball = await put_down(company.bob, "ball")
        avatar = await ask(
            company.bob, "[...room.entities.values()].find((one) => one.kind === 'avatar' && one.isMine).id"
        )
        await so(lambda: {ball, avatar} <= cem.entities.keys())
        await company.bob.get_by_test_id("btn-leave").click()
        await company.bob.wait_for_url(f"{server.url}/")
        await expect(company.ada.get_by_test_id("peer")).to_have_count(2)
        await expect(company.ada.get_by_test_id("chat-log")).to_contain_text("Bob left")
        await until(company.ada, "!room.entities.has(it)", argument=avatar)
        # The longest here inherits what lasts as long as the room.
        await until(company.ada, "room.entities.get(it[0]).master === it[1]", argument=[ball, cem.peer_id])
        await so(lambda: avatar not in cem.entities and cem.entities[ball].mine and len(cem.peers) == 2)
    assert choice(bot(way)) == way.transport
    await expect(company.ada.get_by_test_id("peer")).to_have_count(1)
