"""All allocations of a server, by client and by relayed address, within its quotas.

Pure core.
"""

from collections import Counter
from typing import TypeVar

from turn.allocation import Allocation, Client
from turn.errors import RefusedError
from turn.limits import Quotas
from turn.values import Endpoint, Family

Key = TypeVar("Key", bytes, str)


class AllocationTable:
    """Who has what.

    Attributes:
        of_client: the allocation of each client.
        owners: the allocation behind each relayed address.
    """

    def __init__(self, quotas: Quotas) -> None:
        self.of_client: dict[Client, Allocation] = {}
        self.owners: dict[Endpoint, Allocation] = {}
        self._quotas = quotas
        self._per_user: Counter[bytes] = Counter()
        self._per_address: Counter[str] = Counter()

    def check(self, username: bytes, host: str) -> None:
        """Whether this user, at this address, may have one more. Raises RefusedError 486."""
        if (
            len(self.of_client) >= self._quotas.allocations
            or self._per_user[username] >= self._quotas.allocations_per_user
            or self._per_address[host] >= self._quotas.allocations_per_address
        ):
            raise RefusedError(486, "Allocation Quota Reached")

    def add(self, allocation: Allocation) -> None:
        """A new one."""
        self.of_client[allocation.client] = allocation
        self.owners.update(dict.fromkeys(allocation.relays.values(), allocation))
        self._per_user[allocation.credential.username] += 1
        self._per_address[allocation.client.address[0]] += 1

    def remove(self, allocation: Allocation) -> None:
        """One that has ended."""
        del self.of_client[allocation.client]
        for relay in allocation.relays.values():
            del self.owners[relay]
        _decrease(self._per_user, allocation.credential.username)
        _decrease(self._per_address, allocation.client.address[0])

    def give_back(self, allocation: Allocation, family: Family) -> Endpoint:
        """One of the two relayed addresses of an allocation, which goes on with the other."""
        relay = allocation.relays.pop(family)
        del self.owners[relay]
        return relay

    def expired(self, now: float) -> list[Allocation]:
        """Those whose time is over."""
        return [allocation for allocation in self.of_client.values() if allocation.expires <= now]


def _decrease(counter: Counter[Key], key: Key) -> None:
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
