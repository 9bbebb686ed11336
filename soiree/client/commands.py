"""Commands whose fields need making, whether they go alone or in a group (docs/PROTOCOL.md section 4).

Pure core: what one says in, message type and fields after `n` out.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from soiree.client.errors import RefusedError
from soiree.client.frame_of_reference import inward
from soiree.client.placement import placed_bytes
from soiree.client.replica import Replica
from soiree.wire import messages as m
from soiree.wire.limits import MAX_EVENT_BYTES
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Transform

Command = tuple[Any, ...]
"""Message type, then its fields after `n`."""


def spawn(
    kind: str,
    where: Transform,
    parent: int,
    *,
    rule: m.Rule,
    lifetime: m.Lifetime,
    properties: Mapping[str, m.PropertyValue] | None,
    upright: bool,
    attach_rule: m.AttachRule,
    relevance: m.Relevance,
    only_if: Replica | None,
) -> Command:
    """Make an entity; `parent` as the wire names it. Raises ValueError for a place that cannot be sent."""
    state = placed_bytes(where, upright=upright and not parent, child=parent != 0)
    held = dict(properties or {})
    return (m.Spawn, kind, state, rule, lifetime, held, parent, attach_rule, condition(only_if), relevance)


def set_parent(
    entity: Replica, parent: Replica | None, position: Vec3 | None, rotation: Quat | None, only_if: Replica | None
) -> Command:
    """Let `entity` ride in `parent`; what is left out of its place stays as it is in the world. Raises GoneError if `parent` is gone."""
    if parent is not None:
        parent.check_here()
    outer = entity.world_transform()
    there = outer if parent is None else inward(parent.world_transform(), outer)
    moved = Transform(
        there.position if position is None else position, there.rotation if rotation is None else rotation
    )
    return set_parent_to(entity, 0 if parent is None else parent.id, moved, only_if)


def set_parent_to(entity: Replica, parent: int, moved: Transform, only_if: Replica | None) -> Command:
    """Let `entity` ride at `moved` in `parent`, as the wire names it."""
    # How often it was attached only the relay knows for sure; it writes the count into the record.
    state = placed_bytes(moved, upright=entity.upright and not parent, child=parent != 0)
    return (m.SetParent, entity.id, parent, state, condition(only_if))


def send_event(name: str, payload: Any, to: int, entity: Replica | None, only_if: Replica | None) -> Command:
    """An event. Raises ValueError for a payload that cannot be sent, GoneError for an entity that is not here."""
    if entity is not None:
        entity.check_here()
    try:
        raw = msgspec.msgpack.encode(payload)
    except (TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise ValueError(f"an event's payload must be plain data: {error}") from error
    if len(raw) > MAX_EVENT_BYTES:
        raise ValueError(f"an event's payload of {len(raw)} bytes, {MAX_EVENT_BYTES} at most")
    return (m.SendEvent, name, msgspec.Raw(raw), to, 0 if entity is None else entity.id, condition(only_if))


def condition(only_if: Replica | None) -> m.Condition | None:
    """That we own this entity at the epoch known here. Raises RefusedError ("stale") for one that is not here: its id may be another's."""
    if only_if is None:
        return None
    if not only_if.alive:
        raise RefusedError("stale", only_if.id, only_if.owner, only_if.epoch)
    return m.Condition(only_if.id, only_if.epoch)
