"""Pure core: the clients of a room as parallel arrays: what they applied, whence they look, when they were served, what they sent."""

from typing import Final

import numpy as np

from relay.table import Ints, Table
from soiree.wire.limits import STATE_FRAMES_BURST, STATE_FRAMES_PER_S

MAX_CLIENTS: Final = 1024
LONG_AGO: Final = -(2**40)
_OF_THE_CLIENT: Final = ("active", "burst", "rtt_s", "view_entity", "view", "radius_m", "frames", "frames_s", "heard_s")
"""Columns that outlast a fresh hello."""


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
        newest: unwrapped number of its newest frame, −1 before the first. first: that its frame 0 has. frames: float64, how many it may
        still send at once, as of frames_s. heard_s: float64, when its last frame came, of whatever kind; 0 before the first.
        row_of: peer → row. frames_per_s, frames_burst: float, what each may send.
    """

    def __init__(
        self,
        bound: int = MAX_CLIENTS,
        frames_per_s: float = STATE_FRAMES_PER_S,
        frames_burst: float = STATE_FRAMES_BURST,
    ) -> None:
        super().__init__(bound)
        self.frames_per_s = frames_per_s
        self.frames_burst = frames_burst
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
        self.newest: Ints = self._column("newest", np.int64)
        self.first: Ints = self._column("first", np.int64)
        self.frames = self._column("frames", np.float64)
        self.frames_s = self._column("frames_s", np.float64)
        self.heard_s = self._column("heard_s", np.float64)
        self.row_of: dict[int, int] = {}

    def __contains__(self, peer: int) -> bool:
        return peer in self.row_of

    def row(self, peer: int) -> int:
        """Raises KeyError for one who is not here."""
        return self.row_of[peer]

    def join(self, peer: int, now: float) -> int:
        """Returns its row.

        Raises:
            TableFullError: MAX_CLIENTS are here.
        """
        if peer in self.row_of:
            raise ValueError(f"peer {peer} is here already")
        row = self._allocate()
        self.row_of[peer] = row
        self._begin(row, peer, now)
        self.frames[row], self.frames_s[row] = self.frames_burst, now
        return row

    def leave(self, peer: int) -> int:
        """Returns the row that it had."""
        row = self.row_of.pop(peer)
        self._release(row)
        return row

    def reset(self, peer: int) -> None:
        """Numbers begin again in both directions; its later frames still count as newer than all before."""
        row = self.row_of[peer]
        first = ((int(self.newest[row]) >> 16) + 2) << 16
        kept = {name: getattr(self, name)[row].copy() for name in _OF_THE_CLIENT}
        sent_s = float(self.sent_s[row])
        self._clear(row)
        self._begin(row, peer, sent_s)
        self.first[row] = first
        for name, value in kept.items():
            getattr(self, name)[row] = value

    def on_applied(self, peer: int, number: int) -> None:
        """The peer has applied our control messages up to this full number."""
        row = self.row_of[peer]
        self.applied[row] = max(int(self.applied[row]), number)

    def _begin(self, row: int, peer: int, now: float) -> None:
        self.peer[row], self.active[row], self.newest[row] = peer, True, -1
        self.served[row] = self.looked[row] = LONG_AGO
        self.sent_s[row] = now
        self.acked_s[row] = now
        self.burst[row] = 1.0
