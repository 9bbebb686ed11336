"""Relayed addresses: which port an allocation gets, and those kept for later (RFC 8656 sections 7.2 and 18.7).

Pure core.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol

from turn.errors import RefusedError
from turn.limits import MAX_RESERVATIONS, PORT_TRIES, RESERVATION_LIFETIME_S
from turn.values import Endpoint, Family

TOKEN_BYTES = 8


class Sockets(Protocol):
    """Binds relayed addresses; what is bound and cannot be used is given back by `outputs.Unbind`."""

    def bind(self, relay: Endpoint) -> bool:
        """Whether the address could be had."""


@dataclass(frozen=True, slots=True)
class _Reservation:
    relay: Endpoint
    expires: float


class Ports:
    """Finds ports.

    Attributes:
        hosts: the address to relay from, for each family that is served.
    """

    def __init__(self, hosts: Mapping[Family, str], first: int, last: int, sockets: Sockets, rng: Random) -> None:
        """Args: the range of ports, both ends included; `rng` should not be predictable."""
        self.hosts = dict(hosts)
        self._first, self._last = first, last
        self._sockets = sockets
        self._rng = rng
        self._kept: dict[bytes, _Reservation] = {}

    def take(self, family: Family) -> Endpoint:
        """Bind any port. Raises RefusedError 440, 508."""
        host = self._host(family)
        for _ in range(PORT_TRIES):
            relay = host, self._rng.randint(self._first, self._last)
            if self._sockets.bind(relay):
                return relay
        raise RefusedError(508, "Insufficient Capacity")

    def take_even(self, family: Family) -> Endpoint:
        """Bind an even port. Raises RefusedError 440, 508."""
        host, (low, high) = self._host(family), self._evens()
        for _ in range(PORT_TRIES):
            relay = host, 2 * self._rng.randint(low, high)
            if self._sockets.bind(relay):
                return relay
        raise RefusedError(508, "Insufficient Capacity")

    def take_pair(self, family: Family, now: float) -> tuple[Endpoint, bytes]:
        """Bind an even port and keep the next one, which the token names. Raises RefusedError 440, 508."""
        host, (low, high) = self._host(family), self._evens()
        if len(self._kept) < MAX_RESERVATIONS:
            for _ in range(PORT_TRIES):
                port = 2 * self._rng.randint(low, high)
                if port == self._last or not self._sockets.bind((host, port + 1)):
                    continue
                token = self._rng.randbytes(TOKEN_BYTES)
                self._kept[token] = _Reservation((host, port + 1), now + RESERVATION_LIFETIME_S)
                if self._sockets.bind((host, port)):
                    return (host, port), token
                self._kept[token] = _Reservation((host, port + 1), now)  # the next `expired` frees it
        raise RefusedError(508, "Insufficient Capacity")

    def redeem(self, token: bytes, now: float) -> Endpoint:
        """The address that was kept. Raises RefusedError 508."""
        kept = self._kept.get(token)
        if kept is None or kept.expires <= now:
            raise RefusedError(508, "Insufficient Capacity")
        del self._kept[token]
        return kept.relay

    def expired(self, now: float) -> list[Endpoint]:
        """Addresses that nobody came for; they are to be unbound."""
        late = [token for token, kept in self._kept.items() if kept.expires <= now]
        return [self._kept.pop(token).relay for token in late]

    def _host(self, family: Family) -> str:
        try:
            return self.hosts[family]
        except KeyError:
            raise RefusedError(440, "Address Family not Supported") from None

    def _evens(self) -> tuple[int, int]:
        """The halves of the even ports of the range. Raises RefusedError 508 where it has none."""
        low, high = -(-self._first // 2), self._last // 2
        if low > high:
            raise RefusedError(508, "Insufficient Capacity")
        return low, high
