"""Pure core: what each command of a client does to the scene: one family of commands a file.

A handler takes (scene, session, message), answers its sender, and raises RefusalError before it has changed anything.
"""

from relay.commands import entities, grouping, ownership, saying, settings, spawning
from relay.commands.grouping import Handler
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m


def _group(scene: Scene, session: Session, message: m.Group) -> None:
    grouping.group(scene, session, message, HANDLERS)


HANDLERS: dict[type[m.Message], Handler] = {
    m.Spawn: spawning.spawn,
    m.Despawn: spawning.despawn,
    m.Request: ownership.request,
    m.Answer: ownership.answer,
    m.Assign: ownership.assign,
    m.Release: ownership.release,
    m.SetMaster: ownership.set_master,
    m.SetRule: entities.set_rule,
    m.SetLifetime: entities.set_lifetime,
    m.SetParent: entities.set_parent,
    m.SetAttachRule: entities.set_attach_rule,
    m.SetProperties: entities.set_properties,
    m.SendEvent: saying.send_event,
    m.SendData: saying.send_data,
    m.SetAudience: saying.set_audience,
    m.View: settings.view,
    m.Budget: settings.budget,
    m.Group: _group,
}
"""Message → what it does."""
