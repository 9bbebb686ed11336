"""What a session wants done: bytes to be sent, answers to hand out, what became of it. Changes of the room are the rest (`changes`).

Pure core: plain data.
"""

from dataclasses import dataclass
from typing import NamedTuple

from soiree.client.changes import Change
from soiree.wire.messages import Message


class SendControl(NamedTuple):
    """Bytes for the control stream of the current connection."""

    payload: bytes


class SendState(NamedTuple):
    """Bytes for the state stream of the current connection."""

    payload: bytes


class Answered(NamedTuple):
    """The relay answered the command numbered `n`, or one more message of the group of that number."""

    n: int
    message: Message


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The session is live on the current connection."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The current connection cannot be trusted any more; another one can take over."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over."""

    reason: str
    words: str = ""


Output = SendControl | SendState | Answered | Welcomed | Broken | Ended | Change
