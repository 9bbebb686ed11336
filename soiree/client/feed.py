"""What one reader of `Room.changes()` has not read yet: bounded, and never silent about a loss.

Pure core: the driver waits; this only keeps.
"""

from collections import deque

from soiree.client.changes import Change, StateUpdated
from soiree.client.entity import Entity
from soiree.client.errors import SlowReaderError, SoireeError

MAX_UNREAD_CHANGES = 65536
"""Changes that may wait for a reader, of which an entity's state counts once."""


class Feed:
    """Changes in the order in which they happened; the state of an entity waits at most once, where it first changed.

    Attributes:
        state: whether the reader wants to hear of state at all.
        over: what ends the reading once all is read: an error, or True for the orderly end; False as long as more may come.
    """

    def __init__(self, bound: int = MAX_UNREAD_CHANGES, *, state: bool = True) -> None:
        self.state = state
        self.over: SoireeError | bool = False
        self._bound = bound
        self._unread: deque[Change] = deque()
        self._stale: set[Entity] = set()

    def __len__(self) -> int:
        return len(self._unread)

    def put(self, change: Change) -> None:
        """Keep a change for the reader; past the bound the reading ends, for this reader alone, with SlowReaderError."""
        if self.over is not False:
            return
        if len(self._unread) >= self._bound:
            self.over = SlowReaderError(self._bound)
            return
        self._unread.append(change)

    def put_state(self, entity: Entity) -> None:
        """The entity's state moved on."""
        if entity not in self._stale and self.over is False:
            self._stale.add(entity)
            self.put(StateUpdated(entity))

    def end(self, over: SoireeError | bool) -> None:
        """Nothing more will come."""
        if self.over is False:
            self.over = over

    def take(self) -> Change | None:
        """The oldest unread change, None if there is none."""
        if not self._unread:
            return None
        change = self._unread.popleft()
        if isinstance(change, StateUpdated):
            self._stale.discard(change.entity)
        return change
