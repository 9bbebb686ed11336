"""Two minutes behind another tab: still there, owning what one owned."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Page

from tests.e2e.guests import ask, until
from tests.e2e.hidden_tabs import Scenery

pytestmark = pytest.mark.asyncio(loop_scope="session")

HIDDEN_S = 120


async def _says(page: Page, expression: str) -> Any:
    return await page.evaluate(expression)


@pytest.mark.timeout(240)
async def test_hidden_tabs_stay_and_keep_what_they_own(hidden_tabs: Scenery) -> None:
    witness, loop = hidden_tabs.witness, asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, hidden_tabs.since_s + HIDDEN_S - loop.time()))
    hidden_s = loop.time() - hidden_tabs.since_s
    for tab in hidden_tabs.hidden:
        assert await _says(tab.page, "document.visibilityState") == "hidden"
        wakeups = await _says(tab.page, "wakeups")
        print(f"{tab.transport}: hidden for {hidden_s:.0f} s, {wakeups} of {hidden_s * 20:.0f} timers fired")
        # Once a second at most: 20 times as slow as asked for.
        assert wakeups < hidden_s * 1.2 + 20
        owners = "it.map((id) => room.entities.get(id)?.owner)"
        assert await ask(tab.page, owners, tab.mine) == [tab.peer] * 3
        assert await ask(witness, owners, tab.mine) == [tab.peer] * 3
        assert await ask(tab.page, "room.connected && room.stats().transport") == tab.transport
        assert await _says(tab.page, "heard") == []
    assert await _says(witness, "heard") == []
    for tab in hidden_tabs.hidden:
        # What somebody says is heard behind as well, and answered.
        await ask(tab.page, "room.on('event', ({ name }) => name === 'ping' && room.sendEvent('pong', room.peerId))")
    await ask(witness, "room.on('event', ({ name, payload }) => name === 'pong' && heard.push(payload))")
    await ask(witness, "room.sendEvent('ping', null)")
    await witness.wait_for_function("() => heard.length === 2")
    for tab in hidden_tabs.hidden:
        await tab.page.bring_to_front()
        await ask(tab.page, "room.entities.get(it).set({ position: [9, 0, 9] })", tab.mine[2])
        await witness.bring_to_front()
        await until(witness, "room.entities.get(it).position[0] === 9", argument=tab.mine[2])
