"""Where the connections of an engine take packets, so that a TURN server beside it knows what it may pass on to this machine.

Pure core.
"""

from collections import Counter
from collections.abc import Collection

Endpoint = tuple[str, int]
"""Address and port."""


class Endpoints:
    """Addresses and ports of all connections; several may share one."""

    def __init__(self) -> None:
        self._by_conn: dict[int, Collection[Endpoint]] = {}
        self._users: Counter[Endpoint] = Counter()

    def set(self, conn: int, endpoints: Collection[Endpoint]) -> None:
        """A connection takes packets there, and nowhere else."""
        self.forget(conn)
        self._by_conn[conn] = endpoints
        self._users.update(endpoints)

    def forget(self, conn: int) -> None:
        """A connection is gone; an unknown one is no error."""
        for endpoint in self._by_conn.pop(conn, ()):
            self._users[endpoint] -= 1
            if not self._users[endpoint]:
                del self._users[endpoint]

    def __contains__(self, endpoint: Endpoint) -> bool:
        return endpoint in self._users
