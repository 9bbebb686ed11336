"""Pure core: what a lobby's name says: how its packets travel, and which custom channels the game has.

A name is `MODE:REST` or `MODE+CHANNELS:REST`, with MODE direct, relay or bridge and one letter for each entry of the game's
`channels_config`: r(eliable), o(rdered, unreliable), u(nreliable). Any other name is all REST, and its lobby is as the address of the
socket says. To join an empty REST makes a lobby, whose REST is drawn.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from signalling.godot.limits import NAME_CHARS
from soiree.channels import MAX_CUSTOM_CHANNELS, TransferMode
from soiree.link import LobbyMode

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HANDLE_CHARS = 12

_PREFIX = re.compile(rf"(?P<mode>direct|relay|bridge)(?:\+(?P<channels>[rou]{{1,{MAX_CUSTOM_CHANNELS}}}))?:")
_CHANNELS = re.compile(rf"[rou]{{0,{MAX_CUSTOM_CHANNELS}}}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a socket's address asks for the lobbies that it makes."""

    mode: LobbyMode = LobbyMode.DIRECT
    channels: tuple[TransferMode, ...] = ()
    ice: bool = False
    """Whether the client wants to be told of our ICE servers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a JOIN asks for."""

    prefix: str
    """With its colon, as it was said; empty without one."""
    rest: str
    """Empty: make a lobby."""
    mode: LobbyMode
    channels: tuple[TransferMode, ...]


def wish_of(query: Mapping[str, str], default: LobbyMode) -> Wish:
    """What `?mode=…&channels=…&ice=1` ask for. Raises ValueError with words."""
    mode, channels = query.get("mode", default), query.get("channels", "")
    if mode not in tuple(LobbyMode):
        raise ValueError(f"The mode of a lobby is one of {', '.join(LobbyMode)}.")
    if not _CHANNELS.fullmatch(channels):
        raise ValueError(f"channels are up to {MAX_CUSTOM_CHANNELS} letters r, o or u, one for each custom channel.")
    return Wish(LobbyMode(mode), modes_of(channels), query.get("ice", "0") not in ("", "0"))


def asked(name: str, wish: Wish) -> Asked:
    """What JOIN with `name` asks for on a socket with this wish."""
    found = _PREFIX.match(name)
    if found is None:
        return Asked("", name, wish.mode, wish.channels)
    channels = wish.channels if found["channels"] is None else modes_of(found["channels"])
    return Asked(found[0], name[found.end() :], LobbyMode(found["mode"]), channels)


def modes_of(letters: str) -> tuple[TransferMode, ...]:
    """Transfer modes by their letters."""
    return tuple(TransferMode(letter) for letter in letters)


def draw_name(rng: Random) -> str:
    """A name that nobody guesses: whoever knows it may join."""
    return "".join(rng.choices(LETTERS, k=NAME_CHARS))


def handle_of(name: str) -> str:
    """What a lobby is called in public: from it nobody learns the name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:HANDLE_CHARS]
