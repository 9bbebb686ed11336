"""docs/GODOT.md, followed to the letter: an empty project, the zip of a running server, and the files that it shows."""

import asyncio
import io
import re
import urllib.request
import zipfile
from pathlib import Path

import pytest

import soiree
from tests.godot.rig import ROOT, Godot
from tests.system.party_process import party
from tests.system.ways import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
EMPTY_PROJECT = b'config_version=5\n\n[application]\n\nrun/main_scene="res://main.tscn"\n'
"""With a renderer that every browser has, as the editor sets it for the web."""
RENDERER = b'\n[rendering]\n\nrenderer/rendering_method="gl_compatibility"\n'


def shown_in(document: Path) -> dict[str, bytes]:
    """The files that it shows, by the names that stand beside their language."""
    blocks = re.findall(r"^```(?:gdscript|tscn) (\S+)\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return {name: text.encode() for name, text in blocks}


def downloaded(url: str) -> bytes:
    """The addon."""
    with urllib.request.urlopen(f"{url.rstrip('/')}/download/soiree-godot.zip") as response:
        data: bytes = response.read()
        return data


async def test_a_shared_cube(godot: Godot, tmp_path: Path) -> None:
    with party("auto", tmp_path, "--demo", "party") as server:
        bundle = zipfile.ZipFile(io.BytesIO(await asyncio.to_thread(downloaded, server.url)))
        files = {name: bundle.read(name) for name in bundle.namelist()} | shown_in(ROOT / "docs" / "GODOT.md")
        assert {"main.gd", "main.tscn", "cube.tscn", "addons/soiree/room.gd"} <= files.keys()
        files["project.godot"] = EMPTY_PROJECT + RENDERER
        async with soiree.join(server.url, room="party", name="Grace") as grace:
            games = [await godot.run(files, addon=False, shown=(160, 120)) for _ in range(2)]
            await until(
                lambda: len({peer.id for peer in grace.peers.values() if peer.name == "Ann"}) == 2, 30, "two play"
            )
            await until(lambda: any(e.kind == "cube" for e in grace.entities.values()), 20, what="there is a cube")
            (cube,) = (e for e in grace.entities.values() if e.kind == "cube")
            before = cube.rotation
            owners: set[int] = set()
            await until(lambda: cube.rotation != before, what="it turns")
            players = {peer.id for peer in grace.peers.values() if peer.name == "Ann"}
            async with asyncio.timeout(60):
                while owners != players:
                    for game in games:
                        await game.page.mouse.click(80, 60)
                        await asyncio.sleep(0.3)
                        owners.add(cube.owner)
            assert len([e for e in grace.entities.values() if e.kind == "cube"]) == 1
