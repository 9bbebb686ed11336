"""Pure core: a numbered control stream, so that each message is applied exactly once and in order whatever happens to the transport.

Docs/PROTOCOL.md section 3, "Numbers". The two halves are used by relay and clients alike: an `Outbox` for what one says, an `Inbox` for
what one hears.
"""

from collections import deque
from typing import Any

from soiree.wire import control
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_UNAPPLIED_BYTES, MAX_UNAPPLIED_MESSAGES
from soiree.wire.messages import Message


class BacklogError(Exception):
    """The other side has left more than MAX_UNAPPLIED_MESSAGES or MAX_UNAPPLIED_BYTES unapplied; the session must end."""


class GapError(WireError):
    """A number arrived that does not follow the last applied one: something was lost that cannot be lost."""


class Outbox:
    """Messages of one direction, kept until the other side has applied them.

    Attributes:
        last: number of the newest message, 0 before the first.
        applied: number up to which the other side has come.
        waiting_bytes: encoded size of all that is not applied.
    """

    __slots__ = ("_kept", "applied", "last", "waiting_bytes")

    def __init__(self) -> None:
        self.last = 0
        self.applied = 0
        self.waiting_bytes = 0
        self._kept: deque[bytes] = deque()

    def __len__(self) -> int:
        return len(self._kept)

    def push(self, message_type: type[Message], *fields: Any) -> bytes:
        """Number, encode and keep a message of `message_type` with the fields that follow `n`; returns its bytes.

        Raises:
            BacklogError: too much waits already; nothing was kept.
            WireError: the message is too long; nothing was kept.
        """
        data = control.encode(message_type(self.last + 1, *fields))
        if len(self._kept) >= MAX_UNAPPLIED_MESSAGES or self.waiting_bytes + len(data) > MAX_UNAPPLIED_BYTES:
            raise BacklogError(f"{len(self._kept)} messages, {self.waiting_bytes} bytes unapplied")
        self.last += 1
        self.waiting_bytes += len(data)
        self._kept.append(data)
        return data

    def on_applied(self, number: int) -> bool:
        """The other side has applied all up to `number`. False if that number was never sent; older numbers change nothing."""
        if number > self.last:
            return False
        while self.applied < number:
            self.waiting_bytes -= len(self._kept.popleft())
            self.applied += 1
        return True

    def on_applied_low(self, low: int) -> bool:
        """As `on_applied`, of a number modulo 2¹⁶ from a state frame's header.

        Late frames carry older numbers, so a distance past what was ever sent is taken for one that lies behind: then False.
        """
        ahead = (low - self.applied) & 0xFFFF
        return ahead <= self.last - self.applied and self.on_applied(self.applied + ahead)

    def replay(self) -> list[bytes]:
        """All messages that are not applied, oldest first, for a new connection."""
        return list(self._kept)


class Inbox:
    """The other direction: lets each number through once, in order.

    Attributes:
        applied: number of the last message let through.
    """

    __slots__ = ("applied",)

    def __init__(self) -> None:
        self.applied = 0

    def admit(self, number: int) -> bool:
        """True when `number` is next, and counts it applied; False when it is a repetition.

        Raises:
            GapError: it is neither.
        """
        if number == self.applied + 1:
            self.applied = number
            return True
        if 0 < number <= self.applied:
            return False
        raise GapError(f"control message {number} after {self.applied}", number)
