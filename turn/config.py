"""Settings of the TURN server. This is the only module of it that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address, ip_network
from pathlib import Path

from soiree.settings import Setting, SettingError, read_settings, whole
from turn.limits import Quotas
from turn.peers import Network
from turn.values import Endpoint

TURN_PORT = 3478
TURNS_PORT = 5349
KBIT_BYTES = 125
MIN_SECRET_CHARS = 8
_QUOTAS = tuple(quota.name for quota in fields(Quotas))


@dataclass(frozen=True, slots=True)
class TurnConfig:
    """All that may be decided about the server. Raises SettingError for what cannot work."""

    secret: str = field(repr=False)
    """Shared with whoever hands out credentials."""
    listen: tuple[Endpoint, ...] = (("0.0.0.0", TURN_PORT),)  # noqa: S104 (a public service)
    """Addresses for UDP and TCP; port 0: any, the same for both."""
    tls_listen: tuple[Endpoint, ...] = ()
    """Addresses for TLS."""
    tls_cert: Path | None = None
    """PEM file with the chain of certificates."""
    tls_key: Path | None = None
    realm: str = "soiree"
    relay_addresses: tuple[str, ...] = ()
    """Addresses of this machine that peers are sent to from, one of each family at most; none: the one that leads to the internet."""
    external_addresses: tuple[str, ...] = ()
    """As the world knows these, where a router or cloud translates."""
    port_range: tuple[int, int] = (49152, 65535)
    """Relayed ports."""
    allow_peers: tuple[Network, ...] = ()
    """Networks that may be sent to although they are private."""
    quotas: Quotas = field(default_factory=Quotas)

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET_CHARS:
            raise SettingError(
                f"SOIREE_TURN_SECRET: needs at least {MIN_SECRET_CHARS} characters, better 32 random ones"
            )
        if not self.realm or len(self.realm) > 127 or not self.realm.isascii():
            raise SettingError("SOIREE_TURN_REALM: must be 1 to 127 ASCII characters")
        low, high = self.port_range
        if not 1024 <= low < high <= 65535:
            raise SettingError("SOIREE_TURN_PORT_RANGE: must lie within 1024-65535, the lower port first")
        for name, addresses in (("RELAY", self.relay_addresses), ("EXTERNAL", self.external_addresses)):
            families = [ip_address(address).version for address in addresses]
            if len(set(families)) != len(families):
                raise SettingError(f"SOIREE_TURN_{name}_ADDRESS: one address of each family at most")
        if self.tls_listen and (self.tls_cert is None or self.tls_key is None):
            raise SettingError("SOIREE_TURN_TLS_CERT and SOIREE_TURN_TLS_KEY: TLS needs both")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **options: object) -> "TurnConfig":
        """What the environment asks for, and options over it. Raises SettingError, naming the variable."""
        values = read_settings(SETTINGS, os.environ if environment is None else environment)
        values |= {name: value for name, value in options.items() if value not in (None, ())}
        quotas = Quotas(**{name: values.pop(name) for name in _QUOTAS if name in values})
        if "secret" not in values:
            raise SettingError("SOIREE_TURN_SECRET: is needed; share it with whoever hands out the credentials")
        if "tls_cert" in values and "tls_listen" not in values:
            hosts = values.get("listen", cls.__dataclass_fields__["listen"].default)
            values["tls_listen"] = tuple((host, TURNS_PORT) for host, _ in hosts)
        return cls(**values, quotas=quotas)


def _kbit(text: str) -> int:
    return whole(text) * KBIT_BYTES


def read_endpoints(text: str) -> tuple[Endpoint, ...]:
    """ "HOST:PORT, [HOST6]:PORT". Raises ValueError."""
    found = []
    for part in text.split(","):
        host, colon, port = part.strip().rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"{part.strip()!r} is not ADDRESS:PORT, such as 0.0.0.0:3478 or [::]:3478") from None
        if not colon or whole(port) > 65535:
            raise ValueError(f"{port!r} is no port")
        found.append((host, int(port)))
    return tuple(found)


def read_addresses(text: str) -> tuple[str, ...]:
    """IP addresses. Raises ValueError."""
    return tuple(str(ip_address(part.strip())) for part in text.split(","))


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks. Raises ValueError."""
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def read_range(text: str) -> tuple[int, int]:
    """ "LOW-HIGH". Raises ValueError."""
    low, dash, high = text.partition("-")
    if not dash:
        raise ValueError(f"must be LOW-HIGH, such as 49152-65535, not {text!r}")
    return whole(low.strip()), whole(high.strip())


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SOIREE_TURN_SECRET",
        "secret",
        "none",
        "What the TURN server shares with whoever hands out its credentials",
        str,
    ),
    Setting(
        "SOIREE_TURN_LISTEN",
        "listen",
        "0.0.0.0:3478",
        "Its addresses for UDP and TCP: 0.0.0.0:3478, [::]:3478",
        read_endpoints,
    ),
    Setting(
        "SOIREE_TURN_TLS_LISTEN", "tls_listen", "port 5349 with a certificate", "Its addresses for TLS", read_endpoints
    ),
    Setting("SOIREE_TURN_TLS_CERT", "tls_cert", "none", "PEM file with its chain of certificates", Path),
    Setting("SOIREE_TURN_TLS_KEY", "tls_key", "none", "PEM file with its private key", Path),
    Setting("SOIREE_TURN_REALM", "realm", "soiree", "Its realm", str),
    Setting(
        "SOIREE_TURN_RELAY_ADDRESS",
        "relay_addresses",
        "the one towards the internet",
        "Address of this machine that it relays from, one of each family at most",
        read_addresses,
    ),
    Setting(
        "SOIREE_TURN_EXTERNAL_ADDRESS",
        "external_addresses",
        "the same",
        "The same as the world knows it, behind a router or in a cloud that translates",
        read_addresses,
    ),
    Setting("SOIREE_TURN_PORT_RANGE", "port_range", "49152-65535", "UDP ports that it relays from", read_range),
    Setting(
        "SOIREE_TURN_ALLOW_PEERS",
        "allow_peers",
        "none",
        "Private networks that clients may reach through it",
        read_networks,
    ),
    Setting("SOIREE_TURN_MAX_ALLOCATIONS", "allocations", "2000", "Allocations in all", whole),
    Setting("SOIREE_TURN_PER_USER", "allocations_per_user", "16", "Allocations of one user", whole),
    Setting("SOIREE_TURN_PER_ADDRESS", "allocations_per_address", "256", "Allocations of one client address", whole),
    Setting(
        "SOIREE_TURN_KBIT_S",
        "bytes_per_s",
        "8000",
        "kbit/s that an allocation may carry, each way; 0 for no limit",
        _kbit,
    ),
)
"""Every variable that the TURN server reads."""
