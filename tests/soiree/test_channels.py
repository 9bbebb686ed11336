"""Layouts of channels: ours and those of Godot games."""

import pytest

from soiree.channels import (
    MAX_CUSTOM_CHANNELS,
    SOIREE,
    Channel,
    TransferMode,
    godot_layout,
    layout_of,
)
from soiree.transport import CONTROL, STATE


def test_ours_are_one_reliable_and_one_lossy_channel() -> None:
    assert {stream: (channel.ordered, channel.lossy) for stream, channel in SOIREE.items()} == {
        CONTROL: (True, False),
        STATE: (False, True),
    }


def test_a_game_has_three_channels_and_those_that_it_configures() -> None:
    layout = godot_layout([TransferMode.UNRELIABLE, TransferMode.ORDERED])
    told = {stream: (channel.label, channel.ordered, channel.lossy) for stream, channel in layout.items()}
    assert {stream: told[stream] for stream in range(1, 7)} == {
        1: ("reliable", True, False),
        2: ("ordered", True, True),
        3: ("unreliable", False, True),
        4: ("4", False, True),
        5: ("5", True, True),
        6: ("6", True, False),
    }
    assert len(layout) == 3 + MAX_CUSTOM_CHANNELS


def test_custom_channels_have_a_bound() -> None:
    assert len(godot_layout([TransferMode.UNRELIABLE] * MAX_CUSTOM_CHANNELS)) == 3 + MAX_CUSTOM_CHANNELS
    with pytest.raises(ValueError, match="at most 8"):
        godot_layout([TransferMode.UNRELIABLE] * (MAX_CUSTOM_CHANNELS + 1))


def test_a_layout_has_each_stream_once_and_a_reliable_control() -> None:
    with pytest.raises(ValueError, match="two channels"):
        layout_of([Channel(1, "a", 10), Channel(1, "b", 10)])
    with pytest.raises(ValueError, match="must be there"):
        layout_of([Channel(1, "a", 10, lossy=True)])
    with pytest.raises(ValueError, match="must be there"):
        layout_of([Channel(2, "a", 10)])
