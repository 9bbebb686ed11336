"""What to do about what the doctor found: one piece of advice for each failure, in plain words.

Pure core.
"""

from collections.abc import Sequence

from party.doctor.findings import TURN_CHECKS, Check, Finding, Outcome, ways_in
from party.doctor.nat import Nat

NETWORK = {
    "no-name": (
        "The server's name is not known here. Check the spelling of the address; if it is right, your network's name "
        "service (DNS) is at fault."
    ),
    "refused": "Nothing listens at that address and port. Is the server running, and is this its port?",
    "timeout": (
        "No answer came. The server may be down, or a firewall in between swallows what is sent to it: try another "
        "network, such as a phone's."
    ),
    "no-route": (
        "There is no way from here to that address. Is this machine online, and is the address one that can be "
        "reached from here?"
    ),
    "reset": (
        "The other side hung up in the middle. Is it a party server that listens on this port, and does the proxy in "
        "front of it reach it?"
    ),
    "not-http": "What answers does not speak HTTP. Check the port.",
    "tls-expired": (
        "The server's certificate has expired, or this machine's clock is wrong. Its host has to renew the "
        "certificate; look at the clock here."
    ),
    "tls-name": (
        "The server's certificate is for another name. Use the name it was made for, or have its host get one for "
        "this name."
    ),
    "tls-untrusted": (
        "The server's certificate is not from an authority that this machine trusts, so browsers refuse it too. Its "
        "host needs one from a public authority; Caddy gets one by itself (docs/HOSTING.md, TLS)."
    ),
    "tls-none": (
        "What answers does not speak TLS. Use http:// for this port, or put a proxy with TLS in front of it "
        "(docs/HOSTING.md, TLS)."
    ),
    "tls": "No secure connection could be agreed upon. Something between here and the server may take TLS apart.",
}
"""Failures that any connection over TCP may meet."""

