"""Which data channels a WebRTC connection has: ours, or those of a Godot game.

All of them are negotiated out of band, so both ends make the same ones. How reliable a channel is, is a matter of the end that sends.

Pure core.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from soiree.transport import CONTROL, MAX_CONTROL_BYTES, MAX_FRAME_BYTES, STATE


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel, as the end that sends on it has it."""

    stream: int
    """SCTP stream id, the same at both ends."""
    label: str
    max_bytes: int
    """Largest message, in both directions."""
    ordered: bool = True
    lossy: bool = False
    """Never retransmitted, and dropped rather than queued."""


Layout = Mapping[int, Channel]
"""The channels of one connection, by stream."""


def layout_of(channels: Iterable[Channel]) -> Layout:
    """Channels by stream. Raises ValueError when two share one, or CONTROL is not among them or not reliable."""
    layout: dict[int, Channel] = {}
    for channel in channels:
        if channel.stream in layout:
            raise ValueError(f"two channels on stream {channel.stream}")
        layout[channel.stream] = channel
    if CONTROL not in layout or layout[CONTROL].lossy:
        raise ValueError(f"stream {CONTROL} must be there, and reliable")
    return layout


SOIREE: Final = layout_of(
    (
        Channel(CONTROL, "control", MAX_CONTROL_BYTES),
        Channel(STATE, "state", MAX_FRAME_BYTES, ordered=False, lossy=True),
    )
)
"""The channels of docs/PROTOCOL.md section 2."""

GODOT_MAX_BYTES: Final = 256 * 1024
"""Largest message of a Godot game: what browsers and webrtc-native take from each other."""
MAX_CUSTOM_CHANNELS: Final = 8
"""Of one game, beside the three that each has."""
FIRST_CUSTOM_STREAM: Final = 4


class TransferMode(StrEnum):
    """Godot's `MultiplayerPeer.TransferMode`, by the letter that stands for it in a lobby's name."""

    RELIABLE = "r"
    ORDERED = "o"
    """TRANSFER_MODE_UNRELIABLE_ORDERED."""
    UNRELIABLE = "u"


def godot_layout(custom: Iterable[TransferMode] = ()) -> Layout:
    """The channels of a `WebRTCMultiplayerPeer` whose `channels_config` is `custom`, with the reliability that its author meant.

    Godot itself retransmits on all of them, since it spells the option that should keep it from doing so in a way that nobody reads. What
    custom channels the game may have beyond those named are there too, reliable: a channel that is not used costs next to nothing, one
    that is missing loses what is said on it.

    Raises ValueError for more than MAX_CUSTOM_CHANNELS.
    """
    modes = tuple(custom)
    if len(modes) > MAX_CUSTOM_CHANNELS:
        raise ValueError(f"at most {MAX_CUSTOM_CHANNELS} custom channels, not {len(modes)}")
    modes += (TransferMode.RELIABLE,) * (MAX_CUSTOM_CHANNELS - len(modes))
    named = [
        ("reliable", TransferMode.RELIABLE),
        ("ordered", TransferMode.ORDERED),
        ("unreliable", TransferMode.UNRELIABLE),
    ]
    named += [(str(FIRST_CUSTOM_STREAM + index), mode) for index, mode in enumerate(modes)]
    return layout_of(
        Channel(
            stream,
            label,
            GODOT_MAX_BYTES,
            ordered=mode is not TransferMode.UNRELIABLE,
            lossy=mode is not TransferMode.RELIABLE,
        )
        for stream, (label, mode) in enumerate(named, start=1)
    )
