"""Pure core: `send_event`, `send_data` and `set_audience`: what peers say to each other, and to whom."""

import msgspec

from relay.commands.subjects import audience, known
from relay.errors import RefusalError
from relay.ownership import must_hold
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m
from soiree.wire.limits import MAX_EVENT_BYTES

_decode_any = msgspec.msgpack.Decoder().decode


def send_event(scene: Scene, session: Session, message: m.SendEvent) -> None:
    """Say something to everybody, one, or all but one, perhaps about an entity, which they then know first."""
    must_hold(message.condition, session.peer, scene.entities)
    entity = known(scene, session, message.entity) if message.entity else None
    hearers = audience(scene, session, message.to)
    _must_be_readable(message.payload)
    for hearer in hearers:
        if entity is not None:
            scene.promote(hearer, entity)
        re = message.n if hearer is session else 0
        scene.tell(hearer, m.Event, re, session.peer, message.name, message.payload, message.entity)
    if session not in hearers:
        scene.tell(session, m.Done, message.n)


def send_data(scene: Scene, session: Session, message: m.SendData) -> None:
    """Opaque bytes, reliably, to others."""
    for hearer in audience(scene, session, message.to):
        if hearer is not session:
            scene.tell(hearer, m.DataMessage, session.peer, message.payload)
    scene.tell(session, m.Done, message.n)


def set_audience(scene: Scene, session: Session, message: m.SetAudience) -> None:
    """Name a list of peers by a number; an empty list is forgotten."""
    if message.peers:
        session.audiences[message.audience] = tuple(dict.fromkeys(message.peers))
    else:
        session.audiences.pop(message.audience, None)
    scene.tell(session, m.Done, message.n)


def _must_be_readable(payload: msgspec.Raw) -> None:
    """A payload that its hearers could not decode would cost them their connection."""
    if memoryview(payload).nbytes > MAX_EVENT_BYTES:
        raise RefusalError("too-large")
    try:
        _decode_any(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, TypeError, ValueError, OverflowError) as error:
        raise RefusalError("malformed") from error
