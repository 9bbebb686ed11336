"""People at browsers: pages that are opened as they would, and that may neither complain nor load anything from elsewhere."""

from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PATIENCE_MS = 20_000
READY = "body[data-ready]"
Theme = Literal["dark", "light"]


@dataclass(slots=True)
class Guests:
    """Opens pages in profiles of their own, and remembers what went wrong in any of them."""

    browser: Browser
    home: str
    """Origin of the server; pages may ask nobody else."""
    troubles: list[str] = field(default_factory=list)
    """Exceptions, unhandled rejections, complaints on the console, requests that left the server."""
    contexts: list[BrowserContext] = field(default_factory=list)
    server_dies: bool = False
    """Set while refused connections are what is to be expected."""

    async def page(self, width: int = 1280, height: int = 800, theme: Theme = "dark") -> Page:
        """A blank page in a fresh profile."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, reduced_motion="reduce"
        )
        self.contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.troubles.append(f"uncaught: {error}"))
        page.on("console", lambda message: self._said(message))
        page.on("request", lambda request: self._asked(request))
        return page

    async def lobby(self, **look: Any) -> Page:
        """A page with the lobby, its list of rooms come."""
        page = await self.page(**look)
        await page.goto(f"{self.home}/")
        await page.wait_for_selector("#waiting", state="hidden")
        return page

    async def door(self, room: str, name: str = "", transport: str = "", **look: Any) -> Page:
        """A page in front of a room, wherever it gets."""
        page = await self.page(**look)
        query = "&".join(f"{key}={value}" for key, value in (("name", name), ("transport", transport)) if value)
        await page.goto(f"{self.home}/r/{room}?{query}")
        return page

    async def inside(self, room: str, name: str, transport: str = "", **look: Any) -> Page:
        """A page in a room, its avatar standing."""
        page = await self.door(room, name, transport, **look)
        await page.wait_for_selector(READY)
        return page

    async def leave(self) -> None:
        """Close every page."""
        while self.contexts:
            await self.contexts.pop().close()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        # The browser itself logs every refusal of the server; what the page makes of it is what is tested.
        refused = message.text.startswith("Failed to load resource")
        cut = self.server_dies and ("ERR_CONNECTION" in message.text or "WebSocket connection" in message.text)
        if not refused and not cut and "GPU stall" not in message.text:
            self.troubles.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.home + "/", "data:", "blob:")):
            self.troubles.append(f"asked elsewhere: {request.url}")


async def until(page: Page, expression: str, within_ms: float = PATIENCE_MS, argument: object = None) -> None:
    """Wait until a JavaScript expression holds in the page; in it, `room` is the room that the page is in, `it` the argument."""
    await page.wait_for_function(
        f"(it) => {{ const room = window.soiree?.room; return Boolean(room && ({expression})); }}",
        arg=argument,
        timeout=within_ms,
    )


async def ask(page: Page, expression: str, argument: object = None) -> Any:
    """The value of a JavaScript expression (it may be a promise) with `room` and `it` as in `until`."""
    return await page.evaluate(f"async (it) => {{ const {{ room }} = window.soiree; return {expression}; }}", argument)


async def choose(page: Page, entity: int) -> None:
    """Choose a thing as one would: from the list beside the map."""
    things = page.get_by_test_id("things")
    if not await things.evaluate("(box) => box.open"):
        await things.locator("summary").click()
    await things.locator(f"[data-entity='{entity}']").click()