ADVICE: dict[tuple[Check, str], str] = {
    (Check.HTTP, "not-a-party"): (
        "Something answers, but no party server. Check the address; a proxy in front must pass /healthz and /api/ on."
    ),
    (Check.HTTP, "bad-gateway"): (
        "The proxy answers, and the party server behind it does not. Its host has to start it, or to correct the "
        "proxy's address of it."
    ),
    (Check.HTTP, "stopping"): "The server is about to stop. Come back in a moment.",
    (Check.JOIN, "unknown-room"): "There is no such room: it has closed, or the link is off by a letter.",
    (Check.JOIN, "room-full"): (
        "The room is full. Name another with --room, or none: then one is made for the examination."
    ),
    (Check.JOIN, "room-locked"): (
        "The host of that room has locked it. Name another with --room, or none: then one is made for the examination."
    ),
    (Check.JOIN, "wrong-password"): (
        "That room has a password: give it with --password, or name no room, so that one is made for the examination."
    ),
    (Check.JOIN, "rate"): (
        "You made or joined many rooms just now. Wait a minute. Behind a proxy, everybody may count as one: "
        "SOIREE_TRUSTED_PROXIES names the proxy to the server."
    ),
    (Check.JOIN, "too-many-rooms"): "The server has as many rooms as it takes. Name one of them with --room.",
    (Check.JOIN, "server-full"): "The server has as many people as it takes. Come back later.",
    (Check.JOIN, "shutdown"): "The server is about to stop. Come back in a moment.",
    (Check.JOIN, "busy"): "The server is busy. Come back in a moment.",
    (Check.JOIN, "unavailable"): "The homeserver has no relay that takes the room: its host has to start one.",
    (Check.JOIN, "origin"): "The server lets only pages of certain sites in (SOIREE_ALLOWED_ORIGINS).",
    (Check.WEBSOCKET, "no-upgrade"): (
        "HTTP works, and WebSockets do not: something in between takes the upgrade away. The host's proxy must pass "
        "Upgrade and Connection on for /ws and /api/v1/signal (deploy/nginx/soiree.conf shows how); else a filter in your "
        "own network does it: https:// gets past most of them."
    ),
    (Check.WEBSOCKET, "mute"): (
        "The WebSocket opens, and then nothing comes through it. A proxy or a virus scanner in between holds it back:"
        " https:// gets past most of them."
    ),
    (Check.WEBSOCKET, "unauthorized"): (
        "The relay does not take the homeserver's ticket. The host has to give both the same secret, and their clocks"
        " the same time."
    ),
    (Check.WEBRTC, "no-way"): (
        "The server was reached, and its UDP port was not. If TURN or the WebSocket works you get in all the same, "
        "only slower. To get in directly: the host has to open the relay's UDP port in the firewall, and to tell the "
        "server its public address (SOIREE_PUBLIC_ADDRESS); if other servers' UDP does not work here either, your own"
        " network blocks it."
    ),
    (Check.WEBRTC, "mute"): (
        "The WebRTC connection opens, and then nothing comes through it: large UDP packets may get lost on the way (a"
        " VPN or a tunnel with a small MTU does that)."
    ),
    (Check.WEBRTC, "signal"): (
        "WebRTC could not be negotiated: the signalling WebSocket does not work. The host's proxy must pass "
        "WebSockets on for /api/v1/signal too."
    ),
    (Check.WEBRTC, "no-engine"): (
        "This machine has no WebRTC stack for Python: pip install aiortc. Browsers have their own."
    ),
    (Check.WEBRTC, "not-offered"): (
        "The server offers WebSockets alone (its host has no WebRTC stack, or switched it off with SOIREE_ENGINE=none)."
    ),
    (Check.STUN, "silent"): (
        "No STUN server answers: UDP seems blocked between here and there. Getting in over TURN on TCP or over the "
        "WebSocket still works."
    ),
    (Check.TURN_UDP, "timeout"): (
        "The TURN server does not answer over UDP. The host has to open its UDP port (3478 by default); if STUN fails"
        " too, your own network blocks UDP."
    ),
    (Check.ENGINE, "old-python"): "Soiree needs Python 3.11 or newer.",
    (Check.ENGINE, "none"): (
        "No WebRTC stack is installed, so all would come in over WebSockets: pip install -e . -c constraints.txt"
    ),
    (Check.ENGINE, "slow"): (
        "Only aiortc is installed: it serves, at a fifth of the speed. Python 3.12 or newer brings libdatachannel."
    ),
    (Check.DATA, "not-writable"): (
        "The secret made on first start cannot be kept in SOIREE_DATA_DIR: name a folder that this user may write, or"
        " set SOIREE_SECRET."
    ),
    (Check.DATA, "passing"): (
        "The folder of SOIREE_DATA_DIR is in memory or temporary: after a restart old host keys are void. Set "
        "SOIREE_SECRET, or name a folder that lasts."
    ),
    (Check.PORT, "taken"): "Another program has the port. Choose another with PORT or --port.",
    (Check.PORT, "forbidden"): (
        "This user may not listen on that port: choose one above 1023, and put a proxy in front for 80 and 443."
    ),
    (Check.PORT, "no-address"): "HOST is no address of this machine. 0.0.0.0 is all of them.",
    (Check.UDP, "taken"): (
        "Another program has the UDP port (SOIREE_UDP_PORT). Choose another, or stop the other program."
    ),
    (Check.UDP, "forbidden"): "This user may not use that UDP port: choose one above 1023.",
    (Check.UDP, "no-address"): "SOIREE_BIND_ADDRESS or HOST is no address of this machine.",
    (Check.UDP, "lost"): "A UDP packet from this machine to itself gets lost: a firewall here drops UDP.",
    (Check.BUFFER, "small"): (
        "The kernel gives UDP sockets little buffer, so bursts get lost. As root: sysctl -w net.core.rmem_max=4194304"
    ),
    (Check.FILES, "few"): (
        "This user may have few files open, and each guest needs one or two: ulimit -n 65536, or LimitNOFILE=65536 in"
        " the systemd unit."
    ),
    (Check.ADDRESS, "loopback"): "Only this machine can come in. HOST=0.0.0.0 opens the party to your network.",
    (Check.ADDRESS, "private"): (
        "This machine has private addresses alone, so it stands behind a router. For people on your own network "
        "nothing is to do. For others, forward PORT (TCP) and SOIREE_UDP_PORT (UDP) in the router to this machine, "
        "and set SOIREE_PUBLIC_ADDRESS to the router's address; --stun HOST:PORT asks a server which that is."
    ),
    (Check.ADDRESS, "none"): "This machine has no network address but loopback. Connect it to a network.",
    (Check.CLOCK, "unsynchronised"): (
        "The clock is not kept right by the network (NTP). TURN passwords and certificates go by it: timedatectl set-"
        "ntp true"
    ),
}
"""(check, code) → what to do."""

