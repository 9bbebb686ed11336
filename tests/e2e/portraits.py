"""The pictures of the documents: `python -m tests.e2e.portraits` takes docs/room.png, docs/lobby.png and docs/city.png anew."""

import asyncio
import math
import struct
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Page

import soiree
from soiree import rtc
from soiree.wire.messages import Rule
from tests.chromium import chromium
from tests.e2e.guests import Guests, Theme, ask, until
from tests.e2e.stranger import ROOT
from tests.system.party_process import Party, party

DOCS = ROOT / "docs"
THEME: Theme = "dark"
Place = tuple[float, float, float]
Portray = Callable[[Guests, Party], Awaitable[None]]

WHO = {  # where they stand from Ada, metres east and south, and where they look, degrees from north
    "Mira": (-6.2, -1.4, 120.0),
    "Jonas": (-3.4, 3.6, 20.0),
    "Aiko": (4.8, 3.4, 300.0),
    "Tomás": (6.4, -2.4, 250.0),
    "Noor": (0.3, -3.2, 130.0),
}
WORDS = (
    ("Mira", "who brought the car up here?"),
    ("Tomás", "it fits, if you own the stairs"),
    ("Aiko", "catch!"),
    ("Jonas", "may I keep the lamp a while?"),
)
ROOMS: tuple[tuple[str, int, int, dict[str, str]], ...] = (  # name, capacity, people, more
    ("The rooftop", 16, 6, {}),
    ("Chess by candlelight", 4, 4, {}),
    ("Kitchen talk", 8, 3, {}),
    ("Garden, by invitation", 12, 2, {"password": "moon"}),
    ("Band practice", 6, 1, {}),
    ("The quiet library", 24, 0, {}),
)


ARRIVED = """[...room.entities.values()].every((one) => {
  const shown = one.smooth().position;
  return one.worldPosition().every((metres, axis) => Math.abs(metres - shown[axis]) < 0.01);
})"""
"""Everything is drawn where it is."""
AT_REST = """() => document.getAnimations().every((one) => {
  return one.playState !== "running" || one.effect.getComputedTiming().endTime > 5000;
})"""
"""What rises has risen; how much time is left for an answer may go on running down."""


def squeezed(png: bytes) -> bytes:
    """The same picture in fewer bytes: browsers compress in haste."""
    place, pixels, kept = 8, b"", []
    while place < len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        body = png[place + 8 : place + 8 + length]
        if kind == b"IDAT":
            pixels += body
        elif kind in (b"IHDR", b"IEND"):
            kept.append((kind, body))
        place += length + 12
    chunks = [kept[0], (b"IDAT", zlib.compress(zlib.decompress(pixels), 9)), kept[1]]
    return png[:8] + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def turned(degrees: float) -> tuple[float, float, float, float]:
    """A rotation about the vertical, from north clockwise as on the map."""
    half = -math.radians(degrees) / 2
    return (0.0, math.sin(half), 0.0, math.cos(half))


async def people_the_room(
    stack: AsyncExitStack, server: Party, code: str, east: float, south: float
) -> dict[str, soiree.Room]:
    """Everybody stands around Ada, with what they have brought."""
    rooms: dict[str, soiree.Room] = {}
    for name, (x, z, degrees) in WHO.items():
        room = rooms[name] = await stack.enter_async_context(
            soiree.join(server.url, room=code, name=name, transport="websocket")
        )
        await room.spawn(
            "avatar", position=(east + x, 0, south + z), rotation=turned(degrees), upright=True, rule="deny"
        )
    brought: tuple[tuple[str, str, Place, Rule, dict[str, str]], ...] = (
        ("Mira", "vehicle", (-9.0, 0, 0.8), "ask", {}),
        ("Mira", "sign", (-5.6, 0, -4.4), "deny", {"text": "Rooftop, since sunset"}),
        ("Aiko", "ball", (2.3, 0, 1.7), "allow", {"label": "catch"}),
        ("Jonas", "box", (-5.4, 0, 5.0), "ask", {"label": "snacks"}),
        ("Tomás", "ball", (8.4, 0, 0.4), "allow", {}),
    )
    for name, kind, (x, y, z), rule, properties in brought:
        await rooms[name].spawn(
            kind, position=(east + x, y, south + z), rule=rule, properties=properties, upright=kind == "vehicle"
        )
    return rooms


