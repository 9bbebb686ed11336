"""Where UDP cannot pass, the room opens over the WebSocket, soon, and says so."""

import time
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from playwright.async_api import TimeoutError as PageTimeoutError

from soiree import rtc
from tests.e2e.conftest import GuestsOf
from tests.e2e.guests import READY, Guests, ask
from tests.system.namespace import namespace
from tests.system.party_process import Party, party

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHIN_S = 3.0
"""From asking to be let in until one is, over the WebSocket."""
BACK_WITHIN_S = 10.0
"""From UDP passing again until one stands on WebRTC."""
NO_TURN = {"SOIREE_TURN": "off"}
"""Else a browser comes in by TURN over TCP where the relay can be reached so."""
_FRIENDS = "[...room.peers.values()].map(({ name }) => name).sort()"


_KNOCKED = "performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/join'))?.startTime"


_ASKED = """performance.getEntriesByType('resource')
    .map(({ name, startTime, duration }) => `${name} at ${startTime | 0} ms for ${duration | 0} ms`).join('; ')"""


async def enter(page: Page, url: str) -> float:
    """Open a room; seconds from asking to be let in until a connection carries one, by the page's clock."""
    heard: list[str] = []
    page.on("console", lambda said: heard.append(said.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("requestfailed", lambda request: heard.append(f"{request.url}: {request.failure}"))
    await page.goto(url)
    try:
        connected = await page.wait_for_function(
            f"() => {{ const now = performance.now(); return window.soiree?.room?.connected && (now - {_KNOCKED}) / 1000; }}"
        )
    except PageTimeoutError as error:
        stats = await page.evaluate("JSON.stringify(window.soiree?.room?.stats() ?? null)")
        asked = await page.evaluate(_ASKED)
        raise AssertionError(
            f"never connected: {stats}; asked for {asked}; heard {heard}; {await page.inner_text('body')}"
        ) from error
    took_s = float(await connected.json_value())
    await page.wait_for_selector(READY)
    return took_s


async def says_websocket(page: Page) -> None:
    await expect(page.get_by_test_id("rung")).to_have_text("WebSocket: UDP seems blocked")
    await expect(page.get_by_test_id("rtt")).to_contain_text("ms")
    assert await ask(page, "room.stats().transport") == "websocket"
    assert await ask(page, "room.stats().why")


async def test_a_browser_without_webrtc_is_let_in(guests: Guests, server: Party) -> None:
    page, code = await guests.page(), server.room("Narrow")
    await page.add_init_script("delete window.RTCPeerConnection; delete window.webkitRTCPeerConnection;")
    assert await enter(page, f"{server.url}/r/{code}?name=Ada") < WITHIN_S
    await says_websocket(page)
    other = await guests.inside(code, "Bob")
    await expect(other.get_by_test_id("rung")).to_have_text("direct UDP")
    assert await ask(page, _FRIENDS) == await ask(other, _FRIENDS) == ["Ada", "Bob"]


@pytest.mark.parametrize("engine", rtc.available())
async def test_a_network_that_swallows_udp_costs_little_time(guests_of: GuestsOf, tmp_path: Path, engine: str) -> None:
    async with namespace() as space:
        await space.swallow_udp()
        with party(engine, tmp_path, "--host", space.inside, before=space.prefix, env=NO_TURN) as server:
            guests, code = guests_of(server), server.room("Narrow")
            pages = [await guests.page(), await guests.page()]
            for name, page in zip(("Ada", "Bob"), pages, strict=True):
                took_s = await enter(page, f"{server.url}/r/{code}?name={name}")
                print(f"{engine}: in the room over the WebSocket after {took_s:.2f} s")
                assert took_s < WITHIN_S
                await says_websocket(page)
            assert await ask(pages[0], _FRIENDS) == ["Ada", "Bob"]
            assert server.complaints() == []
            await guests.leave()


_COUNT = "(room) => { let n = 0; window.counting = setInterval(() => room.sendEvent('count', { n: n++ }), 10); }"
_KEEP = "(room) => { window.heard = []; room.on('event', ({ name, payload }) => name === 'count' && heard.push(payload.n)); }"


@pytest.mark.parametrize("engine", rtc.available())
async def test_when_udp_passes_again_one_is_soon_on_webrtc_and_nothing_is_lost_or_doubled(
    guests_of: GuestsOf, tmp_path: Path, engine: str
) -> None:
    async with namespace() as space:
        await space.swallow_udp()
        with party(engine, tmp_path, "--host", space.inside, before=space.prefix, env=NO_TURN) as server:
            guests, code = guests_of(server), server.room("Narrow")
            ada, bob = await guests.page(), await guests.page()
            for name, page in (("Ada", ada), ("Bob", bob)):
                assert await enter(page, f"{server.url}/r/{code}?name={name}") < WITHIN_S
                await says_websocket(page)
            peers = [await ask(page, "room.peerId") for page in (ada, bob)]
            await bob.evaluate(f"({_KEEP})(soiree.room)")
            await ada.evaluate(f"({_COUNT})(soiree.room)")
            await space.pass_udp()
            began = time.monotonic()
            for page in (ada, bob):
                await expect(page.get_by_test_id("rung")).to_have_text("direct UDP", timeout=2000 * BACK_WITHIN_S)
            took_s = time.monotonic() - began
            print(f"{engine}: both on WebRTC {took_s:.1f} s after UDP came back")
            assert took_s < BACK_WITHIN_S
            await ada.wait_for_timeout(500)  # over the new connection, too
            await ada.evaluate("clearInterval(counting)")
            said = await ada.evaluate("soiree.room.sendEvent('count', { n: -1 }).then(() => true)")
            assert said
            await bob.wait_for_function("heard.at(-1) === -1")
            heard = await bob.evaluate("heard")
            assert heard == [*range(len(heard) - 1), -1]
            assert len(heard) > 50
            assert peers == [await ask(page, "room.peerId") for page in (ada, bob)]
            assert server.complaints() == []
            await guests.leave()


async def test_by_its_own_turn_over_tcp_a_party_is_entered_without_udp(guests_of: GuestsOf, tmp_path: Path) -> None:
    async with namespace() as space:
        await space.swallow_udp()
        with party("aiortc", tmp_path, "--host", space.inside, before=space.prefix) as server:
            guests, code = guests_of(server), server.room("Narrow")
            page = await guests.page()
            assert await enter(page, f"{server.url}/r/{code}?name=Ada") < WITHIN_S
            await expect(page.get_by_test_id("rung")).to_have_text("relayed over TCP (TURN)")
            assert server.complaints() == []
            await guests.leave()
