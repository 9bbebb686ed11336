"""The TURN server as a running thing: its core with sockets, connections and a clock."""

import asyncio
import itertools
import logging
import secrets
import socket
import ssl
import time
from collections import Counter
from collections.abc import Container
from functools import partial
from ipaddress import ip_address
from random import SystemRandom

from turn.access import Access
from turn.allocation import Client
from turn.config import TurnConfig
from turn.core import TurnCore
from turn.errors import ListenError
from turn.homes import Homes
from turn.nonce import Nonces
from turn.outputs import Counted, ToClient, ToPeer, Unbind
from turn.peers import Peers
from turn.ports import Ports
from turn.stream import StreamLine
from turn.udp import BUFFER_BYTES, RELAY_BUFFER_BYTES, UdpSocket
from turn.values import Endpoint, Family, family_of

log = logging.getLogger("soiree.turn")

HOUSEKEEPING_S = 1.0
TRIES = 8
"""Free UDP ports asked for, of each of which somebody may have the TCP port."""
_SOMEWHERE = {Family.IPV4: "192.0.2.1", Family.IPV6: "2001:db8::1"}
"""Addresses of documentation (RFC 5737, RFC 3849): a route to them is the one to the internet. Nothing is sent there."""


class TurnServer:
    """A TURN server: `await start()`, then `await stop()`.

    Attributes:
        counts: what happened, by name: allocated, ended, dropped data by reason, refused requests by code.
        udp, tcp, tls: where it listens, once started.
    """

    def __init__(self, config: TurnConfig, own: Container[Endpoint] = ()) -> None:
        """Args: `own` are endpoints of this machine that may be sent to: a relay's ICE ports, which may change as it runs."""
        self.config = config
        self.counts: Counter[str] = Counter()
        self.udp: list[Endpoint] = []
        self.tcp: list[Endpoint] = []
        self.tls: list[Endpoint] = []
        self._own = own
        self._lines: dict[int, UdpSocket | StreamLine] = {}
        self._per_address: Counter[str] = Counter()
        self._numbers = itertools.count()
        self._relays: dict[Endpoint, UdpSocket] = {}
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None

    @property
    def allocations(self) -> int:
        """How many there are."""
        return len(self._core.table.of_client)

    async def start(self) -> None:
        """Listen. Raises ListenError, with words for the operator."""
        self._loop = asyncio.get_running_loop()
        self._core = self._make_core()
        try:
            for address in self.config.listen:
                await self._listen(address)
            for address in self.config.tls_listen:
                self.tls.append(await self._listen_stream(address, self._tls()))
        except BaseException:
            await self.stop()
            raise
        self._housekeep()

    async def stop(self) -> None:
        """Close everything; returns when nothing is left."""
        if self._timer is not None:
            self._timer.cancel()
        for server in self._servers:
            server.close()
        self._core.close()
        self._carry_out()
        for line in list(self._lines.values()):
            if isinstance(line, StreamLine):
                line.abort()
            else:
                line.close()
        for server in self._servers:
            await server.wait_closed()
        for relay in self._relays.values():  # kept for an EVEN-PORT
            relay.close()
        self._relays.clear()

    def _make_core(self) -> TurnCore:
        config = self.config
        bound = {family_of(host): host for host in config.relay_addresses or self._found_addresses()}
        homes = Homes(bound, {family_of(host): host for host in config.external_addresses})
        ours = homes.hosts | {host for host, _ in config.listen if not ip_address(host).is_unspecified}
        access = Access(config.secret, config.realm, Nonces(secrets.token_bytes(32)), time.time)
        ports = Ports(bound, *config.port_range, self, SystemRandom())
        return TurnCore(config.quotas, access, ports, Peers(config.allow_peers, tuple(ours), self._own), homes)

    def _found_addresses(self) -> list[str]:
        """Where it listens, or where that is everywhere, the addresses that lead to the internet. Raises ListenError."""
        hosts = {family_of(host): host for host, _ in self.config.listen}
        found = [
            _towards_internet(family) if ip_address(host).is_unspecified else host for family, host in hosts.items()
        ]
        addresses = [host for host in found if host is not None]
        if not addresses:
            raise ListenError(
                "no address to relay from was found; name one (--relay-address, SOIREE_TURN_RELAY_ADDRESS)"
            )
        return addresses

    # Listening

    async def _listen(self, address: Endpoint) -> None:
        """UDP and TCP of one number; port 0: one that both have free."""
        for tries_left in reversed(range(TRIES if address[1] == 0 else 1)):
            number = next(self._numbers)
            try:
                line = UdpSocket(address, partial(self._on_datagrams, number), BUFFER_BYTES)
            except OSError as error:
                raise _not_listening("UDP", address, error) from error
            try:
                stream = await self._listen_stream((address[0], line.address[1]), None)
            except ListenError:
                line.close()
                if not tries_left:
                    raise
            else:
                self._lines[number] = line
                self.udp.append(line.address)
                self.tcp.append(stream)
                return

    async def _listen_stream(self, address: Endpoint, context: ssl.SSLContext | None) -> Endpoint:
        try:
            server = await self._loop.create_server(lambda: StreamLine(self), *address, ssl=context, backlog=256)
        except OSError as error:
            raise _not_listening("TCP", address, error) from error
        self._servers.append(server)
        bound: Endpoint = server.sockets[0].getsockname()[:2]
        return bound

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        assert self.config.tls_cert is not None
        try:
            context.load_cert_chain(self.config.tls_cert, self.config.tls_key)
        except (OSError, ssl.SSLError) as error:
            raise ListenError(f"the certificate {self.config.tls_cert} cannot be used: {error}") from error
        return context

    # What comes in

    def _on_datagrams(self, number: int, burst: list[tuple[bytes, Endpoint]]) -> None:
        now = self._loop.time()
        for data, address in burst:
            self._core.from_client(Client(number, address), data, now)
        self._carry_out()

    def _on_relayed(self, relay: Endpoint, burst: list[tuple[bytes, Endpoint]]) -> None:
        now = self._loop.time()
        for data, peer in burst:
            self._core.from_peer(relay, peer, data, now)
        self._carry_out()

    def line_opened(self, stream: StreamLine) -> int | None:
        """As `turn.stream.Lines`."""
        host, quotas = stream.address[0], self.config.quotas
        total = self._per_address.total()
        if total >= quotas.connections or self._per_address[host] >= quotas.connections_per_address:
            self.counts["connection-refused"] += 1
            return None
        self._per_address[host] += 1
        number = next(self._numbers)
        self._lines[number] = stream
        return number

    def line_heard(self, stream: StreamLine, messages: list[bytes]) -> None:
        """As `turn.stream.Lines`."""
        client, now = Client(stream.number, stream.address), self._loop.time()
        for message in messages:
            self._core.from_client(client, message, now)
        self._carry_out()
        stream.has_allocation = client in self._core.table.of_client

    def line_closed(self, stream: StreamLine) -> None:
        """As `turn.stream.Lines`."""
        del self._lines[stream.number]
        self._per_address[stream.address[0]] -= 1
        if not self._per_address[stream.address[0]]:
            del self._per_address[stream.address[0]]
        self._core.departed(Client(stream.number, stream.address))
        self._carry_out()

    # What the core wants

    def bind(self, relay: Endpoint) -> bool:
        """As `turn.ports.Sockets`."""
        if relay in self._relays:
            return False
        try:
            self._relays[relay] = UdpSocket(relay, partial(self._on_relayed, relay), RELAY_BUFFER_BYTES)
        except OSError:
            return False
        return True

    def _carry_out(self) -> None:
        for output in self._core.drain():
            match output:
                case ToPeer(relay, peer, data, dont_fragment):
                    sent = self._relays[relay].send(data, peer, dont_fragment=dont_fragment)
                    self.counts["to-peer" if sent else "lost"] += 1
                case ToClient(client, data, is_answer):
                    self.counts["to-client" if self._to_client(client, data, is_answer=is_answer) else "lost"] += 1
                case Counted(what):
                    self.counts[what] += 1
                case Unbind(relay):
                    self._relays.pop(relay).close()

    def _to_client(self, client: Client, data: bytes, *, is_answer: bool) -> bool:
        line = self._lines.get(client.line)
        if isinstance(line, UdpSocket):
            return line.send(data, client.address)
        return line is not None and line.send(data, is_answer=is_answer)

    def _housekeep(self) -> None:
        self._core.advance(self._loop.time())
        self._carry_out()
        self._timer = self._loop.call_later(HOUSEKEEPING_S, self._housekeep)


def _towards_internet(family: Family) -> str | None:
    """The local address of a route out."""
    kind = socket.AF_INET6 if family is Family.IPV6 else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((_SOMEWHERE[family], 9))
        except OSError:
            return None
        host: str = probe.getsockname()[0]
        return host


def _not_listening(protocol: str, address: Endpoint, error: OSError) -> ListenError:
    return ListenError(f"cannot listen on {address[0]}, {protocol} port {address[1]}: {error.strerror or error}")
