"""Pure core: the clients of a city: what each sends in a tick, and what of the relay's frames and messages has reached it."""

from collections import deque
from typing import Final

from bench.batching import Body, deal
from bench.city import City
from soiree.wire.acks import ReceiveWindow
from soiree.wire.records import Base
from soiree.wire.state import ACK_VALID, Header, pack_header, unpack_header

FIRST_PEER: Final = 2
DELAY_STEPS: Final = 2
"""What the relay sends is acknowledged, and its messages applied, so many steps later."""


class Clients:
    """All clients of a city; `index` below counts them from 0, `peer` is FIRST_PEER + index.

    Attributes:
        numbers: newest control message sent to each.
    """

    def __init__(self, city: City) -> None:
        self._city = city
        count = len(city.own)
        self.peers = range(FIRST_PEER, FIRST_PEER + count)
        self.numbers = [1] * count
        self._applied = [1] * count
        self._seq = [0] * count
        self._windows = [ReceiveWindow() for _ in self.peers]
        self._under_way: deque[tuple[list[tuple[int, int]], list[int]]] = deque()

    def next_number(self, peer: int) -> int:
        """Of the control message that the relay sends now."""
        index = peer - FIRST_PEER
        self.numbers[index] += 1
        return self.numbers[index]

    def hear(self, frames: list[tuple[int, bytes]]) -> None:
        """The relay has sent these in this step; what it sent DELAY_STEPS ago has arrived."""
        seqs = [(peer - FIRST_PEER, unpack_header(payload).seq) for peer, payload in frames]
        self._under_way.append((seqs, list(self.numbers)))
        if len(self._under_way) > DELAY_STEPS:
            arrived, self._applied = self._under_way.popleft()
            for index, seq in arrived:
                self._windows[index].receive(seq)

    def say(self, tick: int) -> list[tuple[int, bytes]]:
        """Frames (peer, payload) with what has changed in the city; each client sends at least one."""
        bodies = deal(self._city.deltas(), self._city.home)
        speaking = {body.owner for body in bodies}
        silent = [Body(index, Base(0, 0, 0), b"") for index in range(len(self._seq)) if index not in speaking]
        return [(FIRST_PEER + body.owner, self._frame(body, tick)) for body in [*bodies, *silent]]

    def _frame(self, body: Body, tick: int) -> bytes:
        index, window = body.owner, self._windows[body.owner]
        seq, flags = self._seq[index] & 0xFFFF, ACK_VALID if window.seq is not None else 0
        self._seq[index] += 1
        applied = self._applied[index] & 0xFFFF
        return pack_header(Header(flags, seq, tick, *body.base, window.seq or 0, window.mask, applied)) + body.sections
