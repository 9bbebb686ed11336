"""Addresses that a machine cannot see itself, told in its session descriptions.

Behind a router or in a cloud the address that others know is none of the machine's own, so it is put beside each of those, with the same
port: routers and clouds that forward a port are told to keep its number.

Pure core.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from soiree.rtc.sdp import endpoint_of

_HOST = re.compile(
    r"a=candidate:(?P<foundation>\S+) 1 (?P<transport>udp) (?P<priority>[0-9]+) (?P<address>\S+) (?P<port>[0-9]+) typ host.*",
    re.IGNORECASE,
)
_STEP = 1 << 8
"""Of the local preference (RFC 8445, section 5.1.2.1): below the address that it stands beside, which is shorter where it works."""
_SERVER_REFLEXIVE_PREFERENCE = 100
"""Type preference of a server reflexive candidate (RFC 8445, section 5.1.2.2)."""


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """An address of this machine in the eyes of others."""

    address: str
    """IPv4 or IPv6."""
    kind: Literal["host", "srflx"] = "host"
    """As which candidate it is told: `host` for one that somebody set up, `srflx` for one that a STUN server saw."""


def announce(sdp: str, public: Sequence[PublicAddress]) -> str:
    """The description with the public addresses beside each host candidate of their family; those that are there already once only."""
    known = {(endpoint.address, endpoint.port) for endpoint in map(endpoint_of, _candidates(sdp)) if endpoint}
    lines = []
    for line in sdp.splitlines():
        lines.append(line)
        host = _HOST.fullmatch(line)
        if host is None:
            continue
        for number, known_as in enumerate(public, start=1):
            address, port = ip_address(known_as.address), int(host["port"])
            same_family = address.version == (6 if ":" in host["address"] else 4)
            if same_family and (str(address), port) not in known:
                known.add((str(address), port))
                lines.append(_beside(host, known_as.kind, str(address), number))
    return "\r\n".join(lines) + "\r\n"


def _beside(host: re.Match[str], kind: str, address: str, number: int) -> str:
    priority = max(1, int(host["priority"]) - number * _STEP)
    related = ""
    if kind == "srflx":
        priority = (_SERVER_REFLEXIVE_PREFERENCE << 24) | (priority & 0xFFFFFF)
        related = f" raddr {host['address']} rport {host['port']}"
    foundation = f"{host['foundation']}p{number}"[-32:]
    return f"a=candidate:{foundation} 1 {host['transport']} {priority} {address} {host['port']} typ {kind}{related}"


def endpoints(sdp: str) -> frozenset[tuple[str, int]]:
    """Where the describing side takes UDP: address and port of each of its candidates."""
    return frozenset(
        (endpoint.address, endpoint.port) for endpoint in map(endpoint_of, _candidates(sdp)) if endpoint is not None
    )


def _candidates(sdp: str) -> list[str]:
    return [line[2:] for line in sdp.splitlines() if line.startswith("a=candidate:")]
