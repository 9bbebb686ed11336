"""Which rung of the ladder a selected candidate pair stands on.

Pure core.
"""

from soiree.transport import Rung

HOST, SERVER_REFLEXIVE, PEER_REFLEXIVE, RELAYED = "host", "srflx", "prflx", "relay"
"""Candidate types (RFC 8839, section 5.1)."""


def rung_of(local: str, remote: str, *, offering: bool, relay_protocol: str = "udp") -> Rung:
    """The rung of a pair, seen from either end.

    The answering side is the one that is reached (the relay), so it is its candidate that tells direct from STUN: a client behind a NAT
    is peer reflexive to the relay, and yet reaches it directly.

    Args:
        local: type of the local candidate.
        remote: type of the remote candidate.
        offering: whether this side made the offer.
        relay_protocol: "udp", "tcp" or "tls": how this side talks to its own TURN server; the other side's cannot be known.
    """
    if local == RELAYED:
        return Rung.TURN_UDP if relay_protocol == "udp" else Rung.TURN_TCP
    if remote == RELAYED:
        return Rung.TURN_UDP
    return Rung.DIRECT if (remote if offering else local) == HOST else Rung.STUN
