"""What may pass into a WebRTC stack: the gate for session descriptions and candidates of strangers.

The stacks parse SDP leniently and raise whatever comes up, so that both ends of the engine's promise (`SdpError` for a description,
silence for a candidate) are kept here, before a stack sees anything. Sources: RFC 8866 (SDP), RFC 8839 (ICE), RFC 8841 (SCTP).
"""

import ipaddress
import re

from soiree.rtc.engine import Candidate
from soiree.rtc.errors import SdpError

MAX_SDP_BYTES = 32 * 1024
"""Longest session description read; Chromium's with one data channel is below 1 KiB without candidates."""
MAX_REMOTE_CANDIDATES = 32
"""Remote candidates taken for one connection, in its description and trickled together; more are ignored and counted."""

_CANDIDATE = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} 1 udp [0-9]{1,10} (?P<address>[0-9A-Fa-f.:]{2,45}) (?P<port>[0-9]{1,5})"
    r" typ (?:host|srflx|prflx|relay)(?: [!-~]{1,256})*",
    re.IGNORECASE,
)
_REQUIRED = {
    "an ice-ufrag": re.compile(r"a=ice-ufrag:[A-Za-z0-9+/]{4,256}"),
    "an ice-pwd": re.compile(r"a=ice-pwd:[A-Za-z0-9+/]{22,256}"),
    "a SHA-256 fingerprint": re.compile(r"a=fingerprint:sha-256 (?:[0-9A-F]{2}:){31}[0-9A-F]{2}", re.IGNORECASE),
    "a setup role": re.compile(r"a=setup:(?:actpass|active|passive)"),
}
_DATA_CHANNEL = re.compile(r"m=application [0-9]{1,5} (?:UDP/|TCP/)?DTLS/SCTP (?:webrtc-datachannel|[0-9]{1,5})")


def is_usable(candidate: Candidate) -> bool:
    """Whether a stack can do anything with a candidate: UDP, component 1, a literal address and a port.

    `.local` names (mDNS) fall through: resolving one costs a second, and the peer is found as peer reflexive anyway.
    """
    match = _CANDIDATE.fullmatch(candidate.candidate)
    if match is None or not 0 < int(match["port"]) < 65536:
        return False
    try:
        ipaddress.ip_address(match["address"])
    except ValueError:
        return False
    return True


def admit(sdp: str) -> tuple[str, int, int]:
    """Check a description and take out the candidates that no stack can use.

    Returns:
        The description, the number of candidates left in it, and the number taken out.

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
    return _without_unusable_candidates(lines)


def _without_unusable_candidates(lines: list[str]) -> tuple[str, int, int]:
    kept: list[str] = []
    usable = unusable = 0
    for line in lines:
        if line.startswith("a=candidate:"):
            if usable == MAX_REMOTE_CANDIDATES or not is_usable(Candidate(line[2:])):
                unusable += 1
                continue
            usable += 1
        kept.append(line)
    return "\r\n".join(kept) + "\r\n", usable, unusable


def candidates_of(sdp: str) -> frozenset[str]:
    """The candidate lines in a description, without "a="."""
    return frozenset(line[2:] for line in sdp.splitlines() if line.startswith("a=candidate:"))


def has_all_candidates(sdp: str) -> bool:
    """Whether the description tells that no candidate will be trickled (RFC 8840)."""
    return "a=end-of-candidates" in sdp
