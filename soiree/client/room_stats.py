"""Counters of a stay in a room.

Pure core: plain data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomStats:
    """Counters of a stay."""

    rung: str | None
    """Where on the ladder the connection stands, None while there is none."""
    engine: str | None
    """What carries it."""
    rtt_s: float
    connections: int
    """How many there were, the present one included."""
    frames_in: int
    records_in: int
    records_out: int
    packets_in: int
    packets_out: int
    bytes_in: int
    """Payloads of all connections, without any header."""
    bytes_out: int
    dropped_out: int
    """State frames that the transport would not take."""
    unacked_records: int
    """Records of ours that the relay does not have yet."""
