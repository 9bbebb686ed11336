"""Pure core: `request`, `answer`, `assign`, `release` and `set_master`."""

from contextlib import nullcontext

from relay import requests
from relay.commands.subjects import known, must_afford, present
from relay.ownership import may_release, must_be_master, refusal
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m
from soiree.wire.limits import MAX_ALWAYS_RELEVANT_PER_PEER


def request(scene: Scene, session: Session, message: m.Request) -> None:
    """Ask for ownership."""
    requests.request(scene, session, known(scene, session, message.entity), message)


def answer(scene: Scene, session: Session, message: m.Answer) -> None:
    """The master's word on a request."""
    requests.answer(scene, session, message)


def assign(scene: Scene, session: Session, message: m.Assign) -> None:
    """Give ownership to any peer, be it of all that rides in the entity as far as the sender is its master."""
    root = known(scene, session, message.entity)
    must_be_master(root, session.peer)
    present(scene, message.peer, root)
    reached = scene.entities.subtree(root) if message.subtree else [root]
    going = [entity for entity in reached if entity.master == session.peer and entity.owner != message.peer]
    must_afford(scene, session, len(going), root)
    if root.owner == message.peer:
        # Nothing changes, so nobody else hears of it.
        scene.tell(session, m.Granted, message.n, root.id, root.owner, root.epoch, root.owned_since, "assign")
    with scene.together() if message.subtree else nullcontext():
        for entity in going:
            scene.change_owner(entity, message.peer, "assign", session, message.n if entity is root else 0)


def release(scene: Scene, session: Session, message: m.Release) -> None:
    """Hand back to the master."""
    entity = known(scene, session, message.entity)
    may_release(entity, session.peer)
    scene.change_owner(entity, entity.master, "release", session, message.n)


def set_master(scene: Scene, session: Session, message: m.SetMaster) -> None:
    """Hand mastership on; what waits for an answer is asked of the new master."""
    entity = known(scene, session, message.entity)
    must_be_master(entity, session.peer)
    heir = present(scene, message.peer, entity)
    if heir is not session and scene.entities.count_mastered(heir.peer) >= scene.config.max_entities_per_peer:
        raise refusal("too-many", entity)
    if heir is not session and entity.always and scene.entities.count_always(heir.peer) >= MAX_ALWAYS_RELEVANT_PER_PEER:
        raise refusal("too-many", entity)
    scene.change_master(entity, heir.peer, session, message.n)
    if heir is not session:
        requests.decide_anew(scene, entity)
