"""Pure core: what peers send on the state stream: STATE goes to replication, DATA to others, PONG tells the round trip (PROTOCOL 5.1)."""

from collections import Counter
from collections.abc import Sequence

from relay.absence import hear
from relay.arrival import progress
from relay.commands.subjects import audience
from relay.departure import fail
from relay.errors import MisbehaviourError, RefusalError
from relay.outputs import Dropped, RoundTrip, SendState
from relay.ownership import refusal
from relay.reception import DETACHED
from relay.scene import Scene
from relay.session import Session
from soiree.wire.errors import WireError
from soiree.wire.state import FrameType, pack_data, unpack_data, unpack_pong

_STATE = bytes([FrameType.STATE])


def take_frames(scene: Scene, frames: Sequence[tuple[int, bytes]]) -> None:
    """(peer, payload) in order of arrival, of peers' current connections."""
    dropped: Counter[str] = Counter()
    states = [frame for frame in frames if frame[1][:1] == _STATE]
    if len(states) < len(frames):
        for peer, payload in frames:
            if payload[:1] != _STATE:
                _take_other(scene, peer, payload, dropped)
    if states:
        _take_states(scene, states, dropped)
    scene.outputs.extend(Dropped(reason, count) for reason, count in dropped.items() if count)


def refuse_the_fast(scene: Scene) -> None:
    """Tell owners whose newest transform was refused for its speed, since their frames are acknowledged: they say it again as a jump."""
    for reached in scene.replication.refused(scene.tick):
        entity = scene.entities[reached]
        owner = scene.present.get(entity.owner)
        if owner is not None and entity.id in owner.told:
            scene.refuse(owner, 0, refusal("speed", entity))


def count_malformed(scene: Scene, session: Session, count: int = 1) -> None:
    """So many more messages of this connection cannot be read. Raises MisbehaviourError for one too many."""
    scene.outputs.append(Dropped("malformed", count))
    session.malformed += count
    if session.malformed >= scene.config.malformed_limit:
        raise MisbehaviourError("malformed", f"{session.malformed} messages could not be read.")


def _take_states(scene: Scene, states: list[tuple[int, bytes]], dropped: Counter[str]) -> None:
    if scene.missed:
        for peer in dict.fromkeys(peer for peer, _ in states if peer in scene.missed):
            if (session := scene.present.get(peer)) is not None and session.attached:
                hear(scene, session)
    ingested = scene.replication.ingest(states, scene.tick, scene.now)
    dropped.update(ingested.drops)
    for peer, low in ingested.control_applied.items():
        session = scene.present[peer]
        if session.outbox.on_applied_low(low):
            progress(scene, session)
    dropped["malformed"] -= ingested.malformed.total()  # counted with their senders
    for peer, count in ingested.malformed.items():
        _blame(scene, scene.present[peer], count)


def _take_other(scene: Scene, peer: int, payload: bytes, dropped: Counter[str]) -> None:
    session = scene.present.get(peer)
    if session is None or not session.attached:
        dropped[DETACHED] += 1
        return
    hear(scene, session)
    if not session.frames.take(scene.now):
        dropped["rate"] += 1
        return
    try:
        if payload and payload[0] == FrameType.PONG:
            if session.pings.answered(unpack_pong(payload), scene.now):
                scene.replication.set_rtt(session.peer, session.pings.rtt_s)
                scene.outputs.append(RoundTrip(session.peer, session.pings.rtt_s))
        else:
            _relay_data(scene, session, *unpack_data(payload))
    except WireError:
        _blame(scene, session)


def _relay_data(scene: Scene, session: Session, to: int, payload: bytes) -> None:
    frame = pack_data(session.peer, payload)
    try:
        hearers = audience(scene, session, to)
    except RefusalError as why:
        scene.outputs.append(Dropped(why.code, 1))
        return
    scene.outputs.extend(SendState(other.peer, frame) for other in hearers if other is not session and other.attached)


def _blame(scene: Scene, session: Session, count: int = 1) -> None:
    try:
        count_malformed(scene, session, count)
    except MisbehaviourError as error:
        fail(scene, session, error)
