"""Pure core: `view` and `budget`: how a peer is served."""

from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m


def view(scene: Scene, session: Session, message: m.View) -> None:
    """Look from a place; radius 0: from one's avatar again."""
    if message.radius_m:
        scene.replication.set_view(session.peer, position_m=(message.x, message.y, message.z))
    else:
        scene.replication.set_view(session.peer, entity=session.avatar)
    scene.tell(session, m.Done, message.n)


def budget(scene: Scene, session: Session, message: m.Budget) -> None:
    """Cap what is sent down; 0: adaptive."""
    scene.replication.set_cap(session.peer, message.kbit_s)
    scene.tell(session, m.Done, message.n)
