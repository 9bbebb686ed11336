"""The two addresses of a relayed port: where it is bound, and under which the world knows it.

Pure core.
"""

from collections.abc import Mapping

from turn.values import Endpoint, Family


class Homes:
    """Translates between them; they are the same where nothing else is configured."""

    def __init__(self, bound: Mapping[Family, str], external: Mapping[Family, str]) -> None:
        self._outside = {host: external.get(family, host) for family, host in bound.items()}
        self._inside = {outside: inside for inside, outside in self._outside.items()}

    @property
    def hosts(self) -> frozenset[str]:
        """All of these addresses."""
        return frozenset(self._inside) | frozenset(self._outside)

    def outside(self, relay: Endpoint) -> Endpoint:
        """As the world knows a relayed address."""
        return self._outside[relay[0]], relay[1]

    def inside(self, peer: Endpoint) -> Endpoint:
        """Where a peer is bound that is a relayed address of ours; any other as it is. Routers need not turn packets round."""
        return self._inside.get(peer[0], peer[0]), peer[1]
