"""Which STUN and TURN servers a peer is told of.

Credentials of a TURN server are made for each peer and lapse after minutes, in the form that coturn calls `use-auth-secret`
(draft-uberti-behave-turn-rest): the server keeps no list of users, it shares a secret with us.

Pure core.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from signalling.config import HomeConfig
from soiree.rtc.engine import IceServer


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


def time_limited(secret: str, name: str, expires_unix: int) -> tuple[str, str]:
    """User name and password that a TURN server with this secret takes until `expires_unix`."""
    username = f"{expires_unix}:{name}"
    mac = hmac.new(secret.encode(), username.encode(), hashlib.sha1)
    return username, base64.b64encode(mac.digest()).decode()
