"""What may pass into a WebRTC stack: the gate for session descriptions and candidates of strangers.

The stacks parse SDP leniently and raise whatever comes up, so that both ends of the engine's promise (`SdpError` for a description,
silence for a candidate) are kept here, before a stack sees anything. Sources: RFC 8866 (SDP), RFC 8839 (ICE), RFC 8841 (SCTP).

Pure core.
"""

import ipaddress
import re
from dataclasses import dataclass

from soiree.rtc.errors import SdpError

MAX_SDP_BYTES = 32 * 1024
"""Longest session description read; Chromium's with one data channel is below 1 KiB without candidates."""
MAX_REMOTE_CANDIDATES = 32
"""Remote candidates taken for one connection, in its description and trickled together; more are ignored and counted."""
END_OF_CANDIDATES = "a=end-of-candidates"
"""RFC 8840, section 4.1."""

_CANDIDATE = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} 1 udp [0-9]{1,10} (?P<address>[0-9A-Fa-f.:]{2,45}) (?P<port>[0-9]{1,5})"
    r" typ (?P<kind>host|srflx|prflx|relay)(?: [!-~]{1,256})*",
    re.IGNORECASE,
)
_REQUIRED = {
    "an ice-ufrag": re.compile(r"a=ice-ufrag:[A-Za-z0-9+/]{4,256}"),
    "an ice-pwd": re.compile(r"a=ice-pwd:[A-Za-z0-9+/]{22,256}"),
    "a SHA-256 fingerprint": re.compile(r"a=fingerprint:sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}", re.IGNORECASE),
    "a setup role": re.compile(r"a=setup:(?:actpass|active|passive)"),
}
_DATA_CHANNEL = re.compile(r"m=application [0-9]{1,5} (?:UDP/|TCP/)?DTLS/SCTP (?:webrtc-datachannel|[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a candidate points."""

    address: str
    port: int
    kind: str
    """Candidate type: "host", "srflx", "prflx" or "relay"."""


def endpoint_of(candidate: str) -> Endpoint | None:
    """Where a candidate line points, None if no stack can do anything with it: it must be UDP, component 1, with a literal address.

    `.local` names (mDNS) give None: resolving one costs a second, and the peer is found as peer reflexive anyway.
    """
    match = _CANDIDATE.fullmatch(candidate)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    try:
        address = ipaddress.ip_address(match["address"])
    except ValueError:
        return None
    return Endpoint(str(address), int(match["port"]), match["kind"].lower())


class RemoteCandidates:
    """The candidates that the other side has told of, at most `MAX_REMOTE_CANDIDATES`."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, int], str] = {}

    def take(self, candidate: str) -> bool:
        """Whether a candidate may be given to the stack; it counts from now on."""
        endpoint = endpoint_of(candidate)
        if endpoint is None or len(self._kinds) == MAX_REMOTE_CANDIDATES:
            return False
        self._kinds[endpoint.address, endpoint.port] = endpoint.kind
        return True

    @property
    def empty(self) -> bool:
        """Whether none is known. Then an end of candidates must not reach a stack: it would give up a peer that can still show itself
        by its own checks, as a browser does that tells `.local` names alone.
        """
        return not self._kinds

    def kind(self, address: str | None, port: int | None, seen: str) -> str:
        """The type that the other side gave an address: a check may come in before its candidate, which then looks peer reflexive."""
        return self._kinds.get((address or "", port or 0), seen)


def admit(sdp: str, remote: RemoteCandidates) -> tuple[str, int]:
    """Check a description, note its candidates in `remote`, and take out those that no stack can use.

    Returns:
        The description and the number of candidates taken out.

    Raises:
        SdpError: it is too long, malformed, or describes anything but one data-channel section.
    """
    if len(sdp) > MAX_SDP_BYTES:
        raise SdpError(f"the session description is longer than {MAX_SDP_BYTES} bytes")
    if not sdp.isascii() or not sdp.startswith("v=0"):
        raise SdpError("this is no session description")
    lines = [line for line in sdp.replace("\r\n", "\n").split("\n") if line]
    if any(len(line) < 2 or line[1] != "=" or not line.isprintable() for line in lines):
        raise SdpError("a line of the session description is malformed")
    sections = [line for line in lines if line.startswith("m=")]
    if len(sections) != 1 or _DATA_CHANNEL.fullmatch(sections[0]) is None:
        raise SdpError("the session description must have one section, a data channel")
    for what, pattern in _REQUIRED.items():
        if not any(pattern.fullmatch(line) for line in lines):
            raise SdpError(f"the session description lacks {what}")
    kept = [line for line in lines if not line.startswith("a=candidate:") or remote.take(line[2:])]
    refused = len(lines) - len(kept)
    if remote.empty:
        kept = [line for line in kept if line != END_OF_CANDIDATES]
    return "\r\n".join(kept) + "\r\n", refused


def candidates_of(sdp: str) -> frozenset[str]:
    """The candidate lines in a description, without "a="."""
    return frozenset(line[2:] for line in sdp.splitlines() if line.startswith("a=candidate:"))


def has_all_candidates(sdp: str) -> bool:
    """Whether the description tells that no candidate will be trickled (RFC 8840)."""
    return END_OF_CANDIDATES in sdp
