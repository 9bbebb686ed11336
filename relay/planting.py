"""Pure core: planting: things that stand in a room and are nobody's: no peer brought them, and none can change them.

They are told like all else, when they come into sight, so planting costs nothing but their rows. They live as long as the room.
"""

from collections.abc import Iterable
from typing import NamedTuple

from relay.entities import Entity
from relay.errors import RefusalError, StateError
from relay.scene import Scene
from soiree.wire.messages import NOBODY, PropertyValue


class Plant(NamedTuple):
    """One thing that stands."""

    kind: str
    state: bytes
    """Placed record without a parent; the entity id inside is of no account."""
    properties: dict[str, PropertyValue]
    """Many plants may share a map: it is never changed."""


def plant(scene: Scene, plants: Iterable[Plant]) -> list[int]:
    """Put things into the world; returns their entities.

    Raises:
        StateError: a placed record cannot be used; those before it are planted.
        RefusalError: `too-many`, the room is full; likewise.
    """
    return [_plant(scene, each) for each in plants]


def _plant(scene: Scene, plant: Plant) -> int:
    number = scene.ids.take() if len(scene.entities) < scene.config.max_entities else None
    if number is None:
        raise RefusalError("too-many")
    try:
        scene.world.add(number, plant.state, scene.tick)
    except StateError:
        scene.ids.retire(number)
        raise
    scene.entities.plant(
        Entity(
            id=number,
            uuid=scene.new_uuid(),
            kind=plant.kind,
            owner=NOBODY,
            master=NOBODY,
            rule="deny",
            lifetime="persistent",
            attach_rule="deny",
            properties=plant.properties,
            owned_since=scene.tick,
        )
    )
    return number
