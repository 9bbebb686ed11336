"""What kind of NAT one is behind, by what STUN servers see of one UDP socket (RFC 5780, section 4.3).

Pure core.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Address = tuple[str, int]


class Nat(StrEnum):
    """How a NAT maps one socket of ours for those outside."""

    NONE = "none"
    """What is seen outside is what the socket has."""
    SAME_FOR_ALL = "same-for-all"
    """One outside address and port whoever is talked to (endpoint-independent mapping, "cone"): STUN helps."""
    DIFFERS = "differs"
    """Another for each that is talked to (address- or port-dependent mapping, "symmetric"): only TURN helps."""
    UNKNOWN = "unknown"
    """There is a NAT, but too few servers have answered to tell which kind."""
    SILENT = "silent"
    """No STUN server has answered."""
    UNTRIED = "untried"
    """There was none to ask."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One STUN server's answer to the one socket."""

    server: Address
    mapped: Address | None
    """None: no answer came."""
    local: Address
    """What the socket has, on the interface towards that server."""


def kind_of_nat(seen: Sequence[Seen]) -> Nat:
    """The kind that the answers prove; a kind that they leave open is `UNKNOWN`."""
    if not seen:
        return Nat.UNTRIED
    answers = {answer.server: answer for answer in seen if answer.mapped is not None}
    if not answers:
        return Nat.SILENT
    if all(answer.mapped == answer.local for answer in answers.values()):
        return Nat.NONE
    if len({answer.mapped for answer in answers.values()}) > 1:
        return Nat.DIFFERS
    # Servers that share an address could be told apart by their port alone, or not at all: only another address proves the kind.
    return Nat.SAME_FOR_ALL if len({host for host, _ in answers}) > 1 else Nat.UNKNOWN


WORDS = {
    Nat.NONE: "none: this machine's own address is seen outside",
    Nat.SAME_FOR_ALL: "keeps one port for all (STUN helps)",
    Nat.DIFFERS: "another port for each (symmetric: only TURN helps two such to meet)",
    Nat.UNKNOWN: "there is one; which kind, one server alone cannot tell",
    Nat.SILENT: "no STUN server answers: UDP seems blocked",
    Nat.UNTRIED: "unknown: the server names no STUN or TURN server to ask (--stun HOST:PORT names one)",
}
"""For people."""
