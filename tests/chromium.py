"""The system's Chromium, headless, with WebRTC on loopback."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

FLAGS = (
    # Candidates with real addresses, also on loopback: otherwise both ends hide behind .local names.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
    # WebGL without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-sandbox",
    # Nothing leaves the machine.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
"""Chromium's command line, beside what the driver adds by itself."""


def executable() -> str:
    """The path of Chromium.

    Raises:
        FileNotFoundError: there is none; `make setup` as root brings it.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    raise FileNotFoundError("no Chromium: run `make setup` as root, or install the package chromium")


@asynccontextmanager
async def chromium(*more_flags: str) -> AsyncIterator[Browser]:
    """Run a Chromium of its own until the block ends. `more_flags` are added to `FLAGS`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable(), args=[*FLAGS, *more_flags], headless=True
        )
        try:
            yield browser
        finally:
            await browser.close()
