"""Pure core: the clients of a room as parallel arrays: what they applied, whence they look, when they were served, what they sent."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from relay.table import Ints, Table
from soiree.wire.acks import WINDOW, ReceiveWindow
from soiree.wire.limits import MAX_UNAPPLIED_MESSAGES, STATE_FRAMES_PER_S

MAX_CLIENTS: Final = 1024
STATE_FRAMES_BURST: Final = 2 * STATE_FRAMES_PER_S
_WINDOW_MASK: Final = (1 << WINDOW) - 1
LONG_AGO: Final = -(2**40)
_OF_THE_CLIENT: Final = ("active", "burst", "rtt_s", "view_entity", "view", "radius_m")
"""Columns that outlast a fresh hello."""


@dataclass(slots=True)
class Inbound:
    """What came from one client."""

    peer: int
    row: int
    """Its place in the audience."""
    at: float
    """When `frames` was true, seconds."""
    first: int = 0
    """Unwrapped number that its frame 0 has."""
    newest: int = -1
    """Unwrapped number of its newest frame, −1 before the first."""
    applied: int = 0
    """Newest control message of ours that its frames say it has applied."""
    frames: float = STATE_FRAMES_BURST
    """Frames that it may still send at once."""
    window: ReceiveWindow = field(default_factory=ReceiveWindow)

    def receive(self, low: int) -> int | None:
        """Note frame `low` (modulo 2¹⁶): its unwrapped number, None for a repetition and for one too old to tell."""
        window = self.window
        if self.newest >= 0 and low == (self.newest + 1) & 0xFFFF:
            # As nearly all come, one after the other.
            window.seq, window.mask = low, (window.mask << 1 | 1) & _WINDOW_MASK
            self.newest += 1
            return self.newest
        if not window.receive(low):
            return None
        seq = self.unwrap(low)
        self.newest = max(self.newest, seq)
        return seq

    def unwrap(self, seq: int) -> int:
        """The number nearest to the newest whose low 16 bits are `seq`."""
        if self.newest < 0:
            return self.first + seq
        return self.newest + ((seq - self.newest + 0x8000) & 0xFFFF) - 0x8000

    def unwrap_applied(self, low: int) -> int:
        """Control number of which a frame's header gives the low 16 bits; it may be older than the newest known."""
        ahead = (low - self.applied) & 0xFFFF
        if not ahead:
            return self.applied
        return self.applied + ahead if ahead <= MAX_UNAPPLIED_MESSAGES else self.applied + ahead - 0x10000

    def refill(self, now: float) -> None:
        """Frames that STATE_FRAMES_PER_S allows have come since."""
        self.frames = min(STATE_FRAMES_BURST, self.frames + max(0.0, now - self.at) * STATE_FRAMES_PER_S)
        self.at = max(self.at, now)


class Audience(Table):
    """The clients of one room.

    Attributes (shape (rows,), int64 unless said):
        peer: its id, 0 in free rows. active: bool, whether it has a connection. burst: float64, frames in a serve, smoothed, at least 1.
        applied: newest control message of ours that it has applied.
        rtt_s: float64. view_entity: what it looks from, 0 for the fixed point. view: (rows, 3) position as `World.position`.
        radius_m: float64, how far it sees. looked: tick when its sight was last looked at. waits: bool, whether something in its sight
        waited to be told then.
        serves: how often it was served. served: tick when it was. sent_s: float64, when a frame last went. next_seq: of our next frame,
        unwrapped. ack_seq, ack_mask, ack_valid (bool): what we have received from it. acked_s, ack_interval_s: float64, when it last
        acknowledged, and the smoothed time between.
    """

    def __init__(self, bound: int = MAX_CLIENTS) -> None:
        super().__init__(bound)
        self.peer: Ints = self._column("peer", np.int64)
        self.active = self._column("active", np.bool_)
        self.burst = self._column("burst", np.float64)
        self.applied: Ints = self._column("applied", np.int64)
        self.rtt_s = self._column("rtt_s", np.float64)
        self.view_entity: Ints = self._column("view_entity", np.int64)
        self.view: Ints = self._column("view", np.int64, 3)
        self.radius_m = self._column("radius_m", np.float64)
        self.looked: Ints = self._column("looked", np.int64)
        self.waits = self._column("waits", np.bool_)
        self.serves: Ints = self._column("serves", np.int64)
        self.served: Ints = self._column("served", np.int64)
        self.sent_s = self._column("sent_s", np.float64)
        self.next_seq: Ints = self._column("next_seq", np.int64)
        self.ack_seq: Ints = self._column("ack_seq", np.int64)
        self.ack_mask: Ints = self._column("ack_mask", np.int64)
        self.ack_valid = self._column("ack_valid", np.bool_)
        self.ack_interval_s = self._column("ack_interval_s", np.float64)
        self.acked_s = self._column("acked_s", np.float64)
        self._inbound: dict[int, Inbound] = {}

    def __contains__(self, peer: int) -> bool:
        return peer in self._inbound

    def row(self, peer: int) -> int:
        """Raises KeyError for one who is not here."""
        return self._inbound[peer].row

    def inbound(self, peer: int) -> Inbound | None:
        """None for one who is not here."""
        return self._inbound.get(peer)

    def join(self, peer: int, now: float) -> int:
        """Returns its row.

        Raises:
            TableFullError: MAX_CLIENTS are here.
        """
        if peer in self._inbound:
            raise ValueError(f"peer {peer} is here already")
        row = self._allocate()
        self._inbound[peer] = Inbound(peer, row, now)
        self._begin(row, peer, now)
        return row

    def leave(self, peer: int) -> int:
        """Returns the row that it had."""
        row = self._inbound.pop(peer).row
        self._release(row)
        return row

    def reset(self, peer: int) -> None:
        """Numbers begin again in both directions; its later frames still count as newer than all before."""
        old = self._inbound[peer]
        row = old.row
        self._inbound[peer] = Inbound(peer, row, old.at, first=((old.newest >> 16) + 2) << 16, frames=old.frames)
        kept = {name: getattr(self, name)[row].copy() for name in _OF_THE_CLIENT}
        sent_s = float(self.sent_s[row])
        self._clear(row)
        self._begin(row, peer, sent_s)
        for name, value in kept.items():
            getattr(self, name)[row] = value

    def on_applied(self, peer: int, number: int) -> None:
        """The peer has applied our control messages up to this full number."""
        inbound = self._inbound[peer]
        inbound.applied = max(inbound.applied, number)
        self.applied[inbound.row] = max(int(self.applied[inbound.row]), number)

    def _begin(self, row: int, peer: int, now: float) -> None:
        self.peer[row], self.active[row] = peer, True
        self.served[row] = self.looked[row] = LONG_AGO
        self.sent_s[row] = now
        self.acked_s[row] = now
        self.burst[row] = 1.0
