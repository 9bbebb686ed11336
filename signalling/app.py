"""The homeserver as one aiohttp application: routes, errors in one shape, headers, start and stop."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from importlib.metadata import version

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from signalling.config import HomeConfig
from signalling.errors import ApiError, InternalError, InvalidError, MethodError, NotFoundError, TooLargeError
from signalling.godot.desk import LobbyDesk
from signalling.godot.socket import DESK, serve_lobbies
from signalling.godot.socket import PATH as LOBBIES
from signalling.homeserver import Homeserver
from signalling.ice import IceServers
from signalling.joining import API, Door
from signalling.limits import MAX_BODY_BYTES
from signalling.openapi import describe
from signalling.operations import DOOR, HOME, PROXIES, json_answer, route
from signalling.origins import Origins, is_preflight, preflight_answer
from signalling.pages import add_pages, error_page
from signalling.proxies import Proxies, websocket_url
from signalling.rest import DESCRIPTION, OPERATIONS
from soiree.link import LobbyLink, RelayLink
from soiree.ticket import TicketIssuer

log = logging.getLogger("soiree.home")

ORIGINS = web.AppKey("origins", Origins)
DEMO_POLICY = (
    "default-src 'self' blob: data:; script-src 'self' blob: 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; "
    "connect-src 'self' ws: wss: http: https: blob: data:; frame-ancestors 'self'"
)
"""Of exported Godot projects: their page has scripts in it, they compile, and may join parties elsewhere."""
READ_BY_MACHINES = (f"{API}/", "/ws", "/healthz", "/readyz", "/metrics")
"""Paths whose errors are JSON, whoever asks."""
GUARDED = (f"{API}/", "/ws", LOBBIES)
"""Paths that only allowed origins may use. Pages and static files hold nothing that is anyone's."""


def make_app(
    config: HomeConfig,
    link: RelayLink,
    issuer: TicketIssuer,
    *,
    ice_servers: IceServers | None = None,
    lobbies: LobbyLink | None = None,
) -> web.Application:
    """The homeserver in front of one relay, which carries lobbies if `lobbies` says how. Call it inside the event loop that runs it.

    Whoever joins homeserver and relay adds the relay's own routes (`/ws`, `/metrics`) to the application; they get the same
    origin check, headers and errors.
    """
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[answer_errors])
    home = Homeserver(config, link, issuer, ice_servers=ice_servers)
    app[HOME] = home
    app[DOOR] = Door(home)
    app[DESK] = LobbyDesk(home, lobbies)
    app[PROXIES] = Proxies.of(config)
    app[ORIGINS] = Origins(config.allowed_origins, app[PROXIES])
    app[DESCRIPTION] = describe(OPERATIONS, base_path=API, version=version("soiree"))
    app.add_routes([route(operation) for operation in OPERATIONS])
    app.router.add_get(LOBBIES, lobbies_socket)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    add_pages(app)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(stop)
    app.cleanup_ctx.append(running)
    return app


async def healthz(request: web.Request) -> web.Response:  # noqa: ARG001 (a handler's shape)
    """Whether the process answers."""
    return json_answer({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """Whether newcomers are taken."""
    home = request.app[HOME]
    if home.stopping.is_set():
        return json_answer({"status": "stopping"}, 503)
    return json_answer({"status": "ready", "transports": list(home.link.describe().transports)})


async def lobbies_socket(request: web.Request) -> web.StreamResponse:
    """The lobby protocol of the Godot demo (PROTOCOL 11)."""
    proxies = request.app[PROXIES]
    return await serve_lobbies(request, proxies.client_key(request), proxies.base_url(request))


async def running(app: web.Application) -> AsyncIterator[None]:
    """Sweep while the app runs."""
    sweeping = asyncio.create_task(app[HOME].keep_sweeping())
    yield
    sweeping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sweeping
    app[DOOR].passwords.close()


async def stop(app: web.Application) -> None:
    """End what would keep the server from stopping."""
    app[HOME].stop()
    app[DESK].stop()


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal in one shape, and origins checked before anything is done."""
    try:
        if request.path.startswith(GUARDED):
            request.app[ORIGINS].check(request)
        if is_preflight(request):
            return preflight_answer()
        return await handler(request)
    except ApiError as error:
        return refusal(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = refusal(request, _as_api_error(error))
        if hdrs.ALLOW in error.headers:
            answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return answer
    except Exception:
        log.exception("%s %s failed", request.method, request.match_info.route.name or "a request")
        return refusal(request, InternalError())


def refusal(request: web.Request, error: ApiError) -> web.Response:
    """An error as JSON, or as a page for people."""
    if request.path.startswith(READ_BY_MACHINES) or "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        answer = json_answer(error.body(), error.status)
    else:
        answer = error_page(request, error)
    if error.retry_after_s is not None:
        answer.headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after_s))
    return answer


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """What every answer says: who may read it, and what a page of ours may do."""
    headers = response.headers
    headers.update(request.app[ORIGINS].headers(request))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
    headers.setdefault(hdrs.CACHE_CONTROL, "no-cache")
    if (response.content_type or "").startswith(("text/html", "image/svg")):
        policy = DEMO_POLICY if request.path.startswith("/demo/") else _content_policy(request)
        headers["Content-Security-Policy"] = policy
        headers["X-Frame-Options"] = "SAMEORIGIN"
        headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"


def _content_policy(request: web.Request) -> str:
    """Nothing but this server; its WebSockets are named, since the address they are under may be the public one."""
    try:
        base_url = request.app[PROXIES].base_url(request)
    except InvalidError:
        base_url = ""
    reachable = f" {base_url} {websocket_url(base_url, '')}" if base_url else ""
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"connect-src 'self'{reachable}; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )


def _as_api_error(error: web.HTTPException) -> ApiError:
    match error.status:
        case 404:
            return NotFoundError()
        case 405:
            return MethodError()
        case 413:
            return TooLargeError()
        case _:
            return InvalidError(error.text or error.reason or "")
