"""Pure core: `view` and `budget`: how a peer is served."""

from relay.errors import RefusalError
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m
from soiree.wire.errors import WireError


def view(scene: Scene, session: Session, message: m.View) -> None:
    """Look from a place; radius 0: from one's avatar again, as far as at first."""
    if not message.radius_m:
        scene.replication.set_view(session.peer, entity=session.avatar, radius_m=0)
    else:
        at = (message.x, message.y, message.z)
        try:
            scene.replication.set_view(session.peer, position_m=at, radius_m=message.radius_m)
        except WireError as beyond:
            raise RefusalError("state") from beyond
    scene.tell(session, m.Done, message.n)


def budget(scene: Scene, session: Session, message: m.Budget) -> None:
    """Cap what is sent down; 0: adaptive."""
    scene.replication.set_cap(session.peer, message.kbit_s)
    scene.tell(session, m.Done, message.n)
