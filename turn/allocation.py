"""An allocation (RFC 8656 section 3.2): its relayed addresses, permissions and channels, and when each of them ends.

Pure core.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from turn.bandwidth import Bandwidth
from turn.errors import RefusedError
from turn.limits import (
    CHANNEL_LIFETIME_S,
    FIRST_CHANNEL,
    LAST_CHANNEL,
    MAX_CHANNELS,
    MAX_PERMISSIONS,
    PERMISSION_LIFETIME_S,
)
from turn.values import Endpoint, Family, bad_request, family_of


class Client(NamedTuple):
    """Whom an allocation belongs to: the 5-tuple, with a number for its transport connection."""

    line: int
    """Listening UDP socket, or TCP connection."""
    address: Endpoint


@dataclass(slots=True)
class Channel:
    """Section 12."""

    number: int
    peer: Endpoint
    expires: float


@dataclass(frozen=True, slots=True)
class Credential:
    """Who made the allocation: later requests must be signed alike."""

    username: bytes
    key: bytes


class Allocation:
    """One client's relayed addresses.

    Attributes:
        relays: relayed address (as bound here) for each family.
        expires: monotonic seconds.
        transaction, response: the Allocate request and its answer, for retransmissions.
        up, down: what may pass from the client, and to it.
    """

    __slots__ = (
        *("_channel_of", "_channels", "_permissions", "client", "credential", "down", "expires", "relays"),
        *("response", "transaction", "up"),
    )

    def __init__(
        self,
        client: Client,
        credential: Credential,
        relays: Mapping[Family, Endpoint],
        bytes_per_s: int,
        now: float,
    ) -> None:
        self.client = client
        self.credential = credential
        self.relays = dict(relays)
        self.expires = now
        self.transaction = b""
        self.response = b""
        self.up = Bandwidth(bytes_per_s, now)
        self.down = Bandwidth(bytes_per_s, now)
        self._permissions: dict[str, float] = {}
        self._channels: dict[int, Channel] = {}
        self._channel_of: dict[Endpoint, Channel] = {}

    def permit(self, hosts: list[str], now: float) -> None:
        """Install or refresh permissions, all or none (section 9.2). Raises RefusedError 443, 508."""
        self._check_families(hosts)
        self._forget_expired(now)
        if len(self._permissions.keys() | set(hosts)) > MAX_PERMISSIONS:
            raise RefusedError(508, "Insufficient Capacity")
        for host in hosts:
            self._permissions[host] = now + PERMISSION_LIFETIME_S

    def permits(self, host: str, now: float) -> bool:
        """Whether packets to and from the address may pass."""
        return self._permissions.get(host, 0.0) > now

    def bind(self, number: int, peer: Endpoint, now: float) -> None:
        """Bind a channel to a peer, or refresh it, with a permission (section 12.2). Raises RefusedError 400, 443, 508."""
        if not FIRST_CHANNEL <= number <= LAST_CHANNEL:
            raise bad_request()
        self._check_families([peer[0]])
        self._forget_expired(now)
        of_number, of_peer = self._channels.get(number), self._channel_of.get(peer)
        if of_number is not of_peer:
            raise bad_request()
        if of_number is None and len(self._channels) == MAX_CHANNELS:
            raise RefusedError(508, "Insufficient Capacity")
        self.permit([peer[0]], now)
        if of_number is None:
            of_number = self._channels[number] = self._channel_of[peer] = Channel(number, peer, 0.0)
        of_number.expires = now + CHANNEL_LIFETIME_S

    def peer_of(self, number: int, now: float) -> Endpoint | None:
        """The peer that a channel is bound to."""
        channel = self._channels.get(number)
        return None if channel is None or channel.expires <= now else channel.peer

    def channel_of(self, peer: Endpoint, now: float) -> int | None:
        """The channel that is bound to a peer."""
        channel = self._channel_of.get(peer)
        return None if channel is None or channel.expires <= now else channel.number

    def _check_families(self, hosts: list[str]) -> None:
        if any(family_of(host) not in self.relays for host in hosts):
            raise RefusedError(443, "Peer Address Family Mismatch")

    def _forget_expired(self, now: float) -> None:
        for host in [host for host, expires in self._permissions.items() if expires <= now]:
            del self._permissions[host]
        for channel in [channel for channel in self._channels.values() if channel.expires <= now]:
            del self._channels[channel.number]
            del self._channel_of[channel.peer]