async def portray_room(guests: Guests, server: Party) -> None:
    """Ada's view: she masters a lamp that Jonas has and a drum that Noor asks for."""
    code = server.room("The rooftop", capacity=16)
    async with AsyncExitStack() as stack:
        page = await guests.inside(code, "Ada", theme=THEME)
        east, _, south = await ask(page, "[...room.entities.values()].find((one) => one.isMine).position")
        rooms = await people_the_room(stack, server, code, east, south)
        drum = await _put(page, "box", (east + 3.0, 0, south - 2.2), "drum")
        lamp = await _put(page, "box", (east - 1.4, 0, south + 4.9), "lamp")
        await ask(page, "room.entities.get(it[0]).assign(it[1])", [lamp, rooms["Jonas"].peer_id])
        for name, words in WORDS:
            await rooms[name].send_event("chat", {"text": words})
            await page.get_by_test_id("chat-log").get_by_text(words).wait_for()
        await page.get_by_test_id("chat-input").fill("of course, it suits you")
        await page.keyboard.press("Enter")
        await page.evaluate("document.activeElement.blur()")
        await until(
            page, "room.stats().rttMs > 0 && room.stats().rttMs < 12 && room.entities.size >= 13", within_ms=90_000
        )
        asking = asyncio.create_task(rooms["Noor"].entities[drum].request("for the next song"))
        await page.get_by_test_id("ask-toast").wait_for()
        await until(page, ARRIVED)
        await page.wait_for_function(AT_REST)
        (DOCS / "room.png").write_bytes(squeezed(await page.screenshot()))
        await page.get_by_test_id("ask-allow").click()
        await asking


async def _put(page: Page, kind: str, place: Place, label: str) -> int:
    spawned = "room.spawn(it[0], { position: it[1], rule: 'ask', properties: { label: it[2] } })"
    with_time = f"{spawned}.then((one) => one.setRule('ask', {{ askTimeoutMs: 15000 }}).then(() => one.id))"
    return int(await ask(page, with_time, [kind, list(place), label]))


async def portray_lobby(guests: Guests, server: Party) -> None:
    """An evening with six rooms."""
    async with AsyncExitStack() as stack:
        for name, capacity, people, more in reversed(ROOMS):
            code = server.room(name, capacity=capacity, **more)
            for number in range(people):
                password = more.get("password")
                joining = soiree.join(
                    server.url, room=code, name=f"guest {number}", transport="websocket", password=password
                )
                await stack.enter_async_context(joining)
        page = await guests.lobby(theme=THEME)
        await page.get_by_test_id("name-input").fill("Ada")
        await page.get_by_test_id("room-card").nth(len(ROOMS) - 1).wait_for()
        await page.evaluate("document.activeElement.blur()")
        await page.wait_for_function(AT_REST)
        (DOCS / "lobby.png").write_bytes(squeezed(await page.screenshot()))


async def portray_city(guests: Guests, server: Party) -> None:
    """Some blocks of the demo's city, with what drives and walks in them."""
    page = await guests.inside("city", "Ada", theme=THEME)
    await page.get_by_role("button", name="Got it").click()
    await until(page, "room.entities.size > 400")
    for _ in range(4):
        await page.get_by_role("button", name="Zoom out").click()
    await page.mouse.move(640, 400)
    await page.evaluate("document.activeElement.blur()")
    await until(page, f"room.stats().rttMs > 0 && {BUSY}", within_ms=90_000)
    await page.wait_for_function(AT_REST)
    (DOCS / "city.png").write_bytes(squeezed(await page.screenshot()))


BUSY = """[...room.entities.values()].filter((one) => {
  const [x, , z] = one.smooth().position;
  return one.kind === "vehicle" && Math.hypot(x, z) < 130;
}).length > 11"""
"""Many drive where one stands."""
CITY = ("--demo", "city", "--entities", "20000")
PORTRAITS: tuple[tuple[Portray, tuple[str, ...]], ...] = (
    (portray_lobby, ()),
    (portray_room, ()),
    (portray_city, CITY),
)


async def main() -> None:
    """Take all."""
    async with chromium() as browser:
        for portray, options in PORTRAITS:
            with (
                TemporaryDirectory(prefix="soiree-") as folder,
                party(rtc.available()[0], Path(folder), *options) as server,
            ):
                guests = Guests(browser, server.url)
                await portray(guests, server)
                await guests.leave()
                assert guests.troubles == [], guests.troubles


if __name__ == "__main__":
    asyncio.run(main())
