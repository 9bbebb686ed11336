"""The TURN server inside a party: when there is one, where it listens, and what clients are told of it."""

import logging
import secrets
from collections.abc import Callable, Container
from dataclasses import replace
from ipaddress import ip_address

from party.config import PartyConfig
from turn.config import TurnConfig
from turn.errors import ListenError
from turn.server import TurnServer
from turn.values import Endpoint

log = logging.getLogger("soiree.party")


class IcePorts(Container[Endpoint]):
    """Where a relay takes WebRTC packets, for a TURN server that may send nowhere else on this machine."""

    def __init__(self, listens_at: Callable[[str, int], bool]) -> None:
        self._listens_at = listens_at

    def __contains__(self, endpoint: object) -> bool:
        return isinstance(endpoint, tuple) and self._listens_at(*endpoint)


def wanted(config: PartyConfig) -> bool:
    """Whether the party brings a TURN server.

    Left to itself it does where others can come in and nobody named another one; there is none to be told of where HTTP alone is let in.
    """
    if config.turn != "auto":
        return config.turn == "on"
    named = config.home.turn_urls or any(
        url.startswith("turn") for server in config.home.ice_servers for url in server.urls
    )
    has_webrtc = config.relay.engine != "none"
    return has_webrtc and not named and not _is_loopback(config.home.host)


def plan(config: PartyConfig, environment: dict[str, str], public: tuple[str, ...]) -> TurnConfig:
    """Its configuration: the party's host and addresses, unless the environment says otherwise. Raises SettingError."""
    beside = TurnConfig.from_environment({"SOIREE_TURN_SECRET": secrets.token_hex(32)} | _own(environment))
    if "SOIREE_TURN_LISTEN" not in environment:
        port = beside.listen[0][1]
        beside = replace(beside, listen=((_listenable(config.home.host), port),))
    if not beside.external_addresses and public:
        beside = replace(beside, external_addresses=_one_of_each_family(public))
    return beside


async def start(config: TurnConfig, ice_ports: Container[Endpoint]) -> TurnServer:
    """Start it, on another port where its own is taken. Raises ListenError."""
    server = TurnServer(config, ice_ports)
    try:
        await server.start()
    except ListenError as error:
        anywhere = tuple((host, 0) for host, _ in config.listen)
        server = TurnServer(replace(config, listen=anywhere), ice_ports)
        await server.start()
        log.warning("TURN: %s; it listens on port %d", error, server.udp[0][1])
    return server


def urls_of(server: TurnServer) -> Callable[[str], tuple[str, ...]]:
    """Gives the URLs of the server for a client that knows it by a host name."""

    def give(host: str) -> tuple[str, ...]:
        external = server.config.external_addresses
        at = _bracketed(external[0] if external else host)
        plain = [f"turn:{at}:{server.udp[0][1]}?transport={transport}" for transport in ("udp", "tcp")]
        # A certificate is for the name by which clients came.
        return (*plain, *(f"turns:{_bracketed(host)}:{port}?transport=tcp" for _, port in server.tls[:1]))

    return give


def _own(environment: dict[str, str]) -> dict[str, str]:
    """Of the environment what is the server's: the secret is another's."""
    return {
        name: said
        for name, said in environment.items()
        if name.startswith("SOIREE_TURN_") and name != "SOIREE_TURN_SECRET"
    }


def _listenable(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return "0.0.0.0"  # noqa: S104 (a name: whatever it stands for)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one_of_each_family(addresses: tuple[str, ...]) -> tuple[str, ...]:
    return tuple({ip_address(address).version: address for address in reversed(addresses)}.values())


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
