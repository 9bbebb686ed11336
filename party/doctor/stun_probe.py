"""How one UDP socket of ours looks to STUN servers: a Binding request to each (RFC 8489), from the same port."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aioice import stun

from party.doctor.nat import Address, Seen

RETRANSMIT_S = (0.2, 0.4, 0.8, 1.2)
"""How long each try waits for the answers still missing."""
MAX_SERVERS = 8
"""Most servers that are asked."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking one server."""

    seen: Seen
    rtt_ms: float | None
    other: Address | None = None
    """Another address of that server (RFC 5780, OTHER-ADDRESS), None where it tells none."""


class _Asker(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.requests: dict[bytes, Address] = {}
        self.sent_at: dict[bytes, float] = {}
        self.answers: dict[Address, tuple[stun.Message, float]] = {}
        self.changed = asyncio.Event()

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ARG002 (the protocol's signature)
        now = time.monotonic()
        try:
            message = stun.parse_message(data)
        except ValueError:
            return
        server = self.requests.get(message.transaction_id)
        if server is not None and message.message_class is stun.Class.RESPONSE and server not in self.answers:
            self.answers[server] = (message, now - self.sent_at[message.transaction_id])
            self.changed.set()

    def error_received(self, exc: Exception) -> None:
        """A port is closed: that server stays without an answer."""


async def ask(servers: Sequence[Address], bind: str | None = None) -> list[Answered]:
    """Ask all of them from one socket, and those that they name as their other addresses.

    Args:
        servers: IPv4 addresses and ports; those past `MAX_SERVERS` are left out.
        bind: local address, None for any.
    """
    loop = asyncio.get_running_loop()
    asker = _Asker()
    transport, _ = await loop.create_datagram_endpoint(lambda: asker, local_addr=(bind or "0.0.0.0", 0))  # noqa: S104 (a client)
    try:
        asked = list(dict.fromkeys(servers))[:MAX_SERVERS]
        await _put(asker, transport, asked)
        others = [other for server in asked if (other := _other(asker, server)) and other not in asked]
        others = list(dict.fromkeys(others))[: MAX_SERVERS - len(asked)]
        if others:
            await _put(asker, transport, others)
        port = transport.get_extra_info("sockname")[1]
        # Other addresses that stay silent prove nothing: many servers name some that a firewall hides.
        heard = [*asked, *(other for other in others if other in asker.answers)]
        return [_answered(asker, server, port, bind) for server in heard]
    finally:
        transport.close()


async def _put(asker: _Asker, transport: asyncio.DatagramTransport, servers: Sequence[Address]) -> None:
    for wait_s in RETRANSMIT_S:
        missing = [server for server in servers if server not in asker.answers]
        if not missing:
            return
        for server in missing:
            # A request of its own each time: an answer then tells which one it is to, and so the round trip.
            request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
            asker.requests[request.transaction_id] = server
            asker.sent_at[request.transaction_id] = time.monotonic()
            with contextlib.suppress(OSError):
                transport.sendto(bytes(request), server)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while any(server not in asker.answers for server in missing):
                    asker.changed.clear()
                    await asker.changed.wait()


def _other(asker: _Asker, server: Address) -> Address | None:
    if server not in asker.answers:
        return None
    told = asker.answers[server][0].attributes.get("OTHER-ADDRESS")
    return (told[0], told[1]) if told else None


def _answered(asker: _Asker, server: Address, port: int, bind: str | None) -> Answered:
    local = (bind or _address_towards(server), port)
    if server not in asker.answers:
        return Answered(Seen(server, None, local), None)
    message, took_s = asker.answers[server]
    mapped = message.attributes.get("XOR-MAPPED-ADDRESS") or message.attributes.get("MAPPED-ADDRESS")
    return Answered(
        Seen(server, (mapped[0], mapped[1]) if mapped else None, local), 1000 * took_s, _other(asker, server)
    )


def _address_towards(server: Address) -> str:
    """This machine's address on the way to a server; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(server)
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address


async def resolved(host: str, port: int) -> Address | None:
    """The first IPv4 address of a name, None where it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    except OSError:
        return None
    return (str(found[0][4][0]), port) if found else None
