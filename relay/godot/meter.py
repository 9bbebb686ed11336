"""Pure core: how much one peer of a lobby sends and gets, and how much it may send."""

from typing import Final

PACKETS_PER_S: Final = 4000.0
PACKETS_BURST: Final = 16_000.0
BYTES_PER_S: Final = 8.0 * 1024 * 1024
BYTES_BURST: Final = 32.0 * 1024 * 1024
"""A game of 30 peers that each synchronize ten nodes at 60 Hz to everybody stays well below."""


class Meter:
    """Counters and two token buckets."""

    __slots__ = ("_bytes", "_filled_at", "_packets", "bytes_in", "bytes_out", "dropped", "packets_in", "packets_out")

    def __init__(self, now: float) -> None:
        self.packets_in = 0
        self.bytes_in = 0
        self.packets_out = 0
        self.bytes_out = 0
        self.dropped = 0
        self._packets = PACKETS_BURST
        self._bytes = BYTES_BURST
        self._filled_at = now

    def take(self, size: int, now: float) -> bool:
        """Count a packet that came; False when that is one too many."""
        self.packets_in += 1
        self.bytes_in += size
        elapsed_s, self._filled_at = now - self._filled_at, now
        self._packets = min(PACKETS_BURST, self._packets + elapsed_s * PACKETS_PER_S)
        self._bytes = min(BYTES_BURST, self._bytes + elapsed_s * BYTES_PER_S)
        if self._packets < 1 or self._bytes < size:
            return False
        self._packets -= 1
        self._bytes -= size
        return True

    def gave(self, size: int) -> None:
        """Count a packet that was sent to it."""
        self.packets_out += 1
        self.bytes_out += size
