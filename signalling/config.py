"""The homeserver's settings: one dataclass, one table of what the environment may say, and the only code here that reads it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from signalling.limits import CAPACITY_LIMIT, DEFAULT_CAPACITY
from soiree.link import LobbyMode
from soiree.rtc.engine import IceServer
from soiree.rtc.ice_servers import read_ice_servers, read_turn_urls
from soiree.settings import Setting, SettingError, read_settings, whole
from soiree.ticket import MIN_SECRET_BYTES, TICKET_LIFE_S

Network = IPv4Network | IPv6Network
GODOT_MODES = (*LobbyMode, "off")


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """Everything that a host may decide about the homeserver. Raises SettingError for what cannot work."""

    secret: str | None = field(default=None, repr=False)
    """What tickets are signed with; None: made on first start and kept in `data_dir`."""
    data_dir: Path = Path("var")
    public_url: str | None = None
    """"https://host[:port]" under which clients reach this server; None: taken from each request."""
    host: str = "127.0.0.1"
    port: int = 8080
    trusted_proxies: tuple[Network, ...] = ()
    """Networks whose X-Forwarded-… headers are believed."""
    allowed_origins: tuple[str, ...] = ()
    """Origins whose pages may use the API; empty: all."""
    ice_servers: tuple[IceServer, ...] = ()
    """STUN and TURN servers that clients are told of."""
    turn_urls: tuple[str, ...] = ()
    """TURN server that clients are told of with credentials of their own."""
    turn_secret: str | None = field(default=None, repr=False)
    """What we share with that server: coturn's `static-auth-secret`."""
    turn_life_s: float = 600.0
    """How long such credentials can be used to begin."""
    max_rooms: int = 1000
    max_rooms_per_address: int = 20
    max_peers: int = 2000
    max_capacity: int = 256
    """Largest capacity of a room."""
    joins_per_minute: int = 600
    """Of one address."""
    creations_per_minute: int = 30
    """Rooms created by one address."""
    misses_per_minute: int = 120
    """Rooms that one address asks for and that are not there."""
    empty_room_life_s: float = 600.0
    ticket_life_s: float = TICKET_LIFE_S
    max_feeds: int = 500
    """Subscribers to the list of rooms."""
    max_feeds_per_address: int = 50
    godot_mode: str = "direct"
    """Mode of lobbies of the Godot demo's protocol whose name or address asks for none; "off": there are no such lobbies."""
    godot_demo: Path | None = None
    """Folder of an exported Godot project that `/demo/` serves; None: where `make godot-demo` puts it, if it is there."""
    max_signal_sockets: int = 1000
    max_signal_sockets_per_address: int = 250

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if setting.name.startswith("max_") or setting.name.endswith("_per_minute"):
                _demand(value >= 1, setting.name, "must be at least 1")
        _demand(0 <= self.port <= 65535, "port", "must be 0…65535")
        _demand(self.max_capacity <= CAPACITY_LIMIT, "max_capacity", f"must be at most {CAPACITY_LIMIT}")
        _demand(self.max_capacity >= DEFAULT_CAPACITY, "max_capacity", f"must be at least {DEFAULT_CAPACITY}")
        _demand(self.empty_room_life_s > 0, "empty_room_life_s", "must be positive")
        _demand(1 <= self.ticket_life_s <= 300, "ticket_life_s", "must be 1…300 seconds")
        _demand(120 <= self.turn_life_s <= 86400, "turn_life_s", "must be 120…86400 seconds")
        _demand(not self.turn_urls or bool(self.turn_secret), "turn_secret", "is needed with SOIREE_TURN_URLS")
        _demand(self.godot_mode in GODOT_MODES, "godot_mode", f"must be one of {', '.join(GODOT_MODES)}")
        if self.secret is not None:
            enough = len(self.secret.encode()) >= MIN_SECRET_BYTES
            _demand(enough, "secret", f"needs at least {MIN_SECRET_BYTES} characters, better 32 random ones")
        if self.public_url is not None:
            _demand(
                _is_base_url(self.public_url), "public_url", "must be http:// or https:// and a host, without a path"
            )
        for origin in self.allowed_origins:
            _demand(_is_base_url(origin), "allowed_origins", f"{origin!r} is not an origin such as https://example.org")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "HomeConfig":
        """The configuration that the environment asks for. Raises SettingError, naming the variable."""
        return cls(**read_settings(SETTINGS, os.environ if environment is None else environment))


def variable_of(field_name: str) -> str:
    """The environment variable that sets a field of `HomeConfig`."""
    return next((setting.variable for setting in SETTINGS if setting.field == field_name), field_name)


