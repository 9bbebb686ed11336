"""Who asks, and under which address this server is known to them: proxies are believed only when they are named.

A trusted proxy appends the address it heard from to X-Forwarded-For, so the client is the last address there that is not a proxy of ours.
"""

from dataclasses import dataclass
from ipaddress import ip_address

from aiohttp import hdrs, web

from signalling.config import HomeConfig, Network
from signalling.errors import InvalidError
from signalling.rates import address_key

MAX_FORWARDED = 16
"""Hops of X-Forwarded-For that are looked at."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies in front of this server."""

    trusted: tuple[Network, ...]
    public_url: str | None

    @classmethod
    def of(cls, config: HomeConfig) -> "Proxies":
        """As configured."""
        return cls(config.trusted_proxies, config.public_url)

    def client_address(self, request: web.BaseRequest) -> str:
        """The client's IP address, "unknown" where there is none (a Unix socket)."""
        address = request.remote or "unknown"
        if not self._trusts(address):
            return address
        hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", []) for hop in line.split(",")]
        for hop in reversed(hops[-MAX_FORWARDED:]):
            if not _is_address(hop):
                break
            address = hop
            if not self._trusts(hop):
                break
        return address

    def client_key(self, request: web.BaseRequest) -> str:
        """What stands for the client in limits."""
        return address_key(self.client_address(request))

    def base_url(self, request: web.BaseRequest) -> str:
        """ "https://host" of this server, without a slash at the end. Raises InvalidError for a Host that is no host."""
        if self.public_url is not None:
            return self.public_url
        scheme, host = request.scheme, request.headers.get("Host", "")
        if self._trusts(request.remote or ""):
            forwarded = request.headers.get("X-Forwarded-Proto", "").split(",")[-1].strip().lower()
            scheme = forwarded if forwarded in ("http", "https") else scheme
            host = request.headers.get("X-Forwarded-Host", "").split(",")[-1].strip() or host
        if not _is_host(host):
            raise InvalidError("The Host header names no host.")
        return f"{'https' if _is_asked_by_https_page(request, host) else scheme}://{host}"

    def _trusts(self, address: str) -> bool:
        if not self.trusted or not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self.trusted if network.version == parsed.version)


def websocket_url(base_url: str, path: str) -> str:
    """The WebSocket address of `path` below a base of "http://…" or "https://…"."""
    return "ws" + base_url.removeprefix("http") + path


def _is_asked_by_https_page(request: web.BaseRequest, host: str) -> bool:
    """Whether a page of this host, loaded over TLS, asks: then a proxy that nobody named takes the TLS off.

    Such a page may open `wss:` alone. A lie here changes only the addresses that the liar is told.
    """
    page = f"https://{host.lower()}"
    origin, referrer = request.headers.get(hdrs.ORIGIN, ""), request.headers.get(hdrs.REFERER, "")
    return origin.lower() == page or referrer.lower().startswith(f"{page}/")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    return 0 < len(text) <= 255 and all(c.isascii() and (c.isalnum() or c in ".-_:[]") for c in text)
