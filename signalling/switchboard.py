"""Which signalling socket hears of which WebRTC connection.

A relay may have local candidates before its answer is back with us: while an offer is under way, what cannot be put through yet is kept,
within bounds. What nobody waits for (a one-shot join has its candidates in the answer) is dropped.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from signalling.limits import EARLY_CANDIDATES, EARLY_CONNECTIONS
from soiree.rtc.engine import Candidate

Event = Candidate | str
"""A local candidate, or the reason for which the connection is gone."""


class Line(Protocol):
    """Who hears of a connection."""

    def tell(self, connection: str, event: Event) -> None:
        """Something happened to the connection. Returns at once."""


class Switchboard:
    """Connections and their lines."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}
        self._early: dict[str, list[Event]] = {}
        self._offers_under_way = 0

    def __len__(self) -> int:
        return len(self._lines)

    @contextmanager
    def offering(self) -> Iterator[None]:
        """While an offer is with the relay: events of connections not yet known are kept."""
        self._offers_under_way += 1
        try:
            yield
        finally:
            self._offers_under_way -= 1
            if not self._offers_under_way:
                self._early.clear()

    def connect(self, connection: str, line: Line) -> None:
        """Put a connection through, with what came early."""
        self._lines[connection] = line
        for event in self._early.pop(connection, ()):
            self.tell(connection, event)

    def disconnect(self, connection: str) -> None:
        """Nobody is to hear of it any more."""
        self._lines.pop(connection, None)
        self._early.pop(connection, None)

    def tell(self, connection: str, event: Event) -> None:
        """The relay has something to tell."""
        line = self._lines.get(connection)
        if line is not None:
            line.tell(connection, event)
        elif self._offers_under_way and (connection in self._early or len(self._early) < EARLY_CONNECTIONS):
            waiting = self._early.setdefault(connection, [])
            if len(waiting) < EARLY_CANDIDATES:
                waiting.append(event)
