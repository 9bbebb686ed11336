"""Pure core: the compiled inner loops of a room, where there are any: `relay/core`, in C, in place of NumPy code that does the same.

Set-up compiles them where it finds a C compiler and Python's headers; without them all works as well, at a multiple of the CPU.
The functions are called, when `core` is not None, by the code that they stand for, which stays the reference.
"""

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from relay.core_sources import source_hash
from relay.table import Octets

if TYPE_CHECKING:
    from relay.audience import Audience
    from relay.budget import Budgets
    from relay.flight import Flight
    from relay.pairs import Pairs
    from relay.world import World


class Core(Protocol):
    """What is compiled. A wrong type raises TypeError, a table without a column AttributeError. Nothing is raised for what a peer sent."""

    SOURCE_HASH: str
    CONSTANTS: dict[str, Any]
    """The numbers that it was compiled with, by name."""

    def ingest(
        self,
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        flight: "Flight",
        budgets: "Budgets",
        frames: Sequence[tuple[int, bytes]],
        tick: int,
        now: float,
        max_speed_m_s: float,
    ) -> tuple[list[int], int, dict[int, int], dict[int, int] | None, list[int] | None, int, bool]:
        """As `Replication.ingest`; of many records of a cell none is stale only for their number.

        Returns:
            Records (and whole frames) by Drop. Frames of those without a connection. Peer → control number newly applied. Peer → unsound
            frames, None without any. Rows whose acknowledgements came, None where no frames are withdrawn. Slots heard, as bits. Whether
            anything in the world is new: then its version is `world.changes` + 1.
        """

    def advance(self, budgets: "Budgets", now: float, passed_s: float, adapt_s: float, share: float) -> None:
        """As `Budgets.advance`; rates follow when `adapt_s` is not 0."""

    def pack(
        self,
        world: "World",
        pairs: "Pairs",
        audience: "Audience",
        flight: "Flight",
        budgets: "Budgets",
        tick: int,
        now: float,
        every: int,
        turns: list[int],
        applied: Mapping[int, int],
        rotations: Octets,
    ) -> list[tuple[int, bytes]]:
        """As `Replication.pack`, once budgets have advanced.

        Args:
            every, turns: as `Serving.every`, `Serving.turns`. applied: what we have applied of each peer's control stream, by peer.
            rotations: `far.ROTATIONS`.
        """


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
