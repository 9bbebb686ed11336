"""Pure core: what one subscriber of the list of rooms is still to be told."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from signalling.directory import DirectoryEvent, RoomGone
from signalling.limits import FEED_EVENTS


@dataclass(slots=True)
class Feed:
    """Events that wait for one subscriber: at most one for each room, and never more than `FEED_EVENTS`.

    A subscriber who falls behind further than that is told the whole list again, as at the beginning.
    """

    whole: bool = True
    """Whether the whole list is due."""
    _waiting: dict[str, DirectoryEvent] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._waiting)

    def __bool__(self) -> bool:
        return self.whole or bool(self._waiting)

    def add(self, events: Iterable[DirectoryEvent]) -> None:
        """Take what happened; the newest of a room replaces what waited of it."""
        for event in events:
            if self.whole:
                return
            if event.room_id not in self._waiting and len(self._waiting) >= FEED_EVENTS:
                self.whole = True
                self._waiting.clear()
                return
            self._waiting[event.room_id] = event

    def take(self) -> tuple[bool, list[DirectoryEvent]]:
        """What to send now: whether the whole list, else the events; rooms that are gone first."""
        whole, self.whole = self.whole, False
        events, self._waiting = list(self._waiting.values()), {}
        return whole, sorted(events, key=lambda event: not isinstance(event, RoomGone))
