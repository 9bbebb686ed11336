"""The TURN server (RFC 8656) without sockets and clock: datagrams in, datagrams out.

Pure core. Each call is one mutation; `drain` gives what it wants done. Whatever is not worth an answer is counted and dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from turn import integrity, stun
from turn.access import Access, Admitted
from turn.allocation import Allocation, Client
from turn.errors import BrokenError, RefusedError, StunError
from turn.forwarding import Forwarding
from turn.homes import Homes
from turn.limits import DEFAULT_LIFETIME_S, LAST_CHANNEL, MAX_LIFETIME_S, Quotas
from turn.outputs import Counted, Output, ToClient, Unbind
from turn.peers import Peers
from turn.ports import Ports
from turn.requests import AllocateRequest, read_allocate, read_peers
from turn.stun import Attr, Class, Message, Method
from turn.table import AllocationTable
from turn.values import Endpoint, Family, bad_request, error_code, family_of, read_family, read_number, xor_address

SOFTWARE: Final = b"soiree"
_UNDERSTOOD: Final = frozenset(attribute for attribute in Attr if attribute < 0x8000)
_FIRST_CHANNEL_BYTE, _LAST_CHANNEL_BYTE = 0x40, LAST_CHANNEL >> 8
Attributes = list[tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that was admitted."""

    request: Message
    client: Client
    allocation: Allocation | None
    admitted: Admitted
    now: float

    @property
    def held(self) -> Allocation:
        """The client's allocation. Raises RefusedError 437."""
        if self.allocation is None:
            raise RefusedError(437, "Allocation Mismatch")
        return self.allocation


