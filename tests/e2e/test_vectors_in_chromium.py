"""The golden vectors, tried in Chromium by the very file that node runs, on the codec that the server hands out."""

import json
import re
import subprocess

import pytest
from playwright.async_api import Browser

from tests.e2e.stranger import ROOT, site
from tests.system.party_process import Party

pytestmark = pytest.mark.asyncio(loop_scope="session")
SUITE = "tests/js/vectors.test.js"


def _page(server: Party) -> str:
    """Runs the suite; what it takes from the checkout's folder of the SDK comes from the server instead."""
    imports = {
        "node:test": "/tests/e2e/node_in_browser/test.js",
        "node:assert/strict": "/tests/e2e/node_in_browser/assert.js",
        "node:fs": "/tests/e2e/node_in_browser/fs.js",
        "/web/static/soiree/": f"{server.url}/static/soiree/",
    }
    return (
        '<!doctype html><script type="importmap">'
        + json.dumps({"imports": imports})
        + f'</script><script type="module">import "/{SUITE}";'
        + 'import { outcomes } from "node:test"; window.outcomes = await outcomes();</script>'
    )


def _names_in_node() -> list[str]:
    """What the same file tries in node, and passes there."""
    command = ["node", "--test", "--test-reporter=tap", SUITE]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return re.findall(r"^ok \d+ - (.*)$", ran.stdout, re.MULTILINE)


async def test_every_vector_gives_the_same_in_chromium_as_in_node(browser: Browser, server: Party) -> None:
    async with site({"/": _page(server)}, {"/tests": ROOT / "tests"}) as address:
        context = await browser.new_context()
        page = await context.new_page()
        loaded: list[str] = []
        page.on("request", lambda request: loaded.append(request.url))
        await page.goto(f"{address}/")
        await page.wait_for_function("window.outcomes", timeout=20_000)
        outcomes = await page.evaluate("window.outcomes")
        await context.close()
    assert f"{server.url}/static/soiree/state.js" in loaded
    assert [outcome for outcome in outcomes if outcome["error"]] == []
    assert len(outcomes) > 100
    assert [outcome["name"] for outcome in outcomes] == _names_in_node()
