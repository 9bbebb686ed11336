"""A token bucket over the bytes of one allocation in one direction.

Pure core.
"""

from typing import Final

BURST_S: Final = 1.0
"""So much of the rate may be sent at once."""


class Bandwidth:
    """What may still pass."""

    def __init__(self, bytes_per_s: int, now: float) -> None:
        """Args: 0 for no limit; monotonic seconds."""
        self._rate = bytes_per_s
        self._left = bytes_per_s * BURST_S
        self._at = now

    def take(self, size: int, now: float) -> bool:
        """Whether so many bytes may pass now."""
        if not self._rate:
            return True
        self._left = min(self._rate * BURST_S, self._left + (now - self._at) * self._rate)
        self._at = now
        if size > self._left:
            return False
        self._left -= size
        return True
