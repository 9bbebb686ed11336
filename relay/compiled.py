"""Pure core: the compiled inner loops of a room, where there are any: `relay/core`, in C, in place of NumPy code that does the same.

Set-up compiles them where it finds a C compiler and Python's headers; without them all works as well, at a multiple of the CPU.
The functions are called, when `core` is not None, by the code that they stand for, which stays the reference.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from relay.core_sources import source_hash
from relay.table import Bools, Floats, Ints, Octets

if TYPE_CHECKING:
    from relay.arrivals import Arrivals, Received
    from relay.audience import Audience
    from relay.budget import Budgets
    from relay.flight import Flight
    from relay.framing import Layout
    from relay.pairs import Pairs
    from relay.world import World


class Core(Protocol):
    """What is compiled. Arrays that are filled in come last; what is returned are counts, of what was filled in unless said.

    Arrays are contiguous; a wrong type raises TypeError or BufferError. Nothing is raised for what a peer sent.
    """

    SOURCE_HASH: str
    CONSTANTS: dict[str, Any]
    """The numbers that it was compiled with, by name."""

    def receive(
        self, audience: "Audience", frames: Sequence[tuple[int, bytes]], now: float
    ) -> tuple[tuple[bytes, bytes, bytes], bytes, bytes, dict[int, int], dict[int, int] | None, int, int]:
        """As `Reception.receive`.

        Returns:
            data, at and sound of the arrivals; their (4, sections) frame, kind, count, first; (4, frames) frame, client, seq, applied of
            what is sound and new; all int64 as bytes, but data and sound. Peer → control number newly applied. Peer → malformed frames,
            None without any. Stale frames; frames over their rate.
        """

    def absorb(
        self,
        world: "World",
        audience: "Audience",
        arrivals: "Arrivals",
        received: "Received",
        tick: int,
        max_speed_m_s: float,
    ) -> tuple[list[int], int, int]:
        """As `ingest.read` and `acceptance.accept`: (records by Drop, slots heard as bits, 1 if anything is new).

        What is new has version `world.changes` + 1. Of many records of a cell none is stale only for their number.
        """

    def acknowledge(
        self,
        flight: "Flight",
        next_seq: Ints,
        acked: Ints,
        rows: Ints,
        ack_seq: Ints,
        ack_mask: Ints,
        rto_s: Floats,
        now: float,
        arrived: Ints,
        lost: Ints,
        delay_clients: Ints,
        delays_s: Floats,
        gaps_s: Floats,
    ) -> int:
        """As `Flight.acknowledge`; adds to `arrived` and `lost` (clients,), returns how many delays there are."""

    def note_fates(
        self, budgets: "Budgets", rows: Ints, delays_s: Floats, gaps_s: Floats, arrived: Ints, lost: Ints
    ) -> None:
        """As `Budgets.note`."""

    def advance(self, budgets: "Budgets", now: float, passed_s: float, adapt_s: float, share: float) -> None:
        """As `Budgets.advance`; rates follow when `adapt_s` is not 0."""

    def stir(self, world: "World", pairs: "Pairs") -> int:
        """As `Pairs.stir`; returns how many pairs are unsettled."""

    def lacking(
        self,
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        due: Bools,
        rto_ticks: Ints,
        tick: int,
        heard: int,
        pair: Ints,
        slot: Ints,
        client: Ints,
        row: Ints,
    ) -> int:
        """As `selection.lacking`, of pairs that are unsettled; `heard`: slots as bits."""

    def measure(
        self,
        world: "World",
        audience: "Audience",
        slot: Ints,
        client: Ints,
        row: Ints,
        kind: Ints,
        length: Ints,
        beyond: Ints,
    ) -> int:
        """Section and bytes of each record; which of them `framing._beyond` finds."""

    def rank(
        self,
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        pair: Ints,
        slot: Ints,
        client: Ints,
        row: Ints,
        length: Ints,
        allowance: Floats,
        frame_bytes: int,
        frame_cost: int,
        tick: int,
        chosen: Ints,
    ) -> int:
        """As `selection.urgency` and `selection.most_urgent`; `chosen`: the places of these records."""

    def deal(
        self,
        pair: Ints,
        slot: Ints,
        client: Ints,
        row: Ints,
        kind: Ints,
        length: Ints,
        group: Ints | None,
        groups: int,
        out: Ints,
        size: Ints,
        first: Ints,
    ) -> tuple[int, int]:
        """As the second half of `framing.arrange`: (records, frames).

        Args:
            group: of each record; None: 0 for all. groups: all are below it.
            out: (6, n) pair, slot, client, row, kind, length, in the order of frames.
            size, first: (n,) records and group of each frame.
        """

    def write(
        self,
        layout: "Layout",
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        far: Octets,
        tick: int,
        seq: Ints,
        applied: Ints,
    ) -> list[bytes]:
        """As `framing.write`; `far`: the FAR records in these frames, in their order. Returns the frames."""

    def depart(
        self,
        layout: "Layout",
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        flight: "Flight",
        budgets: "Budgets",
        far: Octets,
        tick: int,
        now: float,
        applied: Mapping[int, int],
    ) -> list[tuple[int, bytes]]:
        """As `Replication._depart`; `far`: as in `write`."""


def _load() -> tuple[Core | None, str]:
    try:
        found: Any = importlib.import_module("relay._core")
    except ImportError:
        return None, "it is not compiled"
    if source_hash() not in ("", found.SOURCE_HASH):
        return None, "it was compiled of other source"
    return cast(Core, found), ""


_compiled, why_not = _load()
"""`why_not`: why nothing is compiled, in words; empty when something is."""
core = _compiled
"""None where nothing is compiled or it is not wanted."""


def use(wanted: bool) -> bool:
    """Whether what is compiled is used from now on; returns whether it is."""
    global core
    core = _compiled if wanted else None
    return core is not None


def empty(count: int) -> Ints:
    """(count,) to be filled in."""
    return np.empty(count, np.int64)
