"""Pure core: ends: of a connection, of a session, and what becomes of the things of a peer that has left (docs/PROTOCOL.md section 7)."""

from relay.absence import lose_connection
from relay.entities import Entity
from relay.errors import MisbehaviourError
from relay.outputs import CloseConnection, Left, SendControl
from relay.removal import remove_together
from relay.requests import decide_anew
from relay.scene import Scene
from relay.session import Session
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.messages import NOBODY, Message

LAST_WORDS = {
    "backlog": "Too much waited to be applied.",
    "timeout": "Nothing was heard for too long.",
}
"""Reason of an end that the relay decides → what its client is told."""


def fail(scene: Scene, session: Session, error: MisbehaviourError) -> None:
    """End the connection, but not the session."""
    if session.attached:
        hang_up(scene, session, error.code, m.Error(0, error.code, str(error)))
        lose_connection(scene, session)


def hang_up(scene: Scene, session: Session, reason: str, last: Message) -> None:
    """Close the connection that carries the session, if there is one, with a last message."""
    if session.attached:
        scene.outputs.append(SendControl(session.peer, control.encode(last)))
        scene.outputs.append(CloseConnection(session.peer, reason))
        session.attached = False


def end_sessions(scene: Scene) -> None:
    """End those whose end has come, and those that this in turn overfills."""
    while scene.ending:
        session = scene.ending.pop(0)
        reason = session.ending or ""
        words = LAST_WORDS.get(reason)
        last: Message = m.Bye(0, reason) if words is None else m.Error(0, reason, words)
        hang_up(scene, session, reason, last)
        leave(scene, session, reason)


def leave(scene: Scene, session: Session, reason: str) -> None:
    """The peer has left. Others first hear what becomes of its things, then that it is gone; after that nothing here names it."""
    del scene.sessions[session.peer]
    scene.present.pop(session.peer, None)
    scene.missed.discard(session.peer)
    for ask in scene.asks.of_peer(session.peer):
        scene.asks.close(ask)
    for _, gone in session.despawns:
        scene.ids.forgotten(gone)
    _bequeath(scene, session)
    for entity in scene.entities.owned(session.peer):
        scene.change_owner(entity, entity.master, "left")
    if session.present:
        scene.replication.leave(session.peer)
        scene.tell_others(session, m.PeerLeft, session.peer, reason)
    scene.outputs.append(Left(session.peer, reason))


def adopt(scene: Scene, session: Session) -> None:
    """A peer has come: it becomes master of what waits for its identity, and of what the last to leave left to the room."""
    for entity in scene.entities.mastered(NOBODY):
        if entity.lifetime == "with-room" or (entity.subject and entity.subject == session.subject):
            _inherit(scene, entity, session.peer)


def _bequeath(scene: Scene, session: Session) -> None:
    mastered = scene.entities.mastered(session.peer)
    for entity in mastered:
        if entity.lifetime != "with-master":
            entity.subject = session.subject
            _inherit(scene, entity, _heir(scene, entity))
    remove_together(scene, {entity.id: "left" for entity in mastered if entity.lifetime == "with-master"})


def _heir(scene: Scene, entity: Entity) -> int:
    """Who becomes master of what one who has left mastered: with-room, the longest-present; persistent, another with the same identity."""
    for session in scene.present.values():
        if entity.lifetime == "with-room" or (entity.subject and entity.subject == session.subject):
            return session.peer
    return NOBODY


def _inherit(scene: Scene, entity: Entity, heir: int) -> None:
    """Mastership passes on without a command. The bound of what a peer may master is for commands: here the room's own holds."""
    orphan = entity.owner not in scene.sessions
    scene.change_master(entity, heir)
    if orphan and entity.owner != heir:
        scene.change_owner(entity, heir, "left" if heir == NOBODY else "adopt")
    decide_anew(scene, entity)
