"""A Chromium as people run it: of the tabs in a window those behind are hidden and slowed down, which a driven one keeps from it."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import BrowserContext, async_playwright

from tests.chromium import FLAGS, executable

GRACE_S = 10
"""A tab that is hidden for so long wakes up once a minute for its timers; people's browsers wait 5 minutes, or 10 s after loading."""
START_S = 30.0
_LISTENING = "DevTools listening on "


async def _address(process: Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        text = line.decode(errors="replace").strip()
        if text.startswith(_LISTENING):
            return text.removeprefix(_LISTENING)
    raise AssertionError("Chromium ended before it could be driven")


async def _drain(process: Process) -> None:
    assert process.stderr is not None
    async for _ in process.stderr:
        pass


@asynccontextmanager
async def plain_chromium(profile: Path) -> AsyncIterator[BrowserContext]:
    """Run one on a fresh profile; gives its window, whose pages are tabs: `bring_to_front` hides the others."""
    flags = [
        *FLAGS,
        "--headless=new",
        "--no-sandbox",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        f"--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/{GRACE_S}",
    ]
    process = await asyncio.create_subprocess_exec(executable(), *flags, "about:blank", stdout=DEVNULL, stderr=PIPE)
    try:
        address = await asyncio.wait_for(_address(process), START_S)
        draining = asyncio.create_task(_drain(process))
        async with async_playwright() as playwright:
            browser = await playwright.chromium.connect_over_cdp(address, no_defaults=True)
            yield browser.contexts[0]
            await browser.close()
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
    await draining
