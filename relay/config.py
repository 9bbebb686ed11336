"""Settings of the relay. This is the only module of it that reads the environment."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from relay.pacing import FASTEST, SLOWEST
from relay.replication import ReplicationConfig
from soiree.rtc.engine import EngineConfig
from soiree.settings import Setting, read_settings, whole
from soiree.wire import limits
from soiree.wire.state import TICK_HZ

ENGINES: Final = ("auto", "libdatachannel", "aiortc", "none")
"""What may be asked for; none serves WebSockets alone."""
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
    state_frames_burst: float = 480
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
    rtc: EngineConfig = field(default_factory=EngineConfig)
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
        rtc = EngineConfig(bind_address=values.get("bind_address"), port=values.get("udp_port"))
        named = {name: values[name] for name in ("relay_id", "engine", "serve_hz") if name in values}
        return cls(**named, rtc=rtc)


def _engine(text: str) -> str:
    if text not in ENGINES:
        raise ValueError(f"{text!r} is not one of {', '.join(ENGINES)}")
    return text


def _serve_hz(text: str) -> int:
    if text not in map(str, SERVE_HZ):
        raise ValueError(f"{text!r} is not one of {', '.join(map(str, SERVE_HZ))}")
    return int(text)


def _port(text: str) -> int:
    port = whole(text)
    if not 0 < port < 65536:
        raise ValueError(f"{port} is no port")
    return port


def _address(text: str) -> str:
    return str(ip_address(text))


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
        "Local address of the WebRTC sockets; all means all but loopback",
        _address,
    ),
    Setting(
        "SOIREE_UDP_PORT",
        "udp_port",
        "a free one each",
        "One UDP port for all WebRTC connections (libdatachannel)",
        _port,
    ),
    Setting(
        "SOIREE_SERVE_HZ",
        "serve_hz",
        "60",
        "Most frames a second for each client: 60, 30, 20, 15, 12 or 10",
        _serve_hz,
    ),
    Setting("SOIREE_RELAY_ID", "relay_id", "a random one", "Name of the relay", str),
)
"""Every variable that the relay reads."""
