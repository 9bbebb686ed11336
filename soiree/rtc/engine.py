"""What both WebRTC stacks look like from above: a transport that also negotiates, in either role.

The two stacks are wrapped once, here below, and never anywhere else: the relay's `relay.transports.webrtc` and the Python client stand
on this interface.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from soiree.channels import SOIREE, Layout
from soiree.rtc.announce import PublicAddress
from soiree.transport import Sink, Transport


@dataclass(frozen=True, slots=True)
class IceServer:
    """A STUN or TURN server as the API hands it out (W3C RTCIceServer)."""

    urls: tuple[str, ...]
    """`stun:` and `turn:` URLs (RFC 7064, RFC 7065)."""
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One ICE candidate (RFC 8839) on its way between the two ends."""

    candidate: str
    """"candidate:…" without "a="; an empty string tells that gathering has ended."""
    mid: str = "0"
    """Media identification of the m-line that it belongs to."""


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of a WebRTC engine, the same for both stacks."""

    bind_address: str | None = None
    """Local address for ICE sockets; None for every interface. Loopback is only offered when it is named here."""
    port: int | None = None
    """One UDP port for all connections (libdatachannel only: mux), held from the start; 0 for any that is free, None for a port each."""
    port_range: tuple[int, int] | None = None
    """First and last of the UDP ports of which each connection takes one; None for all that the system gives."""
    public_addresses: tuple[PublicAddress, ...] = ()
    """Told beside this machine's own addresses, with the same ports."""
    relay_only: bool = False
    """Let nothing pass but through TURN (W3C `iceTransportPolicy: "relay"`; aiortc only)."""
    ice_servers: tuple[IceServer, ...] = field(default=())
    """Servers that this side uses itself to gather candidates."""
    connect_timeout_s: float = 15.0
    """A connection whose streams are not both open by then is closed with `CloseReason.FAILED`."""
    collect_s: float | None = None
    """How often libdatachannel is asked what came on lossy channels, beside each call of `Transport.collect`; None for each time that
    something comes. For who has many connections: there the way into Python's thread costs more than what comes."""
    may_wait: Callable[[bytes], bool] | None = None
    """Which messages on lossy channels are told only with others, or when `Transport.collect` is called; None: none."""


class EngineSink(Sink, Protocol):
    """A transport's sink that also hears of local candidates."""

    def candidate(self, conn: int, candidate: Candidate) -> None:
        """A local candidate was found (trickle ICE, RFC 8838)."""


class Engine(Transport):
    """A WebRTC stack. All streams are negotiated channels (`negotiated: true`; ours have the ids `CONTROL` and `STATE`), so no in-band open
    is sent. A connection with other channels than ours is begun with their layout."""

    port: int | None = None
    """The one UDP port of all connections, None when each has its own."""

    @abstractmethod
    def listens_at(self, address: str, port: int) -> bool:
        """Whether packets to there come to a connection of this engine (as far as it told anybody of it)."""

    @abstractmethod
    async def accept(self, conn: int, offer: str, layout: Layout = SOIREE) -> str:
        """Answer an offer. Host candidates are already in the answer's SDP where the stack has them; others trickle.

        Raises:
            soiree.rtc.errors.SdpError: the offer is malformed or has no data-channel m-line. Nothing of `conn` is left then.
        """

    @abstractmethod
    async def offer(self, conn: int, layout: Layout = SOIREE) -> str:
        """Begin `conn` in the offering role and return the SDP offer."""

    @abstractmethod
    async def answered(self, conn: int, answer: str) -> None:
        """Give the other side's SDP answer to a connection begun with `offer`. Raises SdpError."""

    @abstractmethod
    async def add_candidate(self, conn: int, candidate: Candidate) -> None:
        """Add a remote candidate. `.local` (mDNS) and malformed candidates are ignored and counted, never an error of the connection."""
