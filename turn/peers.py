"""Which peers may be sent to (RFC 8656 section 21: a TURN server must not be a way into the network that it stands in).

Pure core.
"""

from collections.abc import Container, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from turn.values import Endpoint

Network = IPv4Network | IPv6Network
REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
        *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"),
        *(
            "::/128",
            "::1/128",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "2001::/32",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)
"""Unspecified, private, CGNAT, loopback, link-local, benchmarking, multicast, reserved; IPv6 that wraps such IPv4 (NAT64, 6to4, Teredo)."""
_COUNTED_HOSTS: Final = 4096
"""Verdicts that are remembered."""


class Peers:
    """Decides for each peer.

    Attributes:
        own: endpoints on this machine that may be sent to although their address may not.
    """

    def __init__(
        self, allowed: Sequence[Network] = (), ours: Sequence[str] = (), own: Container[Endpoint] = ()
    ) -> None:
        """Args: `allowed` networks that are opened; `ours` are this server's addresses, behind which other services may listen."""
        self.own = own
        self._allowed = tuple(allowed)
        self._ours = frozenset(map(ip_address, ours))
        self._known: dict[str, bool] = {}

    def may_reach(self, peer: Endpoint) -> bool:
        """Whether a client may send there."""
        if peer[1] == 0:
            return False
        open_to_all = self._known.get(peer[0])
        if open_to_all is None:
            if len(self._known) >= _COUNTED_HOSTS:
                self._known.clear()
            open_to_all = self._known[peer[0]] = self._is_open(peer[0])
        return open_to_all or peer in self.own

    def _is_open(self, host: str) -> bool:
        try:
            address: IPv4Address | IPv6Address = ip_address(host)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and (address.ipv4_mapped is not None or int(address) >> 32 == 0):
            return False  # an IPv4 address in disguise; its own form may be asked for
        if any(address in network for network in self._allowed):
            return True
        return address not in self._ours and not any(address in network for network in REFUSED)
