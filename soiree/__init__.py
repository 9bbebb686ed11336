"""Soiree: shared 3D worlds. `async with soiree.join(url, room=…) as room:` and you are in one (docs/PYTHON.md)."""

from soiree.client.changes import (
    Asked,
    AttachRuleChanged,
    Away,
    Change,
    Connected,
    Data,
    Despawned,
    Event,
    Interrupted,
    Joined,
    Left,
    LifetimeChanged,
    MasterChanged,
    OwnerChanged,
    ParentChanged,
    Peer,
    PropertiesChanged,
    Refused,
    RuleChanged,
    Spawned,
    StateUpdated,
)
from soiree.client.downward import Frame
from soiree.client.entity import Entity
from soiree.client.errors import GoneError, JoinError, RefusedError, RoomClosedError, SlowReaderError, SoireeError
from soiree.client.group import Group, Unborn
from soiree.client.joining import join
from soiree.client.room import Room
from soiree.client.room_stats import RoomStats
from soiree.wire.records import Pose, PosePart, Transform

__all__ = [
    "Asked",
    "AttachRuleChanged",
    "Away",
    "Change",
    "Connected",
    "Data",
    "Despawned",
    "Entity",
    "Event",
    "Frame",
    "GoneError",
    "Group",
    "Interrupted",
    "JoinError",
    "Joined",
    "Left",
    "LifetimeChanged",
    "MasterChanged",
    "OwnerChanged",
    "ParentChanged",
    "Peer",
    "Pose",
    "PosePart",
    "PropertiesChanged",
    "Refused",
    "RefusedError",
    "Room",
    "RoomClosedError",
    "RoomStats",
    "RuleChanged",
    "SlowReaderError",
    "SoireeError",
    "Spawned",
    "StateUpdated",
    "Transform",
    "Unborn",
    "join",
]
