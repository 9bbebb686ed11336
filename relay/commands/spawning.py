"""Pure core: `spawn` and `despawn`."""

from relay.commands.properties import merged
from relay.commands.subjects import known, must_afford
from relay.entities import Entity
from relay.errors import RefusalError, StateError
from relay.ownership import may_ride, must_be_master, must_hold, refusal
from relay.removal import carried_along, remove_together
from relay.scene import Scene
from relay.session import Session
from relay.world import NEVER
from soiree.wire import messages as m
from soiree.wire.limits import MAX_ALWAYS_RELEVANT_PER_PEER, MAX_DEPTH

NONE_OF_ITS_KIND = m.Condition(0, 0)
"""Of several who make the one thing of its kind, one does."""
AVATAR = "avatar"
"""Kind of the entity that a peer looks from."""


def spawn(scene: Scene, session: Session, message: m.Spawn) -> Entity:
    """Make an entity; its sender becomes master and owner."""
    if message.condition == NONE_OF_ITS_KIND:
        if scene.entities.has_kind(message.kind):
            raise RefusalError("stale")
    else:
        must_hold(message.condition, session.peer, scene.entities)
    _must_have_room(scene, session, message.relevance)
    properties = merged({}, message.properties, None)
    parent = known(scene, session, message.parent) if message.parent else None
    if parent is not None:
        may_ride(parent, session.peer)
        if scene.entities.depth(parent) + 1 > MAX_DEPTH:
            raise refusal("depth", parent)
    entity = _place(scene, session, message, properties)
    scene.entities.add(entity)
    if entity.kind == AVATAR:
        session.avatar = entity.id
        scene.replication.set_view(session.peer, entity=entity.id)
    scene.tell_spawned(session, entity, message.n)
    for peer in scene.replication.interest.witnesses(entity.id):
        scene.glimpse(scene.present[peer], entity)
    return entity


def despawn(scene: Scene, session: Session, message: m.Despawn) -> None:
    """Remove an entity; its children fall to the grandparent, or those that its master also masters go along."""
    entity = known(scene, session, message.entity)
    must_be_master(entity, session.peer)
    going = carried_along(scene, entity) if message.children == "along" else [entity]
    must_afford(scene, session, len(going), entity)
    reasons = {gone.id: "despawn" if gone is entity else "parent" for gone in going}
    remove_together(scene, reasons, session, message.n)


def _must_have_room(scene: Scene, session: Session, relevance: m.Relevance) -> None:
    if len(scene.entities) >= scene.config.max_entities:
        raise RefusalError("too-many")
    if scene.entities.count_mastered(session.peer) >= scene.config.max_entities_per_peer:
        raise RefusalError("too-many")
    if relevance == "always" and scene.entities.count_always(session.peer) >= MAX_ALWAYS_RELEVANT_PER_PEER:
        raise RefusalError("too-many")


def _place(scene: Scene, session: Session, message: m.Spawn, properties: dict[str, m.PropertyValue]) -> Entity:
    entity_id = scene.ids.take()
    if entity_id is None:
        raise RefusalError("too-many")
    try:
        scene.world.add(entity_id, message.state, scene.tick, message.parent)
    except StateError:
        scene.ids.retire(entity_id)
        raise
    scene.world.set_owner(entity_id, session.peer, NEVER, scene.tick)
    scene.world.set_master(entity_id, session.peer)
    scene.world.set_weight(entity_id, scene.config.kind_weights.get(message.kind, 1.0))
    if message.relevance == "always":
        scene.world.set_always(entity_id)
    return Entity(
        id=entity_id,
        uuid=scene.new_uuid(),
        kind=message.kind,
        owner=session.peer,
        master=session.peer,
        rule=message.rule,
        lifetime=message.lifetime,
        attach_rule=message.attach_rule,
        properties=properties,
        parent=message.parent,
        owned_since=scene.tick,
        always=message.relevance == "always",
    )
