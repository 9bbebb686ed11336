"""A site of somebody else: pages on another origin than the server that they use."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

ROOT = Path(__file__).parents[2]


def html_in(document: str) -> str:
    """The first example page of a document.

    Args:
        document: path from the root of the checkout.
    """
    found = re.search(r"^```html\n(.*?)^```", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"no page in {document}"
    return found[1]


def _page(body: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type="text/html")

    return answer


@asynccontextmanager
async def site(pages: Mapping[str, str], folders: Mapping[str, Path]) -> AsyncIterator[str]:
    """Serve pages by their path, and folders as they are, on a port of its own until the block ends; gives the origin."""
    app = web.Application()
    app.router.add_get("/favicon.ico", _page(""))
    for path, body in pages.items():
        app.router.add_get(path, _page(body))
    for prefix, folder in folders.items():
        app.router.add_static(prefix, folder)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
