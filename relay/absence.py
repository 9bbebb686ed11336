"""Pure core: silence and return: what lapses meanwhile, and what is given back (docs/PROTOCOL.md sections 6 and 7)."""

from relay.outputs import Away, SendState
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m
from soiree.wire.messages import NOBODY
from soiree.wire.state import pack_ping


def hear(scene: Scene, session: Session) -> None:
    """Something of the peer has arrived."""
    session.heard_at = scene.now
    if session.silent:
        session.silent = False
        _give_back(scene, session)
    if session.away:
        set_away(scene, session, away=False)
    scene.missed.discard(session.peer)


def listen(scene: Scene, session: Session) -> None:
    """Time has passed: has it been silent, or away, for too long? Is a ping due?"""
    config = scene.config
    silence = scene.now - max(session.heard_at, scene.replication.heard_s(session.peer))
    if silence >= config.lapse_after_s:
        _lapse(scene, session)
    if silence >= config.away_after_s:
        set_away(scene, session, away=True)
    if session.away and scene.now - session.away_since >= config.left_after_s:
        scene.end(session, "timeout")
    if session.attached and (ping := session.pings.next(scene.tick, scene.now, config.ping_every_s)) is not None:
        scene.outputs.append(SendState(session.peer, pack_ping(ping)))


def set_away(scene: Scene, session: Session, *, away: bool) -> None:
    """Note that it is away, or back, and tell others of a peer that they know."""
    if session.away == away:
        return
    session.away, session.away_since = away, scene.now
    if away:
        scene.missed.add(session.peer)
    if session.present:
        scene.tell_others(session, m.PeerAway, session.peer, away)
        scene.outputs.append(Away(session.peer, away))


def lose_connection(scene: Scene, session: Session) -> None:
    """Its connection is gone: it is away at once, though what it owns lapses only for its silence."""
    session.attached = False
    if session.present:
        scene.replication.set_active(session.peer, active=False, now=scene.now)
    set_away(scene, session, away=True)


def _lapse(scene: Scene, session: Session) -> None:
    """What it owns goes to the masters, also what it is given while the silence lasts. What it is itself master of stays its own."""
    session.silent = True
    scene.missed.add(session.peer)
    for entity in scene.entities.owned(session.peer):
        if entity.master not in (NOBODY, session.peer):
            scene.change_owner(entity, entity.master, "lapse")
            session.lapsed[entity.id] = (entity, entity.epoch)


def _give_back(scene: Scene, session: Session) -> None:
    """It owns again what lapsed and was not given on."""
    lapsed, session.lapsed = session.lapsed, {}
    for entity, epoch in lapsed.values():
        if entity.epoch == epoch:
            scene.change_owner(entity, session.peer, "resume")
