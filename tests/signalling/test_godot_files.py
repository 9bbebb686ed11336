"""What Godot gets from a server: the addon, with the server's address in it, and the demo."""

import io
import zipfile
from pathlib import Path

import pytest
from yarl import URL

from signalling.config import HomeConfig
from signalling.godot_files import ADDON, addon_zip
from tests.signalling.conftest import Lobby, running_lobby

HTML = {"Accept": "text/html"}


async def test_the_addon_is_the_tree_with_this_server_s_address(lobby: Lobby) -> None:
    async with lobby.client.get("/download/soiree-godot.zip") as response:
        assert (response.status, response.content_type) == (200, "application/zip")
        bundle = zipfile.ZipFile(io.BytesIO(await response.read()))
    assert bundle.testzip() is None
    files = {path.relative_to(ADDON.parent).as_posix(): path for path in ADDON.rglob("*") if path.is_file()}
    assert set(bundle.namelist()) == {f"addons/{name}" for name in files if ".uid" not in name}
    for name, path in files.items():
        data = bundle.read(f"addons/{name}").decode()
        if name == "soiree/home.gd":
            own = str(lobby.client.make_url("")).rstrip("/")
            assert f'const ADDRESS := "{own}"\n' in data
        else:
            assert data == path.read_text()


def test_an_address_cannot_get_out_of_its_string() -> None:
    said = 'http://x"\nfunc _init(): pass #\\'
    home = zipfile.ZipFile(io.BytesIO(addon_zip(said))).read("addons/soiree/home.gd").decode()
    (line,) = [line for line in home.splitlines() if line.startswith("const ADDRESS")]
    assert line == r'const ADDRESS := "http://x\"\nfunc _init(): pass #\\"'
    assert "\nfunc _init" not in home


async def test_the_demo_is_served_where_it_was_exported_and_nothing_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()
    (folder / "index.html").write_text("<title>Demo</title>")
    (folder / "index.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret").write_text("hush")
    async with running_lobby(HomeConfig(godot_demo=folder)) as lobby:
        for path in ("/demo/", "/demo/index.html"):
            async with lobby.client.get(path, headers=HTML) as response:
                assert await response.text() == "<title>Demo</title>"
                assert "'unsafe-eval'" in response.headers["Content-Security-Policy"]
        async with lobby.client.get("/demo/index.wasm") as response:
            assert response.content_type == "application/wasm"
        for path in ("/demo/../secret", "/demo/%2e%2e/secret", "/demo//etc/passwd", "/demo/%00", "/demo/nothing"):
            async with lobby.client.get(URL(path, encoded=True)) as response:
                assert response.status == 404, path
        async with lobby.client.get("/", headers=HTML) as response:
            page = await response.text()
            assert 'href="/demo/"' in page
            assert "'unsafe" not in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/demo/", "/demo/index.html"])
async def test_without_a_demo_nothing_offers_it(tmp_path: Path, path: str) -> None:
    async with running_lobby(HomeConfig(godot_demo=tmp_path)) as lobby:
        async with lobby.client.get(path) as response:
            assert response.status == 404
        async with lobby.client.get("/", headers=HTML) as response:
            assert "/demo/" not in await response.text()