TURN_ADVICE = {
    "unauthorized": (
        "The TURN server refuses the name and password that the party server hands out: their secrets differ, or one "
        "of their clocks is wrong. The host has to give both the same secret."
    ),
    "quota": (
        "The TURN server has no place left for this user, or at all (its limits were reached). The host has to raise "
        "them."
    ),
    "forbidden": "The TURN server refuses what was asked of it: its host has to look into its log.",
    "no-relay": (
        "The TURN server gives an address, and the relay cannot be reached through it. The host has to let the TURN "
        "server send to the relay's UDP port (its allowed peers and its firewall), and to open the TURN server's own "
        "relay ports."
    ),
    "expired": "The TURN password had expired when it was handed out: the party server's clock is wrong.",
    "timeout": (
        "The TURN server does not answer on this port over TCP. The host has to open it in the firewall; 443 is the "
        "port that most networks let pass."
    ),
    "cannot-use": (
        "The TURN server's address cannot be read. The host has to write it as turn:HOST:PORT?transport=tcp."
    ),
}
"""Code of any TURN check → what to do, where ADVICE has nothing more particular."""
FALLBACK = "This went wrong in a way that has no advice of its own: what the system said stands above. docs/HOSTING.md may help."


def advice_for(finding: Finding) -> str | None:
    """What to do about a finding; None when there is nothing to."""
    if finding.check is Check.NAT:
        return _about_nat(finding)
    particular = ADVICE.get((finding.check, finding.code))
    if finding.outcome is Outcome.WORKS:
        return particular  # It works, and could be better.
    if finding.outcome is not Outcome.FAILS:
        return particular if finding.code == "not-offered" else None
    if particular is None and finding.check in TURN_CHECKS:
        particular = TURN_ADVICE.get(finding.code)
    return particular or NETWORK.get(finding.code) or FALLBACK


def _about_nat(finding: Finding) -> str | None:
    if finding.facts.get("kind") == Nat.DIFFERS:
        return (
            "Your router gives each connection another port (symmetric NAT). A relay with a public address is reached all the "
            "same; one that stands behind a router itself needs TURN."
        )
    return None


def advice(findings: Sequence[Finding]) -> list[tuple[Finding, str]]:
    """Each finding that something is to be done about, and what; the same words only once."""
    told: dict[str, Finding] = {}
    for finding in findings:
        words = advice_for(finding)
        if words is not None:
            told.setdefault(words, finding)
    return [(finding, words) for words, finding in told.items()]


RUNG_WORDS = {
    "direct": "directly over UDP",
    "stun": "over UDP through a router",
    "turn-udp": "over UDP through a TURN server",
    "turn-tcp": "over TCP through a TURN server",
    "websocket": "over the WebSocket",
}
"""The rungs of the ladder, for people."""


def summary(findings: Sequence[Finding]) -> str:
    """The whole in a sentence, of a server that one wants to get into."""
    ways = ways_in(findings)
    if not ways:
        first = next((finding for finding in findings if finding.outcome is Outcome.FAILS), None)
        at = f": it ends at {first.check}" if first else ""
        return f"You cannot get in from here{at}."
    best = ways[0]
    rung = RUNG_WORDS.get(rung_of(best), rung_of(best))
    after = f", {milliseconds(best.rtt_ms)} there and back" if best.rtt_ms is not None else ""
    return f"You can get in from here, {rung}{after}."


def milliseconds(value: float) -> str:
    """A duration for people: to 0.1 ms below ten."""
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def rung_of(finding: Finding) -> str:
    """The rung of the ladder that a way in stands on."""
    return finding.facts.get("rung") or str(finding.check)


def host_summary(findings: Sequence[Finding]) -> str:
    """The whole in a sentence, of a machine that is to serve."""
    failing = [str(finding.check) for finding in findings if finding.outcome is Outcome.FAILS]
    if failing:
        return f"This machine is not ready to serve a party: {', '.join(failing)}."
    return (
        "This machine can serve a party. Whether it is reached from outside only another machine can tell: "
        "soiree doctor --url its-address"
    )
