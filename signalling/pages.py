"""The pages that people see: the lobby, a room, the QR code of an invite link, the doctor, and what stands where nothing is."""

import io
from functools import cache
from pathlib import Path

import aiohttp_jinja2
import jinja2
import msgspec
import segno
from aiohttp import hdrs, web

from signalling.bodies import invite_url, room_view
from signalling.errors import ApiError, NotFoundError, UnknownRoomError
from signalling.godot.socket import DESK
from signalling.godot.view import LobbyView, lobby_view
from signalling.godot_files import demo_folder, has_addon
from signalling.godot_files import routes as godot_routes
from signalling.joining import API
from signalling.modules import imports_of
from signalling.operations import HOME, PROXIES, json_answer
from signalling.rooms import Room

WEB = Path(__file__).resolve().parents[1] / "web"
STATIC = WEB / "static"
LOBBIES_SHOWN = 64
QR_BORDER = 2
"""Quiet zone in modules, on a white ground of its own."""

TITLES = {
    403: "Not from here",
    404: "Nobody is here",
    405: "Not like this",
    410: "This party is over",
    429: "A little slower",
}
"""Headings of the error page; others say that something is wrong."""

routes = web.RouteTableDef()


@routes.get("/")
async def lobby(request: web.Request) -> web.Response:
    context = {"config": _config(request), "modules": _modules("lobby/main.js"), "addon": has_addon()}
    return render("lobby.html", request, context)


@routes.get("/doctor")
async def doctor(request: web.Request) -> web.Response:
    return render("doctor.html", request, {"modules": _modules("doctor/main.js")})


@routes.get("/lobbies")
async def godot_lobbies(request: web.Request) -> web.Response:
    lobbies = sorted(request.app[DESK].lobbies, key=lambda lobby: lobby.since)
    return render("godot_lobbies.html", request, {"lobbies": lobbies[-LOBBIES_SHOWN:]})


@routes.get("/lobbies/{handle:[0-9a-f]+}")
async def godot_lobby(request: web.Request) -> web.Response:
    context = {"lobby": msgspec.to_builtins(await _lobby(request)), "modules": _modules("godot/main.js")}
    return render("godot_lobby.html", request, context)


@routes.get("/lobbies/{handle:[0-9a-f]+}.json")
async def godot_lobby_now(request: web.Request) -> web.Response:
    return json_answer(msgspec.to_builtins(await _lobby(request)))


@routes.get("/r/{code}")
async def room(request: web.Request) -> web.Response:
    found = _room(request)
    view = room_view(found, request.app[PROXIES].base_url(request))
    context = {"config": _config(request), "room": msgspec.to_builtins(view), "modules": _modules("room/main.js")}
    return render("room.html", request, context)


@routes.get("/r/{code}/qr.svg")
async def qr_code(request: web.Request) -> web.Response:
    found = _room(request)
    link = invite_url(request.app[PROXIES].base_url(request), found.code)
    drawn = io.BytesIO()
    segno.make(link, micro=False, error="m").save(
        drawn, kind="svg", border=QR_BORDER, dark="#000", light="#fff", xmldecl=False, omitsize=True, title=link
    )
    response = web.Response(body=drawn.getvalue(), content_type="image/svg+xml")
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    return response


@routes.get("/favicon.ico")
async def favicon(request: web.Request) -> web.FileResponse:  # noqa: ARG001 (a handler's shape)
    return web.FileResponse(STATIC / "favicon.svg")


@routes.get("/static/{path:.+}")
async def static(request: web.Request) -> web.FileResponse:
    try:
        file = (STATIC / request.match_info["path"]).resolve()
    except ValueError:  # A null byte.
        raise NotFoundError from None
    if not file.is_relative_to(STATIC) or not file.is_file():
        raise NotFoundError
    return web.FileResponse(file)


def add_pages(app: web.Application) -> None:
    """Give the app its pages and static files."""
    loader = jinja2.FileSystemLoader(WEB / "templates")
    aiohttp_jinja2.setup(app, loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    app.add_routes(routes)
    app.add_routes(godot_routes)


def render(template: str, request: web.Request, context: dict[str, object], status: int = 200) -> web.Response:
    """A page; browsers ask again before they show it from memory."""
    context = {"demo": demo_folder(request.app[HOME].config.godot_demo) is not None, **context}
    response = aiohttp_jinja2.render_template(template, request, context, status=status)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    return response


def error_page(request: web.Request, error: ApiError) -> web.Response:
    """An error for people."""
    title = (
        "This room is gone" if isinstance(error, UnknownRoomError) else TITLES.get(error.status, "Something is wrong")
    )
    context: dict[str, object] = {"status": error.status, "title": title, "message": error.message}
    return render("error.html", request, context, error.status)


@cache
def _modules(entry: str) -> tuple[str, ...]:
    """Addresses of all that a page's script needs. Read once: a new server comes with new files."""
    return tuple(f"/static/{path}" for path in imports_of(entry, lambda path: (STATIC / path).read_text()))


async def _lobby(request: web.Request) -> LobbyView:
    desk = request.app[DESK]
    lobby = desk.lobbies.by_handle(request.match_info["handle"])
    if lobby is None:
        raise NotFoundError
    return lobby_view(lobby, await desk.traffic(lobby))


def _room(request: web.Request) -> Room:
    return request.app[HOME].find_room(request.match_info["code"], request.app[PROXIES].client_key(request))


def _config(request: web.Request) -> dict[str, object]:
    """What a page's scripts are told, as JSON."""
    return {"api": API, "base_url": request.app[PROXIES].base_url(request)}
