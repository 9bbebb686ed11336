"""Which sites' pages may use this server, and what browsers are told about it (CORS, the Fetch standard)."""

from dataclasses import dataclass

from aiohttp import hdrs, web

from signalling.errors import OriginError
from signalling.proxies import Proxies

METHODS = "GET, HEAD, POST, PATCH, DELETE"
HEADERS = "Authorization, Content-Type"
PREFLIGHT_MAX_AGE_S = 600


@dataclass(frozen=True, slots=True)
class Origins:
    """Any origin by default: there are no cookies, so a foreign page can do no more than its visitor could by hand."""

    allowed: tuple[str, ...]
    """Lower case; empty: all."""
    proxies: Proxies

    def check(self, request: web.BaseRequest) -> None:
        """Let pass requests without an Origin (no browser's), of our own pages, or of an allowed origin. Raises OriginError."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not self.allowed or origin.lower() in self.allowed:
            return
        if origin.lower() != self.proxies.base_url(request).lower():
            raise OriginError

    def headers(self, request: web.BaseRequest) -> dict[str, str]:
        """What tells the browser that the page may read the answer; nothing when it may not."""
        origin = request.headers.get(hdrs.ORIGIN)
        told: dict[str, str] = {hdrs.ACCESS_CONTROL_EXPOSE_HEADERS: hdrs.RETRY_AFTER}
        if not self.allowed:
            told[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
            return told
        told[hdrs.VARY] = hdrs.ORIGIN
        if origin is not None and origin.lower() in self.allowed:
            told[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        return told


def is_preflight(request: web.BaseRequest) -> bool:
    """Whether a browser asks for leave before the real request."""
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def preflight_answer() -> web.Response:
    """Leave given; the origin is told by the headers that every answer gets."""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_MAX_AGE_S),
        },
    )