class TurnCore:
    """All of a server's clients."""

    def __init__(self, quotas: Quotas, access: Access, ports: Ports, peers: Peers, homes: Homes) -> None:
        self.table = AllocationTable(quotas)
        self._quotas = quotas
        self._access = access
        self._ports = ports
        self._homes = homes
        self._outputs: list[Output] = []
        self._forwarding = Forwarding(self.table, peers, homes, self._outputs)
        self._handlers: dict[int, Callable[[_Asked], Attributes]] = {
            Method.ALLOCATE: self._allocate,
            Method.REFRESH: self._refresh,
            Method.CREATE_PERMISSION: self._create_permission,
            Method.CHANNEL_BIND: self._bind_channel,
        }

    def drain(self) -> list[Output]:
        """What is to be done, once, in this order."""
        outputs = self._outputs.copy()
        self._outputs.clear()
        return outputs

    def from_client(self, client: Client, data: bytes, now: float) -> None:
        """A datagram, or one message of a stream."""
        if data and _FIRST_CHANNEL_BYTE <= data[0] <= _LAST_CHANNEL_BYTE:
            self._forwarding.channel_data(client, data, now)
            return
        try:
            message = stun.decode(data)
        except StunError as error:
            self._count("malformed")
            if isinstance(error, BrokenError):
                self._complain(client, error)
            return
        if message.cls is Class.REQUEST:
            self._answer(message, client, now)
        elif message.cls is Class.INDICATION and message.method == Method.SEND and not _unknown(message):
            self._forwarding.indication(message, client, now)
        else:
            self._count("ignored")

    def from_peer(self, relay: Endpoint, peer: Endpoint, data: bytes, now: float) -> None:
        """A datagram that came to a relayed address."""
        self._forwarding.from_peer(relay, peer, data, now)

    def departed(self, client: Client) -> None:
        """A client's stream connection is gone, and its allocation with it."""
        if (allocation := self.table.of_client.get(client)) is not None:
            self._end(allocation)

    def advance(self, now: float) -> None:
        """Let go of what has expired; to be called about once a second."""
        for allocation in self.table.expired(now):
            self._end(allocation)
        self._outputs += [Unbind(relay) for relay in self._ports.expired(now)]

    def close(self) -> None:
        """End everything."""
        for allocation in list(self.table.of_client.values()):
            self._end(allocation)

    # Requests

    def _answer(self, request: Message, client: Client, now: float) -> None:
        allocation = self.table.of_client.get(client)
        if request.method == Method.ALLOCATE and allocation is not None and _is_again(request, allocation):
            self._respond(client, allocation.response)
            return
        admitted: Admitted | None = None
        cls = Class.SUCCESS
        try:
            if request.method != Method.BINDING:
                admitted = self._admit(request, client, allocation, now)
            _check_understood(request)
            if admitted is None:
                attributes = _binding(request, client)
            else:
                attributes = self._handlers[request.method](_Asked(request, client, allocation, admitted, now))
        except RefusedError as refusal:
            self._count(f"refused-{refusal.code}")
            cls, attributes = Class.ERROR, self._refuse(request, client, refusal, now)
        response = _sign(request, cls, attributes, admitted)
        made = self.table.of_client.get(client)
        if made is not None and made is not allocation:
            made.response = response
        self._respond(client, response)

    def _complain(self, client: Client, broken: BrokenError) -> None:
        method, cls = stun.split(broken.type_)
        if cls is Class.REQUEST:
            attributes: Attributes = [(Attr.ERROR_CODE, error_code(400, "Bad Request"))]
            self._respond(client, stun.encode(Message(method, Class.ERROR, broken.transaction, attributes)))

    def _admit(self, request: Message, client: Client, allocation: Allocation | None, now: float) -> Admitted:
        if request.method not in self._handlers:
            raise bad_request()
        return self._access.check(request, client.address, allocation, now)

    def _respond(self, client: Client, response: bytes) -> None:
        self._outputs.append(ToClient(client, response, is_answer=True))

    def _refuse(self, request: Message, client: Client, refusal: RefusedError, now: float) -> Attributes:
        attributes: Attributes = [(Attr.ERROR_CODE, error_code(refusal.code, refusal.reason))]
        if refusal.code in (401, 438):
            attributes += self._access.challenge(client.address[0], now)
        if refusal.code == 420:
            attributes.append((Attr.UNKNOWN_ATTRIBUTES, b"".join(kind.to_bytes(2) for kind in _unknown(request))))
        return attributes

    def _allocate(self, asked: _Asked) -> Attributes:
        """Section 7.2."""
        if asked.allocation is not None:
            raise RefusedError(437, "Allocation Mismatch")
        wanted, lifetime = read_allocate(asked.request), _lifetime(asked.request)
        self.table.check(asked.admitted.credential.username, asked.client.address[0])
        relays, token = self._relays(wanted, asked.now)
        made = Allocation(asked.client, asked.admitted.credential, relays, self._quotas.bytes_per_s, asked.now)
        made.expires = asked.now + lifetime
        made.transaction = asked.request.transaction
        self.table.add(made)
        self._count("allocated")
        transaction = asked.request.transaction
        attributes: Attributes = [
            (Attr.XOR_RELAYED_ADDRESS, xor_address(self._homes.outside(relay), transaction))
            for relay in relays.values()
        ]
        attributes.append((Attr.LIFETIME, lifetime.to_bytes(4)))
        if token is not None:
            attributes.append((Attr.RESERVATION_TOKEN, token))
        attributes.append((Attr.XOR_MAPPED_ADDRESS, xor_address(asked.client.address, transaction)))
        if wanted.additional is not None and wanted.additional not in relays:
            failure = error_code(440, "Address Family not Supported")[2:]
            attributes.append((Attr.ADDRESS_ERROR_CODE, bytes((wanted.additional, 0)) + failure))
        return attributes

    def _relays(self, wanted: AllocateRequest, now: float) -> tuple[dict[Family, Endpoint], bytes | None]:
        """Relayed addresses, and the token of one that is kept beside."""
        if wanted.token is not None:
            relay = self._ports.redeem(wanted.token, now)
            return {family_of(relay[0]): relay}, None
        if wanted.keep_next:
            relay, token = self._ports.take_pair(wanted.family, now)
            return {wanted.family: relay}, token
        take = self._ports.take_even if wanted.even else self._ports.take
        relays = {wanted.family: take(wanted.family)}
        if wanted.additional in self._ports.hosts:
            relays[wanted.additional] = self._ports.take(wanted.additional)
        return relays, None

    def _refresh(self, asked: _Asked) -> Attributes:
        """Section 8.2."""
        value = asked.request.first(Attr.REQUESTED_ADDRESS_FAMILY)
        family = None if value is None else read_family(value)
        if family is not None and family not in asked.held.relays:
            raise RefusedError(443, "Peer Address Family Mismatch")
        lifetime = 0 if asked.request.first(Attr.LIFETIME) == bytes(4) else _lifetime(asked.request)
        if lifetime:
            asked.held.expires = asked.now + lifetime
        elif family is not None and len(asked.held.relays) > 1:
            self._outputs.append(Unbind(self.table.give_back(asked.held, family)))
        else:
            self._end(asked.held)
        return [(Attr.LIFETIME, lifetime.to_bytes(4))]

    def _create_permission(self, asked: _Asked) -> Attributes:
        """Section 10.2."""
        held, peers = asked.held, read_peers(asked.request)
        self._check_peers(peers)
        held.permit([host for host, _ in peers], asked.now)
        return []

    def _bind_channel(self, asked: _Asked) -> Attributes:
        """Section 12.2."""
        held, number = asked.held, asked.request.first(Attr.CHANNEL_NUMBER)
        if number is None or len(number) != 4:
            raise bad_request()
        peers = read_peers(asked.request, most=1)
        self._check_peers(peers)
        held.bind(int.from_bytes(number[:2]), peers[0], asked.now)
        return []

    def _check_peers(self, peers: list[Endpoint]) -> None:
        if not all(map(self._forwarding.may_reach, peers)):
            raise RefusedError(403, "Forbidden")

    def _end(self, allocation: Allocation) -> None:
        self.table.remove(allocation)
        self._outputs += [Unbind(relay) for relay in allocation.relays.values()]
        self._count("ended")

    def _count(self, what: str) -> None:
        self._outputs.append(Counted(what))


