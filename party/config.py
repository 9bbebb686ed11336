"""Settings of the whole server: the homeserver's and the relay's, and what the command line changes of them."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from ipaddress import ip_address

from party.platforms import one_port_platform
from relay.config import SETTINGS as RELAY_SETTINGS
from relay.config import RelayConfig
from signalling.config import SETTINGS as HOME_SETTINGS
from signalling.config import HomeConfig
from soiree.settings import Setting, read_settings
from turn.config import SETTINGS as TURN_SETTINGS

DEMO_ENTITIES = 20_000
"""Things in the demo's city that asked for no other number."""


@dataclass(frozen=True, slots=True)
class PartyConfig:
    """A homeserver and a relay in one process."""

    home: HomeConfig
    relay: RelayConfig
    demo: str = "none"
    """"party": a permanent room with a bot in it; "city": one with a city in it."""
    demo_entities: int = DEMO_ENTITIES
    """Things in the city."""
    turn: str = "auto"
    """Whether the party brings a TURN server: on, off, or auto, where others can come in and no other is named."""
    why_no_webrtc: str | None = None
    """Why `engine` is "none", where nobody asked for that."""

    @classmethod
    def from_environment(cls) -> "PartyConfig":
        """Read all settings. Raises SettingError, naming the variable."""
        ours = read_settings(PARTY_SETTINGS, os.environ)
        config = cls(HomeConfig.from_environment(), RelayConfig.from_environment(), **ours)
        return config.on_platform(one_port_platform(os.environ))

    def on_platform(self, platform: str | None) -> "PartyConfig":
        """The same where one port alone is open: nobody is told of a WebRTC that cannot work.

        With a TURN server of its own the relay is reached through that; an engine that was named stays.
        """
        if platform is None or self.relay.engine != "auto" or self.relay.rtc.ice_servers:
            return self
        why = f"{platform} lets no UDP in"
        return replace(self, relay=replace(self.relay, engine="none"), why_no_webrtc=why)

    def with_options(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        public_url: str | None = None,
        engine: str | None = None,
    ) -> "PartyConfig":
        """The same with what the command line gave; None leaves a setting as it is."""
        home = replace(
            self.home,
            host=self.home.host if host is None else host,
            port=self.home.port if port is None else port,
            public_url=self.home.public_url if public_url is None else public_url.rstrip("/"),
        )
        decided = engine == "auto" and self.why_no_webrtc is not None  # by the platform
        relay = self.relay if engine is None or decided else replace(self.relay, engine=engine)
        # The same number for TCP and UDP: one thing to remember, and to forward.
        config = replace(self, home=home, relay=replace(relay, wished_port=home.port or None))
        if config.relay.rtc.bind_address is None and _is_one_of_ours(config.home.host):
            rtc = replace(config.relay.rtc, bind_address=config.home.host)
            config = replace(config, relay=replace(config.relay, rtc=rtc))
        return config


def _is_one_of_ours(host: str) -> bool:
    """Whether `host` names one address to listen on, and so the one that WebRTC should use too."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return not address.is_unspecified


def _switch(text: str) -> str:
    if text not in TURN_CHOICES:
        raise ValueError(f"must be one of {', '.join(TURN_CHOICES)}, not {text!r}")
    return text


TURN_CHOICES = ("auto", "on", "off")
PARTY_SETTINGS: tuple[Setting, ...] = (
    Setting(
        "SOIREE_TURN",
        "turn",
        "auto",
        "Embedded TURN server: on, off, or auto: on where others than this machine can come in and no other is named",
        _switch,
    ),
)
"""What concerns the parts of the server together."""
_OF_HOME = {setting.variable for setting in HOME_SETTINGS}
SETTINGS = (
    *HOME_SETTINGS,
    *RELAY_SETTINGS,
    *PARTY_SETTINGS,
    *(setting for setting in TURN_SETTINGS if setting.variable not in _OF_HOME),
)
"""Every environment variable that the whole server reads."""


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Those of the environment's names that look like settings and are none → words with the nearest that is one."""
    known = [setting.variable for setting in SETTINGS]
    found = {}
    for name in sorted(names):
        if name.startswith("SOIREE_") and name not in known:
            bare = name.removeprefix("SOIREE_")
            nearest = [bare] if bare in known else get_close_matches(name, known, n=1, cutoff=0.75)
            found[name] = f"; did you mean {nearest[0]}?" if nearest else ""
    return found


def without_effect(config: PartyConfig) -> list[str]:
    """What was set and cannot be heeded, in words."""
    if config.relay.engine == "aiortc" and config.relay.rtc.port is not None:
        return ["SOIREE_UDP_PORT has no effect: aiortc takes a port for each connection; name a range, 50000-50100"]
    return []
