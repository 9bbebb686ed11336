"""What the entities of a room need of the session that they live in.

Pure core: an interface.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from soiree.client.placement import Held
from soiree.wire import messages as m
from soiree.wire.quantise import Vec3
from soiree.wire.state import Slot

if TYPE_CHECKING:
    from soiree.client.replica import Replica


class Hub(Protocol):
    """What an entity needs of the session that it lives in."""

    @property
    def peer_id(self) -> int:
        """Our own peer id."""

    @property
    def entities(self) -> Mapping[int, "Replica"]:
        """All that we know of."""

    async def command(self, message_type: type[m.Message], *fields: Any) -> m.Message:
        """Send a command; returns the relay's answer to it. Raises RefusedError and RoomClosedError."""

    def write(self, write: "Write") -> None:
        """Replicate a slot that we, its owner, are about to set."""

    def time(self) -> float:
        """Now, monotonic s."""

    def relay_s(self, now: float) -> float:
        """The relay's clock at `now` as estimated here: its 60 Hz tick and the share of the next one, in seconds."""


class Write(NamedTuple):
    """A slot of an entity that its owner sets."""

    entity: "Replica"
    slot: Slot
    held: Held
    resting: bool
    """It came to rest, so more than one frame will say so."""
    teleport: bool
    place: Vec3 | None
    """Where in the world that is, metres, if the slot says so."""