def _is_again(request: Message, allocation: Allocation) -> bool:
    """Whether an Allocate request is a retransmission: to be answered alike, whatever has changed since."""
    return request.transaction == allocation.transaction


def _binding(request: Message, client: Client) -> Attributes:
    """RFC 8489 section 6.3.3."""
    return [(Attr.XOR_MAPPED_ADDRESS, xor_address(client.address, request.transaction))]


def _sign(request: Message, cls: Class, attributes: Attributes, admitted: Admitted | None) -> bytes:
    attributes.append((Attr.SOFTWARE, SOFTWARE))
    data = stun.encode(Message(request.method, cls, request.transaction, attributes))
    if admitted is not None:
        data = integrity.protect(data, admitted.kind, admitted.credential.key)
    return stun.add_fingerprint(data) if request.has(Attr.FINGERPRINT) else data


def _check_understood(request: Message) -> None:
    """RFC 8489 section 6.3.1. Raises RefusedError 420."""
    if _unknown(request):
        raise RefusedError(420, "Unknown Attribute")


def _unknown(message: Message) -> list[int]:
    """Attributes that would have to be understood."""
    return [kind for kind, _ in message.attributes if kind < 0x8000 and kind not in _UNDERSTOOD]


def _lifetime(request: Message) -> int:
    """What is granted, s (sections 7.2 and 8.2)."""
    value = request.first(Attr.LIFETIME)
    wanted = DEFAULT_LIFETIME_S if value is None else read_number(value)
    return min(max(wanted, DEFAULT_LIFETIME_S), MAX_LIFETIME_S)
