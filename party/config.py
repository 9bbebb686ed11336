"""Settings of the whole server: the homeserver's and the relay's, and what the command line changes of them."""

from dataclasses import dataclass, replace
from ipaddress import ip_address

from relay.config import SETTINGS as RELAY_SETTINGS
from relay.config import RelayConfig
from signalling.config import SETTINGS as HOME_SETTINGS
from signalling.config import HomeConfig


@dataclass(frozen=True, slots=True)
class PartyConfig:
    """A homeserver and a relay in one process."""

    home: HomeConfig
    relay: RelayConfig
    demo: str = "none"
    """"party": a permanent room with a bot in it."""

    @classmethod
    def from_environment(cls) -> "PartyConfig":
        """Read all settings. Raises SettingError, naming the variable."""
        return cls(HomeConfig.from_environment(), RelayConfig.from_environment())

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
            public_url=self.home.public_url if public_url is None else public_url,
        )
        relay = self.relay if engine is None else replace(self.relay, engine=engine)
        config = replace(self, home=home, relay=relay)
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


SETTINGS = (*HOME_SETTINGS, *RELAY_SETTINGS)
"""Every environment variable that the whole server reads."""
