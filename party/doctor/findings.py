"""What the doctor's probes find, each in the same shape.

Pure core: codes here, words for them in `advice`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What came of a check."""

    WORKS = "works"
    FAILS = "fails"
    SKIPPED = "skipped"
    """There was nothing to try: the server offers it not, or what it needs had failed."""
    UNKNOWN = "unknown"
    """It was tried, and cannot be told from here."""


class Check(StrEnum):
    """What is looked at, in the order in which it is."""

    HTTP = "http"
    JOIN = "join"
    WEBSOCKET = "websocket"
    WEBRTC = "webrtc"
    STUN = "stun"
    NAT = "nat"
    TURN_UDP = "turn-udp"
    TURN_TCP = "turn-tcp"
    TURN_TLS = "turn-tls"

    ENGINE = "engine"
    SETTINGS = "settings"
    DATA = "data"
    PORT = "port"
    UDP = "udp"
    BUFFER = "buffer"
    FILES = "files"
    ADDRESS = "address"
    CLOCK = "clock"


GUEST_CHECKS = (
    Check.HTTP,
    Check.JOIN,
    Check.WEBSOCKET,
    Check.WEBRTC,
    Check.STUN,
    Check.NAT,
    Check.TURN_UDP,
    Check.TURN_TCP,
    Check.TURN_TLS,
)
"""What is looked at of a server that one wants to get into."""
HOST_CHECKS = (
    Check.ENGINE,
    Check.SETTINGS,
    Check.DATA,
    Check.PORT,
    Check.UDP,
    Check.BUFFER,
    Check.FILES,
    Check.ADDRESS,
    Check.CLOCK,
)
"""What is looked at of a machine that is to serve."""
TURN_CHECKS = (Check.TURN_UDP, Check.TURN_TCP, Check.TURN_TLS)
WAYS_IN = (Check.WEBRTC, *TURN_CHECKS, Check.WEBSOCKET)
"""Checks that prove a rung of the ladder, the best first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: Check
    outcome: Outcome
    code: str = ""
    """Why it fails, or was skipped, for programs and for `advice`."""
    detail: str = ""
    """What the system or the server said, for people; may name hosts and addresses."""
    rtt_ms: float | None = None
    """Round trip to the far end and back, median of several where it was a connection."""
    facts: dict[str, str] = field(default_factory=dict)
    """What else was learnt: "rung", "mapped", "kind", "server", …"""

    @property
    def works(self) -> bool:
        return self.outcome is Outcome.WORKS


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a probe got no further."""

    code: str
    detail: str = ""

    def of(self, check: Check, **facts: str) -> Finding:
        """As the finding of a check."""
        return Finding(check, Outcome.FAILS, self.code, self.detail, facts=facts)


def skipped(check: Check, code: str) -> Finding:
    """Nothing was tried, and why."""
    return Finding(check, Outcome.SKIPPED, code)


def ways_in(findings: Iterable[Finding]) -> list[Finding]:
    """Those that prove a way into a room, the best first."""
    proven = [finding for finding in findings if finding.check in WAYS_IN and finding.works]
    return sorted(proven, key=lambda finding: WAYS_IN.index(finding.check))
