"""STUN and TURN servers as people write them down: a JSON list of WebRTC's RTCIceServer, or addresses alone.

Pure core.
"""

import re
from urllib.parse import parse_qs, urlsplit

import msgspec

from soiree.rtc.engine import IceServer

STUN_PORT = 3478
"""Of STUN and TURN (RFC 8489, RFC 8656)."""
STUN_TLS_PORT = 5349
_URL = re.compile(r"(?P<scheme>stuns?|turns?):(?P<address>[^?#/\s]+)(\?(?P<query>transport=(udp|tcp)))?")


class _IceServer(msgspec.Struct, forbid_unknown_fields=True):
    urls: list[str] | str
    username: str | None = None
    credential: str | None = None


def read_ice_servers(text: str) -> tuple[IceServer, ...]:
    """Read a JSON list of servers. Raises ValueError with words."""
    try:
        said = msgspec.json.decode(text, type=list[_IceServer])
    except msgspec.DecodeError as error:
        raise ValueError(f'is not a JSON list such as [{{"urls": ["stun:stun.example.org"]}}] ({error})') from None
    return tuple(
        IceServer(
            (server.urls,) if isinstance(server.urls, str) else tuple(server.urls), server.username, server.credential
        )
        for server in said
    )


def read_turn_urls(text: str) -> tuple[str, ...]:
    """Read `turn:` and `turns:` URLs (RFC 7065) between commas. Raises ValueError with words."""
    urls = tuple(part.strip() for part in text.split(",") if part.strip())
    for url in urls:
        match = _URL.fullmatch(url)
        if match is None or not match["scheme"].startswith("turn") or not _has_address(match["address"]):
            raise ValueError(f"{url!r} is no TURN server such as turn:turn.example.org:3478?transport=udp")
    return urls


def _has_address(address: str) -> bool:
    try:
        parts = urlsplit(f"//{address}")
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_stun_server(url: str) -> tuple[str, int]:
    """Host and port of a `stun:` URL (RFC 7064). Raises ValueError with words."""
    match = _URL.fullmatch(url)
    if match is None or match["scheme"] != "stun" or match["query"] or not _has_address(match["address"]):
        raise ValueError(f"{url!r} is no STUN server such as stun:stun.example.org:3478")
    parts = urlsplit(f"//{match['address']}")
    return parts.hostname or "", parts.port or STUN_PORT


def transport_of(url: str) -> str:
    """ "udp", "tcp" or "tls": how a TURN server is talked to by this URL."""
    parts = urlsplit(url)
    if parts.scheme == "turns":
        return "tls"
    return parse_qs(parts.query).get("transport", ["udp"])[0]