def _demand(holds: bool, field_name: str, words: str) -> None:
    if not holds:
        raise SettingError(f"{variable_of(field_name)}: {words}")


def _is_base_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    extra = parts.path or parts.query or parts.fragment or parts.username or text.endswith(("?", "#"))
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not extra


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number of seconds") from None


def _url(text: str) -> str:
    return text.rstrip("/")


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())
    return () if origins == ("*",) else origins


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SOIREE_SECRET",
        "secret",
        "made on first start",
        "What tickets are signed with: 16 characters or more; keep it",
        str,
    ),
    Setting(
        "SOIREE_DATA_DIR", "data_dir", "var", "Folder for what must survive a restart, such as the made secret", Path
    ),
    Setting(
        "SOIREE_PUBLIC_URL",
        "public_url",
        "from each request",
        "Address under which clients reach this server: https://party.example.org",
        _url,
    ),
    Setting("HOST", "host", "127.0.0.1", "Address to listen on; 0.0.0.0 for all", str),
    Setting("PORT", "port", "8080", "TCP port for HTTP and WebSockets", whole),
    Setting(
        "SOIREE_TRUSTED_PROXIES",
        "trusted_proxies",
        "none",
        "Networks of proxies whose X-Forwarded headers are believed: 10.0.0.0/8, ::1",
        _networks,
    ),
    Setting(
        "SOIREE_ALLOWED_ORIGINS",
        "allowed_origins",
        "all",
        "Origins whose pages may use this server: https://example.org, …; its own always may",
        _origins,
    ),
    Setting(
        "SOIREE_ICE_SERVERS",
        "ice_servers",
        "none",
        "STUN and TURN servers for clients: a JSON list of WebRTC's RTCIceServer",
        read_ice_servers,
    ),
    Setting(
        "SOIREE_TURN_URLS",
        "turn_urls",
        "none",
        "A TURN server of your own, each client with its own credentials: turn:HOST?transport=udp, turn:HOST?transport=tcp",
        read_turn_urls,
    ),
    Setting("SOIREE_TURN_SECRET", "turn_secret", "none", "Its secret: coturn's static-auth-secret", str),
    Setting("SOIREE_TURN_LIFE_S", "turn_life_s", "600", "Seconds in which those credentials must be used", _seconds),
    Setting("SOIREE_MAX_ROOMS", "max_rooms", "1000", "Rooms", whole),
    Setting("SOIREE_MAX_ROOMS_PER_ADDRESS", "max_rooms_per_address", "20", "Rooms made by one address", whole),
    Setting("SOIREE_MAX_PEERS", "max_peers", "2000", "Peers in all rooms together", whole),
    Setting("SOIREE_MAX_CAPACITY", "max_capacity", "256", "Largest capacity of a room, at most 1000", whole),
    Setting("SOIREE_JOINS_PER_MINUTE", "joins_per_minute", "600", "Joins of one address in a minute", whole),
    Setting(
        "SOIREE_CREATIONS_PER_MINUTE", "creations_per_minute", "30", "Rooms that one address makes in a minute", whole
    ),
    Setting(
        "SOIREE_MISSES_PER_MINUTE",
        "misses_per_minute",
        "120",
        "Wrong room codes that one address may try in a minute",
        whole,
    ),
    Setting(
        "SOIREE_EMPTY_ROOM_LIFE_S",
        "empty_room_life_s",
        "600",
        "Seconds for which a room with nobody in it stays",
        _seconds,
    ),
    Setting("SOIREE_TICKET_LIFE_S", "ticket_life_s", "30", "Seconds in which a ticket must be used", _seconds),
    Setting(
        "SOIREE_GODOT_MODE",
        "godot_mode",
        "direct",
        "Lobbies for unchanged Godot games: direct, relay or bridge where nothing else is asked for; off for none",
        str.lower,
    ),
    Setting(
        "SOIREE_GODOT_DEMO",
        "godot_demo",
        "what make godot-demo made",
        "Folder of a Godot project, exported for the web, that rooms offer to be opened in",
        Path,
    ),
    Setting("SOIREE_MAX_FEEDS", "max_feeds", "500", "Lobby pages that hear of rooms live", whole),
    Setting("SOIREE_MAX_FEEDS_PER_ADDRESS", "max_feeds_per_address", "50", "Of these, of one address", whole),
    Setting("SOIREE_MAX_SIGNAL_SOCKETS", "max_signal_sockets", "1000", "Signalling WebSockets", whole),
    Setting(
        "SOIREE_MAX_SIGNAL_SOCKETS_PER_ADDRESS",
        "max_signal_sockets_per_address",
        "250",
        "Of these, of one address",
        whole,
    ),
)
"""Every variable that the homeserver reads."""
