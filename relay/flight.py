"""Pure core: frames on their way to clients, and what their acknowledgements say: which versions arrived, after how long, what was lost."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.table import Floats, Ints, Table
from soiree.wire.acks import SEQ_MASK, WINDOW

RING: Final = 256
"""Frames of a client that are remembered; older ones count as of unknown fate."""
REORDER: Final = 3
"""A frame is lost when so many later ones have arrived and its retransmission time is over."""
_IN_FLIGHT, _LOST = 1, 2
_BACK = np.arange(WINDOW + 1)
_LOOK_BACK = np.arange(1, WINDOW + 1)


@dataclass(frozen=True, slots=True)
class Fates:
    """What a batch of acknowledgements told."""

    cells: Ints
    """Flat indices (pair · SLOTS + slot) of records that arrived; repeated ones are possible."""
    versions: Ints
    """Version of each."""
    delay_clients: Ints
    """Clients whose newest received frame became known."""
    delays_s: Floats
    """From its sending to its acknowledgement, for each of them."""
    gaps_s: Floats
    """How long after it the next frame went to them, or until now: by so much the delay may be too long."""
    arrived: Ints
    """(clients,) frames newly acknowledged."""
    lost: Ints
    """(clients,) frames newly given up."""


class Flight(Table):
    """Sent frames of all clients; rows are those of the audience.

    Attributes:
        seq: (rows, RING) unwrapped number. sent_s: (rows, RING). state: (rows, RING). top: (rows,) newest acknowledged number, −1 for none.
    """

    def __init__(self, bound: int) -> None:
        super().__init__(bound)
        self.seq: Ints = self._column("seq", np.int64, RING)
        self.sent_s = self._column("sent_s", np.float64, RING)
        self.state = self._column("state", np.uint8, RING)
        self.top: Ints = self._column("top", np.int64)
        self._records: dict[int, Ints] = {}
        """Place (row · RING + seq % RING) → (2, records): cells and versions."""

    def __len__(self) -> int:
        """Frames whose records are remembered."""
        return len(self._records)

    def open(self, row: int) -> None:
        """Begin with nothing sent."""
        self._reach(row)
        self._clear(row)
        self.top[row] = -1
        for place in range(row * RING, (row + 1) * RING):
            self._records.pop(place, None)

    def depart(self, rows: Ints, seqs: Ints, now: float, counts: Ints, cells: Ints, versions: Ints) -> None:
        """Frames go out.

        Args:
            rows, seqs, counts: (frames,) whose, its number, how many records are in it.
            cells, versions: of all these records, one frame after another.
        """
        at = seqs % RING
        self.seq[rows, at], self.sent_s[rows, at], self.state[rows, at] = seqs, now, _IN_FLIGHT
        ends = np.cumsum(counts)
        records = np.stack([cells, versions])
        spans = zip((rows * RING + at).tolist(), (ends - counts).tolist(), ends.tolist(), strict=True)
        for place, begin, end in spans:
            # A copy, so that one frame that is never acknowledged does not keep all others of its tick.
            self._records[place] = records[:, begin:end].copy()

    def withdraw(self, row: int, seq: int) -> tuple[Ints, Ints] | None:
        """The frame did not go out after all: its records, None if it is no longer remembered."""
        at = seq % RING
        if self.seq[row, at] != seq or self.state[row, at] != _IN_FLIGHT:
            return None
        self.state[row, at] = 0
        found = self._records.pop(row * RING + at, None)
        return None if found is None else (found[0], found[1])

    def unacked(self, rows: Ints) -> Ints:
        """(len(rows),) frames sent after the newest acknowledged one."""
        waiting = (self.state[rows] == _IN_FLIGHT) & (self.seq[rows] > self.top[rows, None])
        return np.asarray(waiting.sum(1), np.int64)

    def acknowledge(
        self, rows: Ints, next_seq: Ints, ack_seq: Ints, ack_mask: Ints, rto_s: Floats, now: float, clients: int
    ) -> Fates:
        """Take in acknowledgements as headers carry them, one for each received frame; all arguments of shape (frames,), rto_s by client.

        Acknowledgements of what was never sent, or too long ago, are passed over.
        """
        rows, ack_seq, ack_mask = _once(rows, ack_seq, ack_mask)
        back = (next_seq[rows] - 1 - ack_seq) & SEQ_MASK
        newest = next_seq[rows] - 1 - back
        known = (back < RING) & (newest >= 0)
        rows, newest, ack_mask = rows[known], newest[known], ack_mask[known]
        seqs = newest[:, None] - _BACK
        at = rows[:, None] * RING + seqs % RING
        # The newest itself, then what the mask tells.
        said = ((ack_mask << 1 | 1)[:, None] >> _BACK & 1).astype(np.bool_)
        hit = said & (self.state.reshape(-1)[at] > 0)
        hit[hit] = self.seq.reshape(-1)[at[hit]] == seqs[hit]
        delays = self._delays(rows, newest, hit[:, 0], now)
        places = np.unique(at[hit])
        arrived = np.bincount(places // RING, minlength=clients)
        self.state.reshape(-1)[places] = 0
        np.maximum.at(self.top, rows, newest)
        lost = self._give_up(np.flatnonzero(np.bincount(rows)), rto_s, now, clients)
        records = [found for place in places.tolist() if (found := self._records.pop(place, None)) is not None]
        cells, versions = np.concatenate(records, axis=1) if records else np.zeros((2, 0), np.int64)
        return Fates(cells, versions, *delays, arrived, lost)

    def _delays(
        self, rows: Ints, newest: Ints, hit: "np.typing.NDArray[np.bool_]", now: float
    ) -> tuple[Ints, Floats, Floats]:
        """Of newest received frames that were not known to have arrived: (clients, delays, gaps to their next frames)."""
        fresh = hit & (newest > self.top[rows])
        rows, newest = rows[fresh], newest[fresh]
        at, after = newest % RING, (newest + 1) % RING
        sent = self.sent_s[rows, at]
        followed = self.seq[rows, after] == newest + 1
        gaps = np.where(followed, self.sent_s[rows, after], now) - sent
        return rows, now - sent, gaps

    def _give_up(self, rows: Ints, rto_s: Floats, now: float, clients: int) -> Ints:
        """Count frames as lost that later ones overtook long ago."""
        seqs = self.top[rows, None] - _LOOK_BACK[REORDER - 1 :]
        at = rows[:, None] * RING + seqs % RING
        which, back = np.nonzero(self.state.reshape(-1)[at] == _IN_FLIGHT)
        who, at, seqs = rows[which], at[which, back], seqs[which, back]
        late = now - self.sent_s.reshape(-1)[at] > rto_s[who]
        lost = late & (self.seq.reshape(-1)[at] == seqs)
        self.state.reshape(-1)[at[lost]] = _LOST
        return np.bincount(who[lost], minlength=clients)


def _once(rows: Ints, ack_seq: Ints, ack_mask: Ints) -> tuple[Ints, Ints, Ints]:
    """The same without those that only repeat the one before: all that a client sends in a tick acknowledges the same."""
    says = np.stack([rows, ack_seq, ack_mask])
    anew = np.ones(len(rows), np.bool_)
    anew[1:] = (says[:, 1:] != says[:, :-1]).any(0)
    rows, ack_seq, ack_mask = says[:, anew]
    return rows, ack_seq, ack_mask
