"""Pure core: messages of one session that go together, as one group (docs/PROTOCOL.md 4.1)."""

from typing import Final

import msgspec

from relay.session import Session
from soiree.wire.limits import MAX_CONTROL_BYTES, MAX_GROUP_MESSAGES
from soiree.wire.messages import Group

_HEAD_BYTES: Final = 12
"""What a group costs beyond its messages, at most."""
ROOM_BYTES: Final = MAX_CONTROL_BYTES - _HEAD_BYTES


class Bundle:
    """What gathers for one session.

    Attributes:
        size: bytes of the messages so far.
    """

    __slots__ = ("_messages", "session", "size")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.size = 0
        self._messages: list[bytes] = []

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def number(self) -> int:
        """The number that the group will have: nothing else may be sent to the session meanwhile."""
        return self.session.outbox.last + 1

    def has_room(self, size: int, count: int = 1) -> bool:
        """Whether `count` messages of `size` bytes in all still fit."""
        return self.size + size <= ROOM_BYTES and len(self) + count <= MAX_GROUP_MESSAGES

    def add(self, message: bytes) -> None:
        """Take in a message, encoded with number 0."""
        self._messages.append(message)
        self.size += len(message)

    def close(self) -> bytes:
        """Number and keep the group; returns its bytes. Raises BacklogError."""
        return self.session.outbox.push(Group, [msgspec.Raw(message) for message in self._messages])
