"""Pure core: frames on their way to clients, and what their acknowledgements say: which versions arrived, after how long, what was lost."""

from collections.abc import Iterable
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
        seq: (rows, RING) unwrapped number. sent_s: (rows, RING). state: (rows, RING). Of each row: top: newest acknowledged number, −1
        for none; last: newest sent one; waiting: frames sent after top; oldest: all frames before it are acknowledged, or long gone.
    """

    def __init__(self, bound: int) -> None:
        super().__init__(bound)
        self.seq: Ints = self._column("seq", np.int64, RING)
        self.sent_s = self._column("sent_s", np.float64, RING)
        self.state = self._column("state", np.uint8, RING)
        self.top: Ints = self._column("top", np.int64)
        self.last: Ints = self._column("last", np.int64)
        self.waiting: Ints = self._column("waiting", np.int64)
        self.oldest: Ints = self._column("oldest", np.int64)
        self.records: dict[int, bytes] = {}
        """Place (row · RING + seq % RING) → cells of the records in the frame, then their versions."""
        self.withdrawn: dict[int, set[int]] = {}
        """Row → numbers after top that were withdrawn, for rows that have any."""

    def __len__(self) -> int:
        """Frames whose records are remembered."""
        return len(self.records)

    def open(self, row: int) -> None:
        """Begin with nothing sent."""
        self._reach(row)
        self._clear(row)
        self.top[row] = self.last[row] = -1
        self.withdrawn.pop(row, None)
        for place in range(row * RING, (row + 1) * RING):
            self.records.pop(place, None)

    def depart(self, rows: Ints, seqs: Ints, now: float, counts: Ints, cells: Ints, versions: Ints) -> None:
        """Frames go out.

        Args:
            rows, seqs, counts: (frames,) whose, its number, how many records are in it.
            cells, versions: of all these records, one frame after another.
        """
        places = rows * RING + seqs % RING
        seq, sent_s, state = self._flat()
        seq[places], sent_s[places], state[places] = seqs, now, _IN_FLIGHT
        np.maximum.at(self.last, rows, seqs)
        np.add.at(self.waiting, rows, 1)
        ends = np.cumsum(counts)
        records = np.stack([cells, versions])
        spans = zip(places.tolist(), (ends - counts).tolist(), ends.tolist(), strict=True)
        for place, begin, end in spans:
            self.records[place] = records[:, begin:end].tobytes()

    def withdraw(self, row: int, seq: int) -> tuple[Ints, Ints] | None:
        """The frame did not go out after all: its records, None if it is no longer remembered."""
        at = seq % RING
        if self.seq[row, at] != seq or self.state[row, at] != _IN_FLIGHT:
            return None
        self.state[row, at] = 0
        if seq > self.top[row]:
            self.waiting[row] -= 1
            self.withdrawn.setdefault(row, set()).add(seq)
        found = self.records.pop(row * RING + at, None)
        return None if found is None else _told(found)

    def unacked(self, rows: Ints) -> Ints:
        """(len(rows),) frames sent after the newest acknowledged one."""
        return np.asarray(self.waiting[rows], np.int64)

    def _flat(self) -> tuple[Ints, Floats, "np.typing.NDArray[np.uint8]"]:
        """seq, sent_s and state by place."""
        return self.seq.reshape(-1), self.sent_s.reshape(-1), self.state.reshape(-1)

    def acknowledge(
        self,
        rows: Ints,
        next_seq: Ints,
        ack_seq: Ints,
        ack_mask: Ints,
        rto_s: Floats,
        now: float,
        clients: int,
        acked: Ints,
    ) -> Fates:
        """Take in acknowledgements as headers carry them, one for each received frame.

        Those of what was never sent, or too long ago, are passed over.

        Args:
            rows, ack_seq, ack_mask: (frames,)
            next_seq, rto_s: by row. clients: rows are below it.
            acked: by cell, the version that has arrived; raised to those that have now.
        """
        rows, ack_seq, ack_mask = _once(rows, ack_seq, ack_mask)
        back = (next_seq[rows] - 1 - ack_seq) & SEQ_MASK
        newest = next_seq[rows] - 1 - back
        known = (back < RING) & (newest >= 0)
        if not known.all():
            rows, newest, ack_mask = rows[known], newest[known], ack_mask[known]
        # The newest itself, then what the mask tells, as far back as anything is open.
        back = _BACK[: max(0, min(WINDOW, int((newest - self.oldest[rows]).max(initial=0)))) + 1]
        seqs = newest[:, None] - back
        at = rows[:, None] * RING + seqs % RING
        seq, _, state = self._flat()
        sent = (state[at] > 0) & (seq[at] == seqs)
        hit = sent & ((ack_mask << 1 | 1)[:, None] >> back & 1).astype(np.bool_)
        delays = self._delays(rows, newest, hit[:, 0], now)
        places, who = at[hit], np.flatnonzero(np.bincount(rows))
        if len(who) < len(rows):
            places = np.unique(places)
        arrived = np.bincount(places // RING, minlength=clients)
        state[places] = 0
        self._advance(
            rows, newest, np.where(sent & ~hit, seqs, newest[:, None] + 1).min(1, initial=np.iinfo(np.int64).max)
        )
        lost = self._give_up(who, rto_s, now, clients)
        cells, versions = _told(
            *(found for place in places.tolist() if (found := self.records.pop(place, None)) is not None)
        )
        np.maximum.at(acked.reshape(-1), cells, versions)
        return Fates(*delays, arrived, lost)

    def _advance(self, rows: Ints, newest: Ints, oldest: Ints) -> None:
        """Acknowledgements have come up to `newest`, of all before `oldest`; rows may repeat."""
        np.maximum.at(self.top, rows, newest)
        np.maximum.at(self.oldest, rows, oldest)
        self.waiting[rows] = self.last[rows] - self.top[rows]
        self.recount(rows.tolist())

    def recount(self, rows: Iterable[int]) -> None:
        """Acknowledgements of these have come: frames that were withdrawn wait for nothing."""
        for row in self.withdrawn.keys() & set(rows) if self.withdrawn else ():
            after = {seq for seq in self.withdrawn.pop(row) if seq > self.top[row]}
            self.waiting[row] -= len(after)
            if after:
                self.withdrawn[row] = after

    def _delays(
        self, rows: Ints, newest: Ints, hit: "np.typing.NDArray[np.bool_]", now: float
    ) -> tuple[Ints, Floats, Floats]:
        """Of newest received frames that were not known to have arrived: (clients, delays, gaps to their next frames)."""
        fresh = hit & (newest > self.top[rows])
        if not fresh.all():
            rows, newest = rows[fresh], newest[fresh]
        seq, sent_s, _ = self._flat()
        sent, after = sent_s[rows * RING + newest % RING], rows * RING + (newest + 1) % RING
        gaps = np.where(seq[after] == newest + 1, sent_s[after], now) - sent
        return rows, now - sent, gaps

    def _give_up(self, rows: Ints, rto_s: Floats, now: float, clients: int) -> Ints:
        """Count frames as lost that later ones overtook long ago."""
        rows = rows[self.oldest[rows] <= self.top[rows] - REORDER]
        if not len(rows):
            return np.zeros(clients, np.int64)
        seqs = self.top[rows, None] - _LOOK_BACK[REORDER - 1 :]
        at = rows[:, None] * RING + seqs % RING
        seq, sent_s, state = self._flat()
        which, back = np.nonzero(state[at] == _IN_FLIGHT)
        who, at, seqs = rows[which], at[which, back], seqs[which, back]
        late = now - sent_s[at] > rto_s[who]
        lost = late & (seq[at] == seqs)
        state[at[lost]] = _LOST
        return np.bincount(who[lost], minlength=clients)


def _told(*records: bytes) -> tuple[Ints, Ints]:
    """(cells, versions) of some frames."""
    counts = np.fromiter(map(len, records), np.int64, len(records)) // (2 * np.dtype(np.int64).itemsize)
    both = np.frombuffer(b"".join(records), np.int64)
    # Of each frame come all cells, then all versions.
    at = np.arange(len(both) // 2) + np.repeat(np.cumsum(counts) - counts, counts)
    return both.take(at), both.take(at + np.repeat(counts, counts))


def _once(rows: Ints, ack_seq: Ints, ack_mask: Ints) -> tuple[Ints, Ints, Ints]:
    """The same without those that only repeat the one before: all that a client sends in a tick acknowledges the same."""
    says = np.stack([rows, ack_seq, ack_mask])
    anew = np.ones(len(rows), np.bool_)
    anew[1:] = (says[:, 1:] != says[:, :-1]).any(0)
    rows, ack_seq, ack_mask = says[:, anew]
    return rows, ack_seq, ack_mask
