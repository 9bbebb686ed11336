"""Tabs that lie behind another one for minutes, with timers slowed down as browsers do it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import BrowserContext, Page

from tests.e2e.guests import PATIENCE_MS, READY, ask, until
from tests.e2e.plain_chromium import plain_chromium

_LISTEN = """() => {
  const { room } = window.soiree;
  window.heard = [];
  for (const kind of ["peer-away", "peer-left", "reconnecting", "resumed", "closed"]) {
    room.on(kind, (told) => heard.push([kind, told.peer?.name ?? told.reason]));
  }
  room.on("changed", ({ entity, what, cause }) => what === "owner" && cause !== "assign" && heard.push([what, entity.id, cause]));
  window.wakeups = 0;
  setInterval(() => wakeups++, 50);
}"""


@dataclass(frozen=True, slots=True)
class Hidden:
    """A tab behind another one."""

    transport: str
    page: Page
    peer: int
    mine: list[int]
    """Entities that it owns: its avatar and a ball, and a box of the witness's."""


@dataclass(frozen=True, slots=True)
class Scenery:
    """The witness's tab in front, the others behind it, and when they went there (the loop's clock, seconds)."""

    witness: Page
    hidden: list[Hidden]
    since_s: float


async def _enter(window: BrowserContext, url: str, name: str, transport: str) -> Page:
    page = await window.new_page()
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{url}?name={name}&transport={transport}")
    await page.wait_for_selector(READY)
    return page


async def _hide(window: BrowserContext, witness: Page, url: str, transport: str) -> Hidden:
    page = await _enter(window, url, transport, transport)
    peer = await ask(page, "room.peerId")
    ball = await ask(page, "room.spawn('ball', { position: [1, 0, 1] }).then((ball) => ball.id)")
    box = await ask(
        witness, "room.spawn('box', { position: [0, 0, 0] }).then((box) => box.assign(it).then(() => box.id))", peer
    )
    await until(page, "room.entities.get(it)?.isMine", argument=box)
    avatar = await ask(page, "[...room.entities.values()].find((one) => one.kind === 'avatar' && one.isMine).id")
    await page.evaluate(_LISTEN)
    return Hidden(transport, page, peer, [avatar, ball, box])


@asynccontextmanager
async def tabs_behind(url: str, profile: Path) -> AsyncIterator[Scenery]:
    """One tab on each transport in the room at `url`, until the block ends."""
    async with plain_chromium(profile) as window:
        witness = await _enter(window, url, "witness", "websocket")
        hidden = [await _hide(window, witness, url, transport) for transport in ("webrtc", "websocket")]
        await witness.bring_to_front()
        await witness.evaluate(_LISTEN)
        yield Scenery(witness, hidden, asyncio.get_running_loop().time())
