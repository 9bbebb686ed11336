"""A party, and visitors who look at its pages in Chromium; what goes wrong in a page fails the test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest_asyncio
from aiohttp import ClientSession
from playwright.async_api import Browser, ConsoleMessage, Page

from tests.party_server import Party, running_party


@pytest_asyncio.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    """A whole server on loopback, with a room in it."""
    async with running_party(tmp_path) as running:
        yield running


@dataclass(frozen=True, slots=True)
class HostedRoom:
    """A room whose host is the test."""

    address: str
    """Of its REST resource."""
    code: str
    key: str

    async def close(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with ClientSession() as http, http.delete(self.address, headers=headers) as response:
            assert response.status == 204


@dataclass(slots=True)
class Visitors:
    """Opens pages as people would, each in a browser profile of its own."""

    browser: Browser
    url: str
    room: str
    """Code of the room that is there, unlisted."""
    troubles: list[str]
    """Exceptions, and complaints on the console, of all pages."""

    async def page(self, width: int = 1280, height: int = 800, theme: Literal["dark", "light"] = "dark") -> Page:
        """A blank page."""
        context = await self.browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
        page = await context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda message: self._heard(message))
        return page

    async def public_room(self, name: str, capacity: int = 16) -> HostedRoom:
        """Make a room that the lobby shows."""
        wish = {"name": name, "capacity": capacity, "public": True}
        async with ClientSession() as http, http.post(f"{self.url}/api/v1/rooms", json=wish) as response:
            made = await response.json()
        return HostedRoom(f"{self.url}/api/v1/rooms/{made['room']['id']}", made["room"]["code"], made["host_key"])

    async def lobby(self, width: int = 1280, height: int = 800) -> Page:
        """A page with the lobby."""
        page = await self.page(width, height)
        await page.goto(f"{self.url}/")
        return page

    async def inside(self, name: str, query: str = "", *, room: str = "") -> Page:
        """A page in a room, its avatar standing."""
        page = await self.page()
        await page.goto(f"{self.url}/r/{room or self.room}?name={name}{query}")
        await page.wait_for_selector("body[data-ready]")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        # The browser itself logs each refusal of the server; what the page makes of it is tested.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.troubles.append(message.text)


@pytest_asyncio.fixture
async def visitors(browser: Browser, party: Party) -> AsyncIterator[Visitors]:
    """Visitors of the party."""
    opened = Visitors(browser, party.url, party.room, [])
    yield opened
    assert opened.troubles == []


WAIT_MS = 20_000


async def until(page: Page, expression: str) -> None:
    """Wait for a JavaScript expression to hold in the page; `room` in it is the room that the page is in."""
    held = await page.evaluate(
        f"async () => {{ const end = Date.now() + {WAIT_MS}; for (;;) {{ const room = window.soiree?.room;"
        f" if ({expression}) return true; if (Date.now() > end) return false;"
        " await new Promise(requestAnimationFrame); } }"
    )
    assert held, f"this never came to hold: {expression}"
