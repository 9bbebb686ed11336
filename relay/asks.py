"""Pure core: requests that wait for a master's answer (docs/PROTOCOL.md section 7, rule `ask`)."""

import heapq
from dataclasses import dataclass

from relay.entities import Entity
from relay.ownership import refusal
from soiree.wire.limits import MAX_PENDING_ASKS


@dataclass(frozen=True, slots=True)
class PendingAsk:
    """One request under way."""

    ticket: int
    """Names it in `ask` and `answer`; unique in the room."""
    entity: int
    peer: int
    """Who asks."""
    re: int
    """Number of its `request`."""
    note: str
    epoch: int
    """As the request named it."""
    deadline: float
    """Monotonic seconds after which it is refused `timeout`."""


class PendingAsks:
    """All that wait in a room: at most MAX_PENDING_ASKS for one entity, one of each peer."""

    __slots__ = ("_by_entity", "_by_ticket", "_deadlines", "_last_ticket")

    def __init__(self) -> None:
        self._last_ticket = 0
        self._by_ticket: dict[int, PendingAsk] = {}
        self._by_entity: dict[int, dict[int, PendingAsk]] = {}
        """Entity → peer who asks → ask."""
        self._deadlines: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._by_ticket)

    def open(self, entity: Entity, peer: int, re: int, note: str, now: float) -> PendingAsk:
        """Raises RefusalError `busy` when the entity has as many as it may, or one of this peer."""
        waiting = self._by_entity.setdefault(entity.id, {})
        if len(waiting) >= MAX_PENDING_ASKS or peer in waiting:
            raise refusal("busy", entity)
        self._last_ticket = self._last_ticket % 0xFFFFFFFF + 1
        deadline = now + entity.ask_timeout_ms / 1000
        ask = PendingAsk(self._last_ticket, entity.id, peer, re, note, entity.epoch, deadline)
        waiting[peer] = self._by_ticket[ask.ticket] = ask
        heapq.heappush(self._deadlines, (deadline, ask.ticket))
        return ask

    def get(self, ticket: int) -> PendingAsk | None:
        return self._by_ticket.get(ticket)

    def of_entity(self, entity: int) -> list[PendingAsk]:
        """Oldest first."""
        return list(self._by_entity.get(entity, {}).values())

    def of_peer(self, peer: int) -> list[PendingAsk]:
        return [ask for ask in self._by_ticket.values() if ask.peer == peer]

    def close(self, ask: PendingAsk) -> None:
        """It is decided, or no longer asked."""
        del self._by_ticket[ask.ticket]
        waiting = self._by_entity[ask.entity]
        del waiting[ask.peer]
        if not waiting:
            del self._by_entity[ask.entity]
        if len(self._deadlines) > 2 * len(self._by_ticket) + 64:
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._by_ticket]
            heapq.heapify(self._deadlines)

    def overdue(self, now: float) -> list[PendingAsk]:
        """Those past their deadline, oldest first; the caller closes them."""
        late = []
        while self._deadlines and self._deadlines[0][0] <= now:
            ask = self._by_ticket.get(heapq.heappop(self._deadlines)[1])
            if ask is not None:
                late.append(ask)
        return late
