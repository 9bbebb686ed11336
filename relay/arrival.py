"""Pure core: a hello: a peer comes, comes back over another connection, or begins again without its memory (docs/PROTOCOL.md section 3)."""

from relay import absence, departure, requests
from relay.errors import MisbehaviourError
from relay.outputs import SendControl
from relay.scene import Scene
from relay.session import Session
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.state import TICK_HZ


def arrive(scene: Scene, session: Session, hello: m.Hello, info: m.RoomInfo) -> None:
    """Answer a hello on the connection that now carries the session. Raises MisbehaviourError for one that cannot be answered."""
    if hello.version[0] != m.VERSION[0]:
        spoken = ".".join(map(str, m.VERSION))
        raise MisbehaviourError("version", f"This relay speaks version {spoken}; update the client.")
    if hello.fresh:
        _begin(scene, session, info)
    elif session.present and session.resume(hello.applied):
        _go_on(scene, session, info)
    else:
        raise MisbehaviourError("protocol", "This session cannot go on from there.")


def progress(scene: Scene, session: Session) -> None:
    """The peer has applied more of what it was told."""
    session.snapshot.on_applied(session.outbox.applied)
    for gone in session.applied_despawns():
        scene.ids.forgotten(gone)


def _go_on(scene: Scene, session: Session, info: m.RoomInfo) -> None:
    _welcome(scene, session, info, fresh=False)
    for payload in session.outbox.replay():
        scene.outputs.append(SendControl(session.peer, payload))
    scene.replication.on_applied(session.peer, session.outbox.applied)
    progress(scene, session)
    absence.hear(scene, session)


def _begin(scene: Scene, session: Session, info: m.RoomInfo) -> None:
    first = not session.present
    if first:
        _enter(scene, session)
    else:
        _forget(scene, session)
    _welcome(scene, session, info, fresh=True)
    scene.tell(session, m.PeerJoined, session.peer, session.name, False)
    for other in scene.present.values():
        if other is not session:
            scene.tell(session, m.PeerJoined, other.peer, other.name, other.away)
    if first:
        scene.tell_others(session, m.PeerJoined, session.peer, session.name, False)
        departure.adopt(scene, session)
    scene.begin_snapshot(session)
    absence.hear(scene, session)
    requests.repeat_asks(scene, session)


def _enter(scene: Scene, session: Session) -> None:
    """The first hello: others come to know of it only now, and not of how long it took."""
    session.present = True
    session.away = False
    scene.present[session.peer] = session
    scene.replication.join(session.peer, scene.now)


def _forget(scene: Scene, session: Session) -> None:
    """A reloaded page: it is told everything anew, and nobody answers what it no longer knows that it asked."""
    scene.forget_told(session)
    for ask in scene.asks.of_peer(session.peer):
        scene.asks.close(ask)


def _welcome(scene: Scene, session: Session, info: m.RoomInfo, *, fresh: bool) -> None:
    applied = session.inbox.applied
    welcome = m.Welcome(0, m.VERSION, applied, fresh, session.peer, session.host, info, scene.tick, TICK_HZ, [])
    scene.outputs.append(SendControl(session.peer, control.encode(welcome)))
