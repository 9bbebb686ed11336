"""Which STUN and TURN servers a peer is told of.

Credentials of a TURN server are made for each peer and lapse after minutes.

Pure core.
"""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from signalling.config import HomeConfig
from soiree.rtc.engine import IceServer
from soiree.turn_credentials import time_limited


class IceServers(Protocol):
    """Gives the servers for one peer: a TURN server's credentials are minted for each, and lapse."""

    def __call__(self, *, peer_id: int, base_url: str, now: float) -> tuple[IceServer, ...]:
        """`base_url` is this server's address as the peer knows it, `now` Unix time in seconds."""


TurnUrls = Callable[[str], tuple[str, ...]]
"""Host name under which a peer knows this server → the URLs of the TURN server to tell it of."""


def configured_ice_servers(config: HomeConfig, beside: TurnUrls | None = None, secret: str | None = None) -> IceServers:
    """The servers of the configuration.

    Args:
        config: its fixed servers for everybody, and its TURN server with credentials for each.
        beside: a TURN server in this process, told of where the configuration names none.
        secret: that server's.
    """

    def give(*, peer_id: int, base_url: str, now: float) -> tuple[IceServer, ...]:
        urls, shared = config.turn_urls, config.turn_secret
        if not urls and beside is not None:
            urls, shared = beside(urlsplit(base_url).hostname or ""), secret
        if not urls or shared is None:
            return config.ice_servers
        username, credential = time_limited(shared, str(peer_id), int(now + config.turn_life_s))
        return (*config.ice_servers, IceServer(urls, username, credential))

    return give
