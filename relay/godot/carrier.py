"""Pure core: what carries the packets of one lobby: a hub or a bridge. One call is one change, then `drain`.

A *leg* is one connection with one game, named by the peer that it reaches and the peer that it stands for.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol


class LegId(NamedTuple):
    """Which connection."""

    peer: int
    """Whom it reaches."""
    other: int
    """Whom it stands for."""

    @property
    def counterpart(self) -> "LegId":
        """The leg at the other end of a bridge."""
        return LegId(self.other, self.peer)


@dataclass(frozen=True, slots=True)
class Send:
    """A packet for a leg."""

    leg: LegId
    stream: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class HangUp:
    """A leg is to be closed."""

    leg: LegId
    reason: str


Output = Send | HangUp


class Carrier(Protocol):
    """Decides what becomes of packets."""

    def opened(self, leg: LegId, now: float) -> None:
        """Its channels are open."""

    def heard(self, leg: LegId, stream: int, payload: bytes, now: float) -> bool:
        """A packet came; False when nothing could be made of it."""

    def closed(self, leg: LegId) -> None:
        """It is gone, or was closed before it ever opened."""

    def advance(self, now: float) -> None:
        """Time has passed."""

    def next_at(self) -> float | None:
        """When `advance` is due."""

    def drain(self) -> list[Output]:
        """What is to be done, in order."""
