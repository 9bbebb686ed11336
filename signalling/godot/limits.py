"""Pure core: the bounds of lobbies. The names and values of the first five are those of the official servers."""

from typing import Final

NO_LOBBY_TIMEOUT_S: Final = 1.0
"""A socket that has joined no lobby by then is closed."""
SEAL_CLOSE_TIMEOUT_S: Final = 10.0
"""How long the sockets of a sealed lobby stay."""
PING_INTERVAL_S: Final = 10.0
MAX_PEERS: Final = 4096
"""Sockets in all lobbies together."""
MAX_LOBBIES: Final = 1024

MAX_PEERS_PER_ADDRESS: Final = 256
MAX_LOBBIES_PER_ADDRESS: Final = 64
"""Lobbies whose creator has this address, and that have not ended."""
MAX_PEERS_PER_LOBBY: Final = 256
MAX_PEERS_PER_BRIDGE: Final = 32
"""A bridge has a connection for each pair, at both ends."""
NAME_CHARS: Final = 16
"""Of the part of a lobby's name that is drawn."""
MAX_MESSAGE_CHARS: Final = 48 * 1024
"""Of one text frame: a session description with its candidates has a few thousand."""
MESSAGES_PER_S: Final = 100.0
MESSAGES_BURST: Final = 2000
"""A host negotiates with everybody at once: some thirty messages with each."""
OFFERS_PER_S: Final = 2.0
OFFERS_BURST: Final = 64
"""Connections that one socket has the relay begin; each costs it some ten milliseconds."""
LEFT_REMEMBERED: Final = 256
"""Peers that have left a lobby and whom others may still write to without being closed for it."""
OUTBOX: Final = 4096
"""Messages that wait for one socket."""
