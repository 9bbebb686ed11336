"""Bounds and times of the TURN server, named as in RFC 8656 where it names them."""

from dataclasses import dataclass
from typing import Final

DEFAULT_LIFETIME_S: Final = 600
"""Section 3.2."""
MAX_LIFETIME_S: Final = 3600
"""Section 7.2."""
PERMISSION_LIFETIME_S: Final = 300
"""Section 9."""
CHANNEL_LIFETIME_S: Final = 600
"""Section 12."""
RESERVATION_LIFETIME_S: Final = 30
"""Section 7.2: of a port that EVEN-PORT kept."""
FIRST_CHANNEL: Final = 0x4000
LAST_CHANNEL: Final = 0x7FFF
"""Section 12 has clients take numbers up to 0x4FFF; RFC 5766, by which many still go (coturn's among them), up to this."""
MAX_PERMISSIONS: Final = 128
"""Of an allocation; past it 508."""
MAX_CHANNELS: Final = 128
"""Of an allocation; past it 508."""
MAX_RESERVATIONS: Final = 64
"""Ports kept for EVEN-PORT; past it 508."""
PORT_TRIES: Final = 64
"""Ports that are tried, at random, before an allocation is refused 508."""
MAX_STREAM_FRAME_BYTES: Final = 9216
"""Of a message or channel data over TCP: a jumbo frame. Past it the connection is closed."""
STREAM_DROP_BYTES: Final = 64 * 1024
"""Waiting for a TCP client: past it data is dropped."""
STREAM_CLOSE_BYTES: Final = 256 * 1024
"""Waiting for a TCP client: past it, as answers pile up too, the connection is closed."""
STREAM_IDLE_S: Final = 30.0
"""A TCP connection without an allocation is closed after this."""
READS_AT_ONCE: Final = 32
"""Datagrams of one socket that are read before the event loop gets its turn."""


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much there may be."""

    allocations: int = 2000
    """In all; past it 486."""
    allocations_per_user: int = 16
    allocations_per_address: int = 256
    """Of one client address, which may be a whole company's NAT."""
    connections: int = 4000
    """Over TCP and TLS."""
    connections_per_address: int = 512
    bytes_per_s: int = 1_000_000
    """Of data of an allocation, each way; what is more is dropped. 0: no limit."""
