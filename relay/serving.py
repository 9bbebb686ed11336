"""Pure core: whose turn it is to be served, and who is worth serving: by the pace, by budgets, by what is unacknowledged."""

from typing import Final

import numpy as np

from relay.audience import LONG_AGO, Audience
from relay.budget import SERVE_BYTES, Budgets
from relay.flight import Flight
from relay.table import Bools, Floats
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.state import TICK_HZ

LEAST_RTO_S: Final = 0.15
BARE_FRAME_S: Final = 0.2
"""A client that gets no records gets a frame this often, for its acknowledgements, to the nearest tick."""
OVERDUE_S: Final = BARE_FRAME_S - 0.5 / TICK_HZ
SILENT_S: Final = 1.5
"""A client that acknowledged nothing for so long is sent no more often than BARE_FRAME_S."""
LIMIT_SERVES: Final = 2
"""Serves that may be unacknowledged beyond those of one round trip. No transport tells in time that it queues: TCP's buffers
and proxies do, and SCTP takes a megabyte before it says so."""
GROUP_CLIENTS: Final = 100
"""A room is served in groups of so many or more, each at another tick: the last of one pass over all waits for all others."""
WORTH_S: Final = 0.05
"""A client that has less than a full frame's tokens waits until what it has is worth so much of its rate."""
_BYTES_PER_KBIT: Final = 125.0


class Serving:
    """Turns of the clients of a room.

    Attributes:
        every: ticks from one serve of a client to the next.
        packed: tick at which frames were packed last.
    """

    def __init__(self, audience: Audience, budgets: Budgets, flight: Flight) -> None:
        self.audience = audience
        self.budgets = budgets
        self.flight = flight
        self.every = 1
        self.packed = LONG_AGO

    def serves(self, tick: int) -> bool:
        """Whether it is anybody's turn at this tick. At others, what came may as well wait: it would not be sent on yet."""
        every, packed = self.every, self.packed
        if self._groups() == 1:
            return tick // every > packed // every
        return any((tick + turn) // every > (packed + turn) // every for turn in self.turns())

    def due(self, tick: int, now: float) -> Bools:
        """(clients,) whose turn it is, and whose budget carries a frame worth sending."""
        audience, every = self.audience, self.every
        turns = self.turns()
        turn = np.array(turns)[np.arange(len(audience.peer)) % len(turns)] if len(turns) > 1 else turns[0]
        due = audience.active & ((tick + turn) // every > (audience.served + turn) // every)
        due &= self.tokens() >= self._worth_bytes()
        due &= (now - audience.acked_s < SILENT_S) | self.overdue(now)
        ready = np.flatnonzero(due)
        trip_s = audience.rtt_s[ready] + audience.ack_interval_s[ready]
        due[ready] = self.flight.unacked(ready) < audience.burst[ready] * (LIMIT_SERVES + trip_s * TICK_HZ / every)
        return np.asarray(due, np.bool_)

    def rto_s(self) -> Floats:
        return np.asarray(np.maximum(LEAST_RTO_S, 2 * self.audience.rtt_s), np.float64)

    def tokens(self) -> Floats:
        """(clients,) bytes that each may be sent now."""
        return self._per_client(self.budgets.tokens)

    def overdue(self, now: float) -> Bools:
        """(clients,) who have had no frame for BARE_FRAME_S, to the nearest tick."""
        return np.asarray(now - self.audience.sent_s > OVERDUE_S, np.bool_)

    def _groups(self) -> int:
        """Clients are served in so many groups, each at another tick: small ones together, as every pass has its price."""
        return max(1, min(self.every, len(self.audience) // GROUP_CLIENTS))

    def turns(self) -> list[int]:
        """Of each group: at which tick, modulo `serve_every`, it is served."""
        groups = self._groups()
        return [group * self.every // groups for group in range(groups)]

    def _worth_bytes(self) -> Floats:
        """(clients,) tokens for which it is worth to serve: a full frame to those whose budget carries many of them, since headers cost."""
        rate = self._per_client(self.budgets.rate_kbit_s)
        return np.asarray(np.clip(rate * _BYTES_PER_KBIT * WORTH_S, SERVE_BYTES, MAX_FRAME_BYTES), np.float64)

    def _per_client(self, column: Floats) -> Floats:
        """(clients,) a column of the budgets, as long as the audience: tables grow at different times."""
        if len(column) >= len(self.audience.peer):
            return column[: len(self.audience.peer)]
        found = np.zeros(len(self.audience.peer))
        some = min(len(found), len(column))
        found[:some] = column[:some]
        return found
