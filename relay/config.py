"""Settings of the relay. This is the only module of it that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.replication import ReplicationConfig
from soiree.rtc.engine import EngineConfig
from soiree.wire import limits


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
    replication: ReplicationConfig = field(default_factory=ReplicationConfig)

    def __post_init__(self) -> None:
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
    rtc: EngineConfig = field(default_factory=EngineConfig)
    room: RoomConfig = field(default_factory=RoomConfig)

    def __post_init__(self) -> None:
        if self.engine not in {"auto", "libdatachannel", "aiortc", "none"}:
            raise ValueError(f"engine {self.engine!r} is not one of auto, libdatachannel, aiortc, none")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "RelayConfig":
        """Read `SOIREE_RELAY_ID`, `SOIREE_ENGINE`, `SOIREE_BIND_ADDRESS` and `SOIREE_UDP_PORT`. Raises ValueError with what is wrong."""
        env = os.environ if environment is None else environment
        port = env.get("SOIREE_UDP_PORT", "")
        if port and not (port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"SOIREE_UDP_PORT: {port!r} is no port")
        return cls(
            relay_id=env.get("SOIREE_RELAY_ID", ""),
            engine=env.get("SOIREE_ENGINE", "auto"),
            rtc=EngineConfig(
                bind_address=env.get("SOIREE_BIND_ADDRESS") or None,
                port=int(port) if port else None,
            ),
        )
