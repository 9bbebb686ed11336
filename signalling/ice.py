"""Which STUN and TURN servers a peer is told of."""

from typing import Protocol

from signalling.config import HomeConfig
from soiree.rtc.engine import IceServer


class IceServers(Protocol):
    """Gives the servers for one peer: a TURN server's credentials are minted for each, and lapse."""

    def __call__(self, *, room_id: str, peer_id: int) -> tuple[IceServer, ...]: ...


def configured_ice_servers(config: HomeConfig) -> IceServers:
    """The same servers for everybody, as configured."""

    def give(*, room_id: str, peer_id: int) -> tuple[IceServer, ...]:  # noqa: ARG001 (others look at them)
        return config.ice_servers

    return give
