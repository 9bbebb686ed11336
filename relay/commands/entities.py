"""Pure core: `set_rule`, `set_lifetime`, `set_attach_rule`, `set_parent` and `set_properties`."""

from relay import speed
from relay.commands.properties import merged
from relay.commands.subjects import known
from relay.errors import StateError
from relay.ownership import may_attach, must_be_master, must_be_owner, must_hold, refusal
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m


def set_rule(scene: Scene, session: Session, message: m.SetRule) -> None:
    """Master: what happens when others ask for it. Requests that wait already are decided as they were asked."""
    entity = known(scene, session, message.entity)
    must_be_master(entity, session.peer)
    entity.rule, entity.ask_timeout_ms, entity.fallback = message.rule, message.ask_timeout_ms, message.fallback
    told = (entity.id, entity.rule, entity.ask_timeout_ms, entity.fallback)
    scene.tell_seers(entity, session, message.n, m.RuleSet, *told)


def set_lifetime(scene: Scene, session: Session, message: m.SetLifetime) -> None:
    """Master: what becomes of it when its master has left."""
    entity = known(scene, session, message.entity)
    must_be_master(entity, session.peer)
    entity.lifetime = message.lifetime
    scene.tell_seers(entity, session, message.n, m.LifetimeSet, entity.id, entity.lifetime)


def set_attach_rule(scene: Scene, session: Session, message: m.SetAttachRule) -> None:
    """Master: who may ride in it. Who rides in it already stays."""
    entity = known(scene, session, message.entity)
    must_be_master(entity, session.peer)
    entity.attach_rule = message.attach_rule
    scene.tell_seers(entity, session, message.n, m.AttachRuleSet, entity.id, entity.attach_rule)


def set_parent(scene: Scene, session: Session, message: m.SetParent) -> None:
    """Owner: attach it to a parent, or detach it."""
    entity = known(scene, session, message.entity)
    must_be_owner(entity, session.peer)
    must_hold(message.condition, session.peer, scene.entities)
    parent = known(scene, session, message.parent) if message.parent else None
    if parent is not None:
        may_attach(entity, parent, scene.entities)
    try:
        speed.move_to_parent(scene.world, entity.id, message.parent, message.state, scene.tick, scene.max_speed_m_s)
        scene.change_parent(entity, parent, message.state, session, message.n)
    except StateError as unusable:
        raise refusal(unusable.code, entity) from unusable


def set_properties(scene: Scene, session: Session, message: m.SetProperties) -> None:
    """Owner: merge properties."""
    entity = known(scene, session, message.entity)
    must_be_owner(entity, session.peer)
    entity.properties = merged(entity.properties, message.properties, entity)
    scene.tell_seers(entity, session, message.n, m.PropertiesSet, entity.id, message.properties)
