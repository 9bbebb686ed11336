"""Pure core: an entity's properties and their bounds."""

from collections.abc import Mapping

import msgspec

from relay.entities import Entity
from relay.errors import RefusalError
from relay.ownership import refusal
from soiree.wire.limits import MAX_PROPERTIES, MAX_PROPERTIES_BYTES
from soiree.wire.messages import PropertyValue

_encode = msgspec.msgpack.Encoder().encode


def merged(
    old: Mapping[str, PropertyValue], changes: Mapping[str, PropertyValue], entity: Entity | None
) -> dict[str, PropertyValue]:
    """`old` with `changes`, where None removes a key. Raises RefusalError `too-large`, about `entity` if there is one already."""
    new: dict[str, PropertyValue] = {key: value for key, value in {**old, **changes}.items() if value is not None}
    if len(new) > MAX_PROPERTIES or len(_encode(new)) > MAX_PROPERTIES_BYTES:
        raise RefusalError("too-large") if entity is None else refusal("too-large", entity)
    return new
