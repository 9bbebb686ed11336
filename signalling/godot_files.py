"""What Godot games and players get from here: the addon as a zip, made from the tree and so never stale, and the exported demo."""

import io
import json
import re
import zipfile
from asyncio import to_thread
from functools import lru_cache
from pathlib import Path

from aiohttp import hdrs, web

from signalling.errors import NotFoundError
from signalling.operations import HOME, PROXIES

GODOT = Path(__file__).resolve().parents[1] / "godot"
ADDON = GODOT / "addons" / "soiree"
DEMO = GODOT.parent / "build" / "godot-demo"
"""Where `make godot-demo` puts it."""
NAMES_THE_SERVER = ADDON / "home.gd"
HIDDEN = (".", "_")
_ADDRESS = re.compile(r'^const ADDRESS := "[^"]*"$', re.MULTILINE)
_OLDEST = (1980, 1, 1, 0, 0, 0)
"""Of a zip's times."""

routes = web.RouteTableDef()


def has_addon() -> bool:
    """Whether this installation brings the addon's tree."""
    return NAMES_THE_SERVER.is_file()


def demo_folder(config_folder: Path | None) -> Path | None:
    """Where the exported demo is, if it is anywhere."""
    folder = DEMO if config_folder is None else config_folder
    return folder if (folder / "index.html").is_file() else None


def addon_zip(address: str) -> bytes:
    """`addons/soiree/…`, to be unpacked in a project's folder, with `address` as the server that a room without another is at."""
    files = _addon_files()
    return _zipped(address, max(file.stat().st_mtime_ns for file in files), len(files))


@lru_cache(maxsize=4)
def _zipped(address: str, _newest_ns: int, _count: int) -> bytes:
    named = f"const ADDRESS := {json.dumps(address)}"
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in _addon_files():
            data = file.read_bytes()
            if file == NAMES_THE_SERVER:
                data = _ADDRESS.sub(lambda _: named, data.decode(), count=1).encode()
            name = f"addons/soiree/{file.relative_to(ADDON).as_posix()}"
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            bundle.writestr(entry, data)
    return made.getvalue()


def _addon_files() -> list[Path]:
    files = [path for path in ADDON.rglob("*") if path.is_file()]
    return sorted(path for path in files if not any(p.startswith(HIDDEN) for p in path.relative_to(ADDON).parts))


@routes.get("/download/soiree-godot.zip")
async def download_addon(request: web.Request) -> web.Response:
    if not has_addon():
        raise NotFoundError
    data = await to_thread(addon_zip, request.app[PROXIES].base_url(request))
    headers = {hdrs.CONTENT_DISPOSITION: 'attachment; filename="soiree-godot.zip"'}
    return web.Response(body=data, content_type="application/zip", headers=headers)


@routes.get("/demo/{path:.*}")
async def demo(request: web.Request) -> web.FileResponse:
    folder = demo_folder(request.app[HOME].config.godot_demo)
    if folder is None:
        raise NotFoundError
    try:
        file = (folder / (request.match_info["path"] or "index.html")).resolve()
    except ValueError:  # A null byte.
        raise NotFoundError from None
    if not file.is_relative_to(folder.resolve()) or not file.is_file():
        raise NotFoundError
    return web.FileResponse(file)
