"""Whether a TURN server gives us an allocation (RFC 8656), over UDP, TCP or TLS."""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from aioice import stun, turn

from party.doctor.failures import sorted_out
from party.doctor.findings import Check, Failure
from soiree.rtc.engine import IceServer

ALLOCATE_TIMEOUT_S = 6.0
GIVE_BACK_TIMEOUT_S = 2.0
DEFAULT_PORT = {"turn": 3478, "turns": 5349, "stun": 3478, "stuns": 5349}
_CODES = {401: "unauthorized", 403: "forbidden", 438: "unauthorized", 486: "quota", 508: "quota"}
"""STUN error codes (RFC 8489, RFC 8656) → ours."""


class _Allocation(asyncio.DatagramProtocol):
    """Knows when the allocation is given back, and its socket closed."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (the protocol's signature)
        self.gone.set()


@dataclass(frozen=True, slots=True)
class TurnServer:
    """One way to one TURN server."""

    url: str
    host: str
    port: int
    check: Check
    username: str | None
    credential: str | None

    @property
    def ice(self) -> IceServer:
        """It alone, as WebRTC takes it."""
        return IceServer((self.url,), self.username, self.credential)


def turn_servers(servers: tuple[IceServer, ...]) -> list[TurnServer]:
    """Each TURN URL of these servers that can be read."""
    return [
        found
        for server in servers
        for url in server.urls
        if (found := _turn_server(url, server.username, server.credential)) is not None
    ]


def stun_addresses(servers: tuple[IceServer, ...]) -> list[tuple[str, int]]:
    """Host and port of all that answer STUN over UDP: STUN servers, and TURN servers too."""
    found = [address for server in servers for url in server.urls if (address := _stun_address(url)) is not None]
    return list(dict.fromkeys(found))


async def allocate(server: TurnServer) -> tuple[float, tuple[str, int]] | Failure:
    """Milliseconds until the server has given an address, and that address; it is given back at once."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(ALLOCATE_TIMEOUT_S):
            transport, allocation = await turn.create_turn_endpoint(
                _Allocation,
                server_addr=(server.host, server.port),
                username=server.username,
                password=server.credential,
                ssl=True if server.check is Check.TURN_TLS else None,
                transport="udp" if server.check is Check.TURN_UDP else "tcp",
            )
    except stun.TransactionFailed as error:
        code, said = error.response.attributes.get("ERROR-CODE", (0, ""))
        return Failure(_CODES.get(code, "forbidden"), f"{code} {said}".strip())
    except stun.TransactionTimeout:
        return Failure("timeout")
    except (OSError, TimeoutError, ValueError) as error:
        return sorted_out(error)
    took_ms = 1000 * (time.monotonic() - began)
    relayed: tuple[str, int] = transport.get_extra_info("sockname")
    transport.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(allocation.gone.wait(), GIVE_BACK_TIMEOUT_S)
    return took_ms, relayed


def _turn_server(url: str, username: str | None, credential: str | None) -> TurnServer | None:
    scheme, host, port, transport = _parts(url)
    if scheme not in ("turn", "turns") or host is None:
        return None
    check = Check.TURN_TLS if scheme == "turns" else Check.TURN_TCP if transport == "tcp" else Check.TURN_UDP
    return TurnServer(url, host, port, check, username, credential)


def _stun_address(url: str) -> tuple[str, int] | None:
    scheme, host, port, transport = _parts(url)
    return (host, port) if host is not None and scheme in ("stun", "turn") and transport == "udp" else None


def _parts(url: str) -> tuple[str, str | None, int, str]:
    """Scheme, host, port and transport of a `stun:` or `turn:` URL (RFC 7064, RFC 7065); no host where it cannot be read."""
    parts = urlsplit(url)
    address = urlsplit(f"//{parts.path}")
    try:
        port = address.port or DEFAULT_PORT.get(parts.scheme, 3478)
    except ValueError:
        return parts.scheme, None, 0, ""
    return parts.scheme, address.hostname, port, parse_qs(parts.query).get("transport", ["udp"])[0]
