"""Pure core: what commands name: entities that their sender knows, peers that are here."""

from relay.entities import Entity
from relay.errors import RefusalError
from relay.ownership import refusal
from relay.scene import Scene
from relay.session import Session
from soiree.wire.messages import FIRST_AUDIENCE

ENTITIES_PER_COMMAND = 8
"""So many entities that one command changes count as one more command."""


def known(scene: Scene, session: Session, entity: int) -> Entity:
    """The entity of that id, if the sender was told of it. Raises RefusalError `unknown-entity`."""
    found = scene.entities.get(entity)
    if found is None or entity not in session.told:
        raise RefusalError("unknown-entity", max(entity, 0))  # a reference into a group, outside of one, is nothing
    return found


def present(scene: Scene, peer: int, entity: Entity | None = None) -> Session:
    """The session of a peer that others know of. Raises RefusalError `unknown-peer`, about `entity` if there is one."""
    session = scene.present.get(peer)
    if session is None:
        raise RefusalError("unknown-peer") if entity is None else refusal("unknown-peer", entity)
    return session


def audience(scene: Scene, sender: Session, to: int) -> list[Session]:
    """Who an address means: 0 everybody, a peer or an audience of the sender's, −n all but those.

    Raises RefusalError `unknown-peer`; who has left an audience's list is none.
    """
    if abs(to) >= FIRST_AUDIENCE:
        named = sender.audiences.get(abs(to) - FIRST_AUDIENCE)
        if named is None:
            raise RefusalError("unknown-peer")
        if to > 0:
            return [session for peer in named if (session := scene.present.get(peer)) is not None]
        return [session for session in scene.present.values() if session.peer not in named]
    if to > 0:
        return [present(scene, to)]
    return [session for session in scene.present.values() if session.peer != -to]


def must_afford(scene: Scene, session: Session, reached: int, entity: Entity) -> None:
    """A command that changes many entities counts as more than one. Raises RefusalError `rate`."""
    if reached >= ENTITIES_PER_COMMAND and not session.commands.take(scene.now, reached // ENTITIES_PER_COMMAND):
        raise refusal("rate", entity)
