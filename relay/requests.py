"""Pure core: the way of a request: decided at once, or asked of the master (docs/PROTOCOL.md section 7)."""

from relay.asks import PendingAsk
from relay.entities import Entity
from relay.errors import RefusalError
from relay.ownership import Verdict, decide_request, refusal
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m


def request(scene: Scene, session: Session, entity: Entity, message: m.Request) -> None:
    """Grant, ask the master, or raise RefusalError."""
    verdict = decide_request(entity, session.peer, message.epoch, _master_is_here(scene, entity))
    if verdict is Verdict.GRANT:
        scene.change_owner(entity, session.peer, "request", session, message.n)
        return
    ask = scene.asks.open(entity, session.peer, message.n, message.note, scene.now)
    _ask_master(scene, entity, ask)


def answer(scene: Scene, session: Session, message: m.Answer) -> None:
    """The master decides. Raises RefusalError for a ticket that it does not hold."""
    ask = scene.asks.get(message.ticket)
    entity = scene.entities.get(ask.entity) if ask is not None else None
    if ask is None or entity is None or entity.master != session.peer:
        raise RefusalError("unknown-ticket")
    if message.allow:
        # Who asked is answered by the grant itself.
        scene.change_owner(entity, ask.peer, "answer")
    else:
        scene.asks.close(ask)
        scene.refuse_ask(ask, refusal("denied", entity))
    scene.tell(session, m.Done, message.n)


def time_out(scene: Scene) -> None:
    """Refuse what no master has answered in time."""
    for ask in scene.asks.overdue(scene.now):
        scene.asks.close(ask)
        scene.refuse_ask(ask, refusal("timeout", scene.entities[ask.entity]))


def decide_anew(scene: Scene, entity: Entity) -> None:
    """The entity has another master: what waits is asked of that one, or decided as though it were asked now."""
    for ask in scene.asks.of_entity(entity.id):
        if scene.asks.get(ask.ticket) is None:
            continue
        try:
            verdict = decide_request(entity, ask.peer, ask.epoch, _master_is_here(scene, entity))
        except RefusalError as why:
            scene.asks.close(ask)
            scene.refuse_ask(ask, why)
            continue
        if verdict is Verdict.GRANT:
            scene.change_owner(entity, ask.peer, "request")
        else:
            _ask_master(scene, entity, ask)


def repeat_asks(scene: Scene, session: Session) -> None:
    """A master that has lost its memory is asked again."""
    for entity in scene.entities.mastered(session.peer):
        for ask in scene.asks.of_entity(entity.id):
            _ask_master(scene, entity, ask)


def _master_is_here(scene: Scene, entity: Entity) -> bool:
    master = scene.present.get(entity.master)
    return master is not None and not master.away


def _ask_master(scene: Scene, entity: Entity, ask: PendingAsk) -> None:
    master = scene.present[entity.master]
    scene.promote(master, entity)
    scene.tell(master, m.Ask, ask.ticket, entity.id, ask.peer, ask.note, entity.ask_timeout_ms)
