"""A core with clients that speak to it, in memory and on a clock of the test's own."""

from collections.abc import Sequence
from random import Random

from soiree.turn_credentials import time_limited
from turn import integrity, stun
from turn.access import Access
from turn.allocation import Client
from turn.core import TurnCore
from turn.homes import Homes
from turn.integrity import OFFERED, Algorithm
from turn.limits import Quotas
from turn.nonce import Nonces
from turn.outputs import Output, ToClient, ToPeer, Unbind
from turn.peers import Network, Peers
from turn.ports import Ports
from turn.stun import Attr, Class, Message, Method
from turn.values import UDP, Endpoint, Family, xor_address

SECRET, REALM = "north wind and sun", "party"
RELAY, EXTERNAL = "10.1.1.1", "203.0.113.1"
UNIX = 1_700_000_000
PEER = ("198.51.100.7", 4000)
Attributes = Sequence[tuple[int, bytes]]
UDP_TRANSPORT = (Attr.REQUESTED_TRANSPORT, bytes((UDP, 0, 0, 0)))


class Desk:
    """A server without sockets.

    Attributes:
        now: its clock, monotonic seconds.
        bound: relayed addresses that are bound.
        outputs: all that came out, until `take`.
    """

    def __init__(
        self,
        quotas: Quotas | None = None,
        allowed: Sequence[Network] = (),
        ports: tuple[int, int] = (50000, 50999),
        seed: int = 1,
    ) -> None:
        self.now = 1000.0
        self.unix = float(UNIX)
        self.bound: set[Endpoint] = set()
        self.own: set[Endpoint] = set()
        homes = Homes({Family.IPV4: RELAY, Family.IPV6: "2001:db8::1"}, {Family.IPV4: EXTERNAL})
        access = Access(SECRET, REALM, Nonces(b"key"), lambda: self.unix)
        hosts = {Family.IPV4: RELAY, Family.IPV6: "2001:db8::1"}
        peers = Peers(allowed, tuple(homes.hosts), self.own)
        self.core = TurnCore(quotas or Quotas(), access, Ports(hosts, *ports, self, Random(seed)), peers, homes)
        self.outputs: list[Output] = []
        self._transactions = 0

    def bind(self, relay: Endpoint) -> bool:
        """As `turn.ports.Sockets`."""
        if relay in self.bound:
            return False
        self.bound.add(relay)
        return True

    def settle(self) -> list[Output]:
        """What has come out just now."""
        new = self.core.drain()
        for output in new:
            if isinstance(output, Unbind):
                self.bound.remove(output.relay)
        self.outputs += new
        return new

    def transaction(self) -> bytes:
        """A new one."""
        self._transactions += 1
        return self._transactions.to_bytes(12)

    def hear(self, client: Client, data: bytes) -> list[Output]:
        """A client's datagram."""
        self.core.from_client(client, data, self.now)
        return self.settle()

    def from_peer(self, relay: Endpoint, peer: Endpoint, data: bytes) -> list[Output]:
        """A peer's datagram."""
        self.core.from_peer(relay, peer, data, self.now)
        return self.settle()

    def later(self, seconds: float) -> None:
        """Time goes by, a second at a time."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 1.0, until)
            self.core.advance(self.now)
            self.settle()


class Guest:
    """A client of a desk."""

    def __init__(self, desk: Desk, port: int = 5000, name: str = "ada", line: int = 0, sha256: bool = False) -> None:
        self.desk = desk
        self.client = Client(line, ("192.0.2.50", port))
        self.sha256 = sha256
        self.username, self.password = time_limited(SECRET, name, UNIX + 600)
        self.nonce = b""

    def sign(self, method: Method, attributes: Attributes, transaction: bytes) -> bytes:
        """A request with credentials."""
        algorithm = Algorithm.SHA256 if self.sha256 else Algorithm.MD5
        names: list[tuple[int, bytes]] = [
            (Attr.USERNAME, self.username.encode()),
            (Attr.REALM, REALM.encode()),
            (Attr.NONCE, self.nonce),
        ]
        if self.sha256:
            names += [(Attr.PASSWORD_ALGORITHMS, OFFERED), (Attr.PASSWORD_ALGORITHM, algorithm.to_bytes(2) + bytes(2))]
        key = integrity.long_term_key(self.username.encode(), REALM.encode(), self.password.encode(), algorithm)
        kind = Attr.MESSAGE_INTEGRITY_SHA256 if self.sha256 else Attr.MESSAGE_INTEGRITY
        message = Message(method, Class.REQUEST, transaction, [*attributes, *names])
        return integrity.protect(stun.encode(message), kind, key)

    def ask(self, method: Method, *attributes: tuple[int, bytes], transaction: bytes = b"") -> Message:
        """A signed request, and its answer; a challenge is taken up once."""
        transaction = transaction or self.desk.transaction()
        answer = self.told(self.desk.hear(self.client, self.sign(method, attributes, transaction)))
        if code(answer) in (401, 438) and (nonce := answer.first(Attr.NONCE)) not in (None, self.nonce):
            assert nonce is not None
            self.nonce = nonce
            answer = self.told(self.desk.hear(self.client, self.sign(method, attributes, transaction)))
        return answer

    def told(self, outputs: list[Output]) -> Message:
        """The one answer among them."""
        (data,) = [output.data for output in outputs if isinstance(output, ToClient) and output.is_answer]
        return stun.decode(data)

    def allocate(self, *attributes: tuple[int, bytes]) -> Message:
        """An Allocate request."""
        return self.ask(Method.ALLOCATE, UDP_TRANSPORT, *attributes)

    @property
    def relay(self) -> Endpoint:
        """Its relayed IPv4 address, as bound."""
        return self.desk.core.table.of_client[self.client].relays[Family.IPV4]

    def permit(self, *peers: Endpoint) -> Message:
        """A CreatePermission request."""
        transaction = self.desk.transaction()
        named = [(Attr.XOR_PEER_ADDRESS, xor_address(peer, transaction)) for peer in peers]
        return self.ask(Method.CREATE_PERMISSION, *named, transaction=transaction)

    def bind(self, number: int, peer: Endpoint) -> Message:
        """A ChannelBind request."""
        transaction = self.desk.transaction()
        channel = (Attr.CHANNEL_NUMBER, number.to_bytes(2) + bytes(2))
        return self.ask(
            Method.CHANNEL_BIND,
            channel,
            (Attr.XOR_PEER_ADDRESS, xor_address(peer, transaction)),
            transaction=transaction,
        )

    def send(self, peer: Endpoint, data: bytes, *more: tuple[int, bytes]) -> list[ToPeer]:
        """A Send indication, and what went to peers."""
        transaction = self.desk.transaction()
        attributes = [(Attr.XOR_PEER_ADDRESS, xor_address(peer, transaction)), (Attr.DATA, data), *more]
        message = Message(Method.SEND, Class.INDICATION, transaction, attributes)
        return [out for out in self.desk.hear(self.client, stun.encode(message)) if isinstance(out, ToPeer)]

    def say(self, number: int, data: bytes) -> list[ToPeer]:
        """Channel data, and what went to peers."""
        frame = number.to_bytes(2) + len(data).to_bytes(2) + data
        return [out for out in self.desk.hear(self.client, frame) if isinstance(out, ToPeer)]


def code(answer: Message) -> int:
    """The error code of an answer, 0 for a success."""
    value = answer.first(Attr.ERROR_CODE)
    return 0 if value is None else value[2] * 100 + value[3]
