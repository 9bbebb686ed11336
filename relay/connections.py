"""Which connection belongs to which session, and which of them carries it."""

import itertools
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from soiree.transport import Transport

if TYPE_CHECKING:
    from relay.hosted import HostedRoom

MAX_CONNECTIONS_PER_SESSION = 4
"""One that carries it, and others on their way to; past that the oldest of those is closed `superseded`."""


@dataclass(slots=True, eq=False)
class Connection:
    """One connection of one session."""

    conn: int
    """Its number in its transport."""
    transport: Transport
    hosted: "HostedRoom"
    peer: int
    since: float
    """Monotonic seconds at which it was let in."""
    hello_by: float
    """Monotonic seconds by which it must have said hello, counted from its opening."""
    opened: bool = False
    attached: bool = False
    """It has said hello and carries its session."""
    refused: bool = False
    """It is being closed; what it still says is not heard."""
    name: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    """What the homeserver calls it; not to be guessed, since candidates are sent to it by name."""


class Connections:
    """All connections of a relay, by number and by name."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._by_conn: dict[int, Connection] = {}
        self._by_name: dict[str, Connection] = {}

    def __len__(self) -> int:
        return len(self._by_conn)

    def add(
        self, transport: Transport, hosted: "HostedRoom", peer: int, *, since: float, hello_by: float
    ) -> Connection:
        """A new connection for a session."""
        connection = Connection(next(self._numbers), transport, hosted, peer, since, hello_by)
        self._by_conn[connection.conn] = self._by_name[connection.name] = connection
        return connection

    @property
    def by_number(self) -> Mapping[int, Connection]:
        """All."""
        return self._by_conn

    def by_name(self, name: str) -> Connection | None:
        """By the name that the homeserver knows."""
        return self._by_name.get(name)

    def remove(self, conn: int) -> Connection | None:
        """Forget one; None when it is forgotten already."""
        connection = self._by_conn.pop(conn, None)
        if connection is not None:
            del self._by_name[connection.name]
        return connection

    def of(self, hosted: "HostedRoom", peer: int) -> list[Connection]:
        """Those of one session, oldest first."""
        return [c for c in self._by_conn.values() if c.peer == peer and c.hosted is hosted]

    def surplus(self, newest: Connection) -> list[Connection]:
        """What must go now that `newest` has come: waiting connections of its session past the bound, oldest first."""
        waiting = [c for c in self.of(newest.hosted, newest.peer) if not c.attached and c is not newest]
        return waiting[: max(0, len(waiting) + 2 - MAX_CONNECTIONS_PER_SESSION)]

    def waiting(self, hosted: "HostedRoom") -> list[Connection]:
        """Those of a room that do not carry a session, and are not being closed."""
        return [c for c in self._by_conn.values() if c.hosted is hosted and not c.attached and not c.refused]

    def silent(self, now: float) -> Iterable[Connection]:
        """Those that are open and should have said hello by now."""
        return [c for c in self._by_conn.values() if c.opened and not c.attached and c.hello_by < now]
