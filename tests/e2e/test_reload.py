"""A page that is reloaded, and a server that is not there any more."""

import asyncio
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

import soiree
from tests.e2e.conftest import BEST, GuestsOf
from tests.e2e.guests import READY, Guests, ask, until
from tests.system.party_process import Party, party
from tests.system.ways import until as so

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORLD = """[...room.entities.values()].map((one) => ({
  id: one.id, uuid: one.uuid, kind: one.kind, owner: one.owner, master: one.master, rule: one.rule, epoch: one.epoch,
  lifetime: one.lifetime, parent: one.parent?.id ?? 0, properties: one.properties, position: one.position.map((m) => Math.round(m * 1024)),
})).sort((a, b) => a.id - b.id)"""


async def world(page: Page) -> dict[str, Any]:
    """Who one is, who else is there, and everything there is."""
    said = f"({{ me: room.peerId, peers: [...room.peers.keys()].sort(), things: {WORLD} }})"
    found: dict[str, Any] = await ask(page, said)
    return found


@pytest.mark.parametrize("transport", ["webrtc", "websocket"])
async def test_a_reloaded_page_is_the_same_peer_with_the_same_things(
    guests: Guests, server: Party, transport: str
) -> None:
    code = server.room("Again")
    async with soiree.join(server.url, room=code, name="Cem", transport="websocket") as cem:
        ada = await guests.inside(code, "Ada", transport)
        for kind in ("ball", "box", "vehicle"):
            await ada.get_by_test_id(f"spawn-{kind}").click()
            await until(ada, "[...room.entities.values()].some((one) => one.kind === it)", argument=kind)
        # Something of another master is owned as well, and something of one's own by another.
        gift = await cem.spawn("lamp", position=(1, 2, 3), properties={"lit": True})
        me = await ask(ada, "room.peerId")
        await gift.assign(me)
        await until(ada, "room.entities.get(it)?.isMine", argument=gift.id)
        await ask(ada, "room.entities.get(it).set({ position: [4, 5, 6] })", gift.id)
        lent = await ask(ada, "[...room.entities.values()].find((one) => one.kind === 'box').id")
        await ask(ada, "room.entities.get(it[0]).assign(it[1])", [lent, cem.peer_id])
        await so(lambda: lent in cem.entities and cem.entities[lent].mine and gift.position == (4, 5, 6))
        await until(ada, "room.stats().unapplied === 0")
        before = await world(ada)
        for _ in range(3):
            await ada.reload()
            await ada.wait_for_selector(READY)
            await until(ada, "room.entities.size >= it", argument=len(before["things"]))
            assert await world(ada) == before
        assert [peer.name for peer in cem.peers.values()].count("Ada") == 1
        # It is hers in deed: what she moves, the other sees.
        await ask(ada, "room.entities.get(it).set({ position: [7, 8, 9] })", gift.id)
        await so(lambda: gift.position == (7, 8, 9))


async def _told(page: Page, title: str) -> None:
    await expect(page.get_by_test_id("door-title")).to_have_text(title, timeout=25_000)
    await expect(page.get_by_test_id("reconnecting")).to_be_hidden()
    await expect(page.get_by_test_id("rung")).to_have_text("no connection")


@pytest.mark.parametrize("transport", ["", "websocket"], ids=["any", "websocket"])
async def test_a_server_that_is_killed_and_comes_back_without_the_room_says_so(
    guests_of: GuestsOf, tmp_path: Path, transport: str
) -> None:
    with party(BEST, tmp_path) as server:
        guests = guests_of(server)
        code = server.room("Gone")
        ada = await guests.inside(code, "Ada", transport)
        guests.server_dies = True
        server.stop(signal.SIGKILL)
        await expect(ada.get_by_test_id("reconnecting")).to_be_visible(timeout=15_000)
    with party(BEST, tmp_path, "--port", str(urlsplit(server.url).port)) as again:
        assert again.url == server.url
        await _told(ada, "The room is gone")
        await expect(ada.get_by_test_id("door-text")).to_contain_text("restarted")
        await expect(ada.get_by_test_id("door-submit")).to_be_hidden()
        await ada.get_by_role("link", name="To the lobby", exact=True).click()
        await ada.wait_for_url(f"{server.url}/")
        await expect(ada.get_by_test_id("no-rooms")).to_be_visible()


async def test_a_server_that_stops_says_goodbye_and_the_lobby_waits_for_it(guests_of: GuestsOf, tmp_path: Path) -> None:
    with party(BEST, tmp_path) as server:
        guests = guests_of(server)
        code = server.room("Gone")
        ada, bob = await asyncio.gather(guests.inside(code, "Ada"), guests.lobby())
        guests.server_dies = True
        code_of_exit, _ = await asyncio.to_thread(server.stop)
        assert code_of_exit == 0
        await _told(ada, "The server stopped")
        await expect(bob.get_by_test_id("server-gone")).to_be_visible()
    with party(BEST, tmp_path, "--port", str(urlsplit(server.url).port)):
        await expect(bob.get_by_test_id("server-gone")).to_be_hidden(timeout=20_000)
        await expect(bob.get_by_test_id("room-card")).to_have_count(0)
