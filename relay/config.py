"""Settings of the relay. This is the only module of it that reads the environment."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from relay.pacing import FASTEST, SLOWEST
from relay.replication import ReplicationConfig
from soiree.rtc.engine import EngineConfig
from soiree.rtc.ice_servers import read_ice_servers, read_stun_server
from soiree.settings import Setting, read_settings, whole
from soiree.wire import limits
from soiree.wire.state import TICK_HZ

ENGINES: Final = ("auto", "libdatachannel", "aiortc", "none")
"""What may be asked for; none serves WebSockets alone."""
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
KIND_WEIGHTS: Final = {"avatar": 4.0, "vehicle": 2.0}
"""People first, then what might run them over."""
SERVE_HZ: Final = tuple(TICK_HZ // every for every in range(FASTEST, SLOWEST + 1))
"""Rates at which clients can be served: 60, 30, 20, 15, 12 and 10 Hz."""


@dataclass(frozen=True, slots=True)
class RoomConfig:
    """Times, rates and bounds of one room (docs/PROTOCOL.md sections 6 and 8)."""

    lapse_after_s: float = 5.0
    """Silence after which what a peer owns lapses to the masters."""
    away_after_s: float = 10.0
    """Silence after which a peer is away; one without a connection is away at once."""
    left_after_s: float = 30.0
    """Being away for this long is having left."""
    ping_every_s: float = 1.0
    control_rate_per_s: float = limits.CONTROL_RATE_PER_S
    control_burst: float = 2000
    """Messages that a peer may send at once; twice this past the rate, and the connection is closed `rate`."""
    state_frames_per_s: float = limits.STATE_FRAMES_PER_S
    state_frames_burst: float = limits.STATE_FRAMES_BURST
    """STATE frames that a peer may send at once; of all else on the state stream as many again."""
    malformed_limit: int = limits.MALFORMED_LIMIT
    """Malformed messages of one connection before it is closed."""
    max_entities: int = limits.MAX_ENTITIES_PER_ROOM
    max_entities_per_peer: int = limits.MAX_ENTITIES_PER_PEER
    kind_weights: Mapping[str, float] = field(default_factory=lambda: dict(KIND_WEIGHTS))
    """Kind → how much more urgent its state is than that of other kinds at the same distance; 1 for kinds that are not named."""
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    def __post_init__(self) -> None:
        if not all(0 < weight < math.inf for weight in self.kind_weights.values()):
            raise ValueError("kind_weights are positive")
        if not 0 < self.lapse_after_s <= self.away_after_s:
            raise ValueError("lapse_after_s must lie between 0 and away_after_s")
        for name in ("left_after_s", "ping_every_s", "control_rate_per_s", "state_frames_per_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive")
        for name in ("control_burst", "state_frames_burst", "malformed_limit"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if not 0 < self.max_entities_per_peer <= limits.MAX_ENTITIES_PER_PEER:
            raise ValueError(f"max_entities_per_peer must lie in 1…{limits.MAX_ENTITIES_PER_PEER}")
        if not 0 < self.max_entities <= limits.MAX_ENTITIES_PER_ROOM:
            raise ValueError(f"max_entities must lie in 1…{limits.MAX_ENTITIES_PER_ROOM}")


@dataclass(frozen=True, slots=True)
class RelayConfig:
    """A relay: its name, its WebRTC stack, its rooms."""

    relay_id: str = ""
    """Names it to the homeserver; empty: a random one."""
    engine: str = "auto"
    """`auto`, `libdatachannel`, `aiortc`, or `none` for WebSocket alone."""
    serve_hz: int = SERVE_HZ[0]
    """Most frames a second that each client is sent; in overload fewer."""
    compiled: bool = True
    """Use the compiled core (`relay.compiled`) where there is one."""
    rtc: EngineConfig = field(default_factory=EngineConfig)
    """Its `public_addresses` are found by `relay.whereabouts`."""
    wished_port: int | None = None
    """UDP port to have all connections on, if none was named and it is free; else another is."""
    public_addresses: tuple[str, ...] = ()
    """Addresses, or their names, under which others reach this machine."""
    public_address_from: tuple[str, int] | None = None
    """Host and port of a STUN server that is to tell that address."""
    room: RoomConfig = field(default_factory=RoomConfig)

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"engine {self.engine!r} is not one of {', '.join(ENGINES)}")
        if self.serve_hz not in SERVE_HZ:
            raise ValueError(f"serve_hz {self.serve_hz} is not one of {', '.join(map(str, SERVE_HZ))}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "RelayConfig":
        """The configuration that the environment asks for. Raises SettingError, naming the variable."""
        values = read_settings(SETTINGS, os.environ if environment is None else environment)
        first, last = values.get("udp_port", (None, None))
        addresses, stun_server = values.get("public_address", ((), None))
        rtc = EngineConfig(
            bind_address=values.get("bind_address"),
            port=first if first == last else None,
            port_range=None if first == last else (first, last),
            ice_servers=values.get("relay_ice_servers", ()),
        )
        named = {name: values[name] for name in ("relay_id", "engine", "serve_hz", "compiled") if name in values}
        return cls(**named, rtc=rtc, public_addresses=addresses, public_address_from=stun_server)


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise ValueError(f"{text!r} is not one of {', '.join(ENGINES)}")
    return text


def _serve_hz(text: str) -> int:
    if text not in map(str, SERVE_HZ):
        raise ValueError(f"{text!r} is not one of {', '.join(map(str, SERVE_HZ))}")
    return int(text)


def _on_or_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError(f"must be on or off, not {text!r}")
    return text == "on"


def _ports(text: str) -> tuple[int, int]:
    """One port, or the first and last of a range."""
    first, dash, last = text.partition("-")
    ports = whole(first.strip()), whole(last.strip()) if dash else whole(first.strip())
    if not 0 < ports[0] <= ports[1] < 65536:
        raise ValueError(f"{text!r} is no port, nor a range of ports such as 50000-50100")
    return ports


def _name(text: str) -> str:
    """An address or a host name."""
    if _is_address(text):
        return str(ip_address(text))
    # An unqualified name must be one that stands for an address by itself, as on Fly.io: a typing mistake would be one, too.
    if not _HOST_NAME.fullmatch(text) or not re.search(r"[.-]", text) or text.replace(".", "").isdigit():
        raise ValueError(f"{text!r} is no address, nor the name of one")
    return text


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _public_address(text: str) -> tuple[tuple[str, ...], tuple[str, int] | None]:
    """Addresses between commas, or the STUN server to ask for them."""
    if text.startswith("stun:"):
        return (), read_stun_server(text)
    return tuple(_name(part.strip()) for part in text.split(",") if part.strip()), None


SETTINGS: Final = (
    Setting(
        "SOIREE_ENGINE",
        "engine",
        "auto",
        "WebRTC stack: auto, libdatachannel, aiortc, or none for WebSockets alone",
        _engine,
    ),
    Setting(
        "SOIREE_BIND_ADDRESS",
        "bind_address",
        "HOST, or all",
        "Local address, or its name, of the WebRTC sockets; all means all but loopback",
        _name,
    ),
    Setting(
        "SOIREE_UDP_PORT",
        "udp_port",
        "PORT, or a free one",
        "UDP port of all WebRTC connections (libdatachannel), or a range 50000-50100 of which each takes one",
        _ports,
    ),
    Setting(
        "SOIREE_PUBLIC_ADDRESS",
        "public_address",
        "none",
        "Addresses under which the internet reaches this machine, or stun:HOST for a STUN server to ask",
        _public_address,
    ),
    Setting(
        "SOIREE_RELAY_ICE_SERVERS",
        "relay_ice_servers",
        "none",
        "STUN and TURN servers for the relay itself, where it has no inbound UDP: a JSON list of WebRTC's RTCIceServer",
        read_ice_servers,
    ),
    Setting(
        "SOIREE_SERVE_HZ",
        "serve_hz",
        "60",
        "Most frames a second for each client: 60, 30, 20, 15, 12 or 10",
        _serve_hz,
    ),
    Setting(
        "SOIREE_COMPILED",
        "compiled",
        "on",
        "Use the compiled core where set-up could compile it; off: NumPy alone, the same at a multiple of the CPU",
        _on_or_off,
    ),
    Setting("SOIREE_RELAY_ID", "relay_id", "a random one", "Name of the relay", str),
)
"""Every variable that the relay reads."""
