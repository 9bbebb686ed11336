"""Pure core: the bounds of the homeserver, by name. Those that a host may want otherwise are settings (`signalling.config`).

Names, kinds and reasons in the protocol have their bounds in `soiree.wire.limits`.
"""

from typing import Final

MAX_BODY_BYTES: Final = 64 * 1024
"""Of a REST request; past it 413 `too-large`."""
MAX_OFFER_CHARS: Final = 32 * 1024
"""Of an SDP offer; Chromium's with data channels alone have some 1500."""
MAX_PASSWORD_CHARS: Final = 128
CAPACITY_LIMIT: Final = 1000
"""No setting allows rooms for more peers than this."""
DEFAULT_CAPACITY: Final = 16
DEFAULT_MAX_SPEED_M_S: Final = 100.0
MAX_SPEED_LIMIT_M_S: Final = 10_000.0

MAX_ADDRESSES: Final = 10_000
"""Client addresses remembered by one rate limiter; past it the one longest silent is forgotten."""
MAX_PASSWORD_CHECKS: Final = 8
"""Passwords hashed or waiting to be, at a time (16 MiB and some 40 ms of a core each); past it 503 `busy`."""
PASSWORD_TRIES_PER_MINUTE: Final = 10
"""Of one address at one room; past it 429 `rate`."""

FEED_EVENTS: Final = 64
"""Events that wait for one subscriber of the list of rooms; past it they are dropped, and the whole list is sent again."""
FEED_WRITE_TIMEOUT_S: Final = 10.0
"""A subscriber that takes nothing for so long is let go; its browser comes back by itself."""
FEED_KEEP_ALIVE_S: Final = 15.0
"""A comment line goes out after so long without an event, so that no proxy ends the stream."""

MAX_SIGNAL_BYTES: Final = 48 * 1024
"""Of one message on the signalling WebSocket; past it the socket is closed `oversized`."""
SIGNAL_RATE_PER_S: Final = 20.0
"""Messages of one signalling socket; past it, and the burst, it is closed `rate`."""
SIGNAL_BURST: Final = 100
MAX_CANDIDATES: Final = 64
"""Candidates that a client may send for one connection; past it the socket is closed `rate`."""
MAX_CANDIDATE_CHARS: Final = 1024
MAX_MID_CHARS: Final = 16
MAX_OFFERS: Final = 100
"""Offers on one signalling socket, ICE restarts that is; past it the socket is closed `rate`."""
SIGNAL_OUTBOX: Final = 128
"""Messages that wait for one signalling socket; past it the socket is closed `rate`."""
FIRST_OFFER_TIMEOUT_S: Final = 10.0
"""A signalling socket that has made no offer by then is closed `timeout`."""
SIGNAL_HEARTBEAT_S: Final = 30.0
"""WebSocket pings to find sockets whose client is gone without a word."""
EARLY_CONNECTIONS: Final = 64
"""Connections that may have local candidates kept while their answer is still on its way."""
EARLY_CANDIDATES: Final = 32
"""Local candidates kept for each of them."""
