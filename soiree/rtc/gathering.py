"""Gathering of ICE candidates for aioice, with what it leaves out: a range of ports, several TURN servers, a time limit worth waiting for.

aioice takes random ports, one TURN server, and 5 s; and since aiortc tells nothing before everything is gathered, a TURN server that UDP
does not reach would keep a client waiting for all of them.
"""

import asyncio
import errno
import random
import socket
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aioice.candidate import Candidate, candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, relayed_candidate, server_reflexive_candidate
from aiortc.rtcicetransport import parse_stun_turn_uri

from soiree.rtc.engine import IceServer

SOCKET_BUFFER_BYTES = 1024 * 1024
"""SO_RCVBUF of each ICE socket: at the default a burst is lost while the loop does something else."""
GATHER_TIMEOUT_S = 1.0
"""How long servers may take to answer."""
GRACE_S = 0.25
"""How long other TURN servers are waited for, once one has given an address."""
MAX_TURN_WAYS = 3
"""UDP, TCP and TLS: one server each."""
RELAY_PREFERENCE = {"udp": 2, "tcp": 1, "tls": 0}
"""Relayed candidates over UDP come first: on a stream what is lost holds up what comes after it."""

Found = tuple[Candidate, StunProtocol | None]


@dataclass(frozen=True, slots=True)
class TurnWay:
    """A TURN server, and how to talk to it."""

    host: str
    port: int
    protocol: str
    """"udp", "tcp" or "tls"."""
    username: str
    credential: str


def turn_ways(servers: Iterable[IceServer]) -> tuple[TurnWay, ...]:
    """The first TURN server for each of UDP, TCP and TLS; URLs that cannot be read are left out."""
    ways: dict[str, TurnWay] = {}
    for server in servers:
        for url in server.urls:
            try:
                parsed = parse_stun_turn_uri(url)
            except ValueError:
                continue
            if parsed["scheme"] not in ("turn", "turns"):
                continue
            protocol = parsed["transport"] if parsed["scheme"] == "turn" else "tls"
            way = TurnWay(parsed["host"], parsed["port"], protocol, server.username or "", server.credential or "")
            ways.setdefault(protocol, way)
    return tuple(ways[protocol] for protocol in RELAY_PREFERENCE if protocol in ways)[:MAX_TURN_WAYS]


class Gathering:
    """Gathers for one connection, in place of aioice's own `get_component_candidates`."""

    def __init__(
        self,
        ice: Connection,
        turn: Sequence[TurnWay],
        *,
        bind_address: str | None = None,
        ports: tuple[int, int] | None = None,
        relay_only: bool = False,
    ) -> None:
        self._ice = ice
        self._turn = turn
        self._bind_address = bind_address
        self._ports = ports
        self._relay_only = relay_only
        self.relayed_by: dict[StunProtocol, str] = {}
        """"udp", "tcp" or "tls" of each relayed candidate."""

    async def __call__(self, component: int, addresses: list[str]) -> list[Candidate]:
        """Candidates of one component."""
        if self._relay_only:
            hosts = []
        else:
            wanted = addresses if self._bind_address is None else [self._bind_address]
            hosts = [host for address in wanted if (host := await self._host(component, address)) is not None]
        self._ice._protocols += hosts  # noqa: SLF001 (aioice has no API for it)
        found = [host.local_candidate for host in hosts]
        asking: dict[asyncio.Task[Found], TurnWay | None] = {}
        if self._ice.stun_server is not None:
            for host in hosts:
                if ":" not in host.local_candidate.host:
                    asking[_task(server_reflexive_candidate(host, self._ice.stun_server))] = None
        for server in self._turn:
            asking[_task(self._relayed(component, server))] = server
        for task in await _answered(asking):
            candidate, protocol = task.result()
            way = asking[task]
            if protocol is not None and way is not None:
                self.relayed_by[protocol] = way.protocol
                self._ice._protocols.append(protocol)  # noqa: SLF001
            found.append(candidate)
        return found

    async def _host(self, component: int, address: str) -> StunProtocol | None:
        for port in self._tries():
            try:
                transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: StunProtocol(self._ice), local_addr=(address, port)
                )
            except OSError as error:
                if error.errno == errno.EADDRINUSE and port:
                    continue
                return None
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
            host, bound = transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=bound,
                type="host",
            )
            return protocol
        return None

    def _tries(self) -> Iterable[int]:
        """Ports to try in turn: all of the range, from a random one on."""
        if self._ports is None:
            return (0,)
        first, last = self._ports
        start = random.randint(first, last)
        return (*range(start, last + 1), *range(first, start))

    async def _relayed(self, component: int, way: TurnWay) -> Found:
        candidate, protocol = await relayed_candidate(
            component=component,
            hide_related_address=self._relay_only,
            protocol_factory=lambda: StunProtocol(self._ice),
            turn_server=(way.host, way.port),
            turn_username=way.username,
            turn_password=way.credential,
            turn_ssl=way.protocol == "tls",
            turn_transport="udp" if way.protocol == "udp" else "tcp",
        )
        candidate.priority = candidate_priority(component, "relay", RELAY_PREFERENCE[way.protocol])
        return candidate, protocol


def _task(asking: Coroutine[Any, Any, tuple[Candidate, Any]]) -> asyncio.Task[Found]:
    return asyncio.get_running_loop().create_task(asking)


async def _answered(asking: dict[asyncio.Task[Found], TurnWay | None]) -> list[asyncio.Task[Found]]:
    """Those servers that answered in time, in the order in which they were asked; the others are given up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + GATHER_TIMEOUT_S
    waiting = set(asking)
    try:
        while waiting and (left_s := deadline - loop.time()) > 0:
            done, waiting = await asyncio.wait(waiting, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if any(asking[task] is not None and _succeeded(task) for task in done):
                deadline = min(deadline, loop.time() + GRACE_S)
    finally:
        for task in waiting:
            task.cancel()
    if waiting:
        await asyncio.wait(waiting)
    return [task for task in asking if _succeeded(task)]


def _succeeded(task: asyncio.Task[Found]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None
