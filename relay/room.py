"""Pure core: a room: takes what peers say and the time, gives what is to be sent and told.

One call is one mutation; afterwards `drain()` gives its outputs. Nothing that a peer sends raises here.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

from relay.absence import hear, listen, lose_connection
from relay.arrival import arrive
from relay.commands import HANDLERS
from relay.config import RoomConfig
from relay.departure import end_sessions, fail, hang_up, leave
from relay.errors import MisbehaviourError, RefusalError
from relay.frames import count_malformed, refuse_the_fast, take_frames
from relay.outputs import Joined, Left, Output, SendControl, SendState
from relay.planting import Plant, plant
from relay.requests import time_out
from relay.scene import Scene
from relay.session import Session
from soiree.link import RoomSpec
from soiree.wire import messages as m
from soiree.wire.control import Unknown, decode_from_client
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_REASON_CHARS

LISTEN_EVERY_S = 0.1
"""How often is looked who has been silent for too long, and whose ping is due."""


class Room:
    """One world.

    Attributes:
        spec: name, code and speed limit as the homeserver last gave them.
    """

    def __init__(self, spec: RoomSpec, config: RoomConfig, now: float, random: Random) -> None:
        self.spec = spec
        replication = replace(
            config.replication,
            max_speed_m_s=spec.max_speed_m_s,
            state_frames_per_s=config.state_frames_per_s,
            state_frames_burst=config.state_frames_burst,
        )
        self._scene = Scene(replace(config, replication=replication), now, random)
        self._listened_at = -math.inf

    @property
    def tick(self) -> int:
        """The 60 Hz world clock, set by `advance`."""
        return self._scene.tick

    @property
    def serve_every(self) -> int:
        """Ticks from one serve of a client to the next, 1…6."""
        return self._scene.replication.serve_every

    @serve_every.setter
    def serve_every(self, ticks: int) -> None:
        self._scene.replication.serve_every = ticks

    @property
    def budget_share(self) -> float:
        """Of what their budgets allow, what clients are sent."""
        return self._scene.replication.budgets.share

    @budget_share.setter
    def budget_share(self, share: float) -> None:
        self._scene.replication.budgets.share = share

    def __len__(self) -> int:
        """Sessions that have not left."""
        return len(self._scene.sessions)

    def change(self, spec: RoomSpec) -> None:
        """The homeserver has changed the room; clients read it in their next `welcome`."""
        self.spec = spec
        replication = self._scene.replication
        replication.config = replace(replication.config, max_speed_m_s=spec.max_speed_m_s)

    def plant(self, plants: Iterable[Plant]) -> list[int]:
        """Put things into the world that are nobody's; returns their entities. Raises as `relay.planting.plant`."""
        return plant(self._scene, plants)

    def reserve(self, entities: int) -> None:
        """So many more will come."""
        self._scene.world.reserve(entities)

    # Sessions and their connections

    def open_session(self, peer: int, *, session_id: str, subject: str, name: str, host: bool, now: float) -> None:
        """A ticket was used. Others hear of the peer once it says hello. Raises ValueError when it is here already, or too many are."""
        config = self._scene.config
        if peer in self._scene.sessions or len(self) >= config.replication.max_clients:
            raise ValueError(f"peer {peer} is here already, or too many are")
        self._scene.sessions[peer] = Session(peer, session_id, subject, name, host, config, now)
        self._scene.outputs.append(Joined(peer))

    def attach(self, peer: int, hello: m.Hello, now: float) -> None:
        """A new connection said hello: it carries the session from now on."""
        session = self._at(peer, now)
        if session is None:
            return
        session.attached, session.malformed = True, 0
        info = m.RoomInfo(self.spec.room_id, self.spec.code, self.spec.name, self.spec.max_speed_m_s)
        try:
            arrive(self._scene, session, hello, info)
            self._scene.replication.set_active(peer, active=True, now=now)
        except MisbehaviourError as error:
            fail(self._scene, session, error)
        self._settle()

    def can_go_on(self, peer: int, applied: int) -> bool:
        """Whether a hello that is not fresh can be taken of a peer that has applied all up to `applied`."""
        session = self._scene.sessions.get(peer)
        return session is not None and session.present and session.can_resume(applied)

    def detach(self, peer: int, now: float) -> None:
        """The connection that carried the session closed without bye: the peer is away at once."""
        session = self._at(peer, now)
        if session is not None:
            lose_connection(self._scene, session)
            self._settle()

    def kick(self, peer: int, reason: str, now: float) -> bool:
        """End a peer's session; `reason` is words for it. False when there is none."""
        session = self._at(peer, now)
        if session is None:
            return False
        hang_up(self._scene, session, "kicked", m.Error(0, "kicked", reason))
        leave(self._scene, session, "kicked")
        self._settle()
        return True

    def close(self, reason: str, now: float) -> None:
        """Tell everybody and end every session; the room is of no use afterwards."""
        scene = self._scene
        scene.now = now
        for session in scene.sessions.values():
            hang_up(scene, session, reason, m.Bye(0, reason[:MAX_REASON_CHARS]))
            scene.outputs.append(Left(session.peer, reason))
        scene.sessions.clear()
        scene.present.clear()

    # What peers send

    def control(self, peer: int, payload: bytes, now: float) -> None:
        """One control message of a peer's current connection, after its hello."""
        session = self._at(peer, now)
        if session is None or not session.attached:
            return
        hear(self._scene, session)
        try:
            self._take(session, payload)
        except MisbehaviourError as error:
            fail(self._scene, session, error)
        self._settle()

    def frames(self, frames: Sequence[tuple[int, bytes]], now: float) -> None:
        """(peer, payload) of messages on the state stream, in order of arrival."""
        self._scene.now = now
        take_frames(self._scene, frames)
        self._settle()

    # Time

    def advance(self, tick: int, now: float) -> None:
        """The world's clock stands at `tick`: do what is due."""
        scene = self._scene
        self.reach(tick, now)
        time_out(scene)
        refuse_the_fast(scene)
        for sighting in scene.replication.watch(tick):
            scene.take_sighting(sighting)
        if now - self._listened_at >= LISTEN_EVERY_S:
            self._listened_at = now
            for session in list(scene.sessions.values()):
                listen(scene, session)
        self._settle()

    def reach(self, tick: int, now: float) -> None:
        """The world's clock stands at `tick`; what is due can wait a moment."""
        self._scene.tick, self._scene.now = tick, now

    def serves(self, tick: int) -> bool:
        """Whether anybody may be served at this tick; frames that come between may wait for it."""
        return self._scene.replication.serves(tick)

    def pack(self, now: float) -> list[tuple[int, bytes]]:
        """(peer, frame) for the peers served in this tick."""
        scene = self._scene
        scene.now = now
        applied = {peer: session.inbox.applied for peer, session in scene.present.items() if session.attached}
        return scene.replication.pack(scene.tick, now, applied)

    def dropped(self, peer: int, frame: bytes) -> None:
        """A frame that `pack` just gave was not sent: its transport is congested."""
        self._scene.replication.on_drop(peer, frame, self._scene.now)

    def drain(self) -> list[Output]:
        """All that is to be sent or told since the last call, in order."""
        outputs, self._scene.outputs = self._scene.outputs, []
        for output in outputs:
            if isinstance(output, SendControl | SendState):
                self._scene.replication.charge(output.peer, len(output.payload))
        return outputs

    def _at(self, peer: int, now: float) -> Session | None:
        """Set the time; the peer's session if it has one."""
        self._scene.now = now
        return self._scene.sessions.get(peer)

    def _take(self, session: Session, payload: bytes) -> None:
        """Raises MisbehaviourError."""
        try:
            message = decode_from_client(payload)
        except WireError as error:
            count_malformed(self._scene, session)
            if error.n and self._admit(session, error.n):
                self._scene.refuse(session, error.n, RefusalError("malformed"))
            return
        if isinstance(message, m.Bye):
            self._scene.end(session, "bye")
        elif isinstance(message, m.Hello):
            raise MisbehaviourError("protocol", "hello comes once, and first.")
        elif self._admit(session, message.n):
            self._carry_out(session, message)

    def _admit(self, session: Session, number: int) -> bool:
        """Whether a message is new. Raises MisbehaviourError for a gap."""
        try:
            return session.inbox.admit(number)
        except WireError as gap:
            raise MisbehaviourError("protocol", str(gap)) from gap

    def _carry_out(self, session: Session, message: m.Message | Unknown) -> None:
        """Raises MisbehaviourError for a flood."""
        count = len(message.messages) if isinstance(message, m.Group) else 1
        in_time = session.commands.take(self._scene.now, count)
        if not in_time and not session.overruns.take(self._scene.now, count):
            raise MisbehaviourError("rate", "Too many messages, too fast.")
        if isinstance(message, Unknown):
            return
        if not in_time:
            self._scene.refuse(session, message.n, RefusalError("rate"))
            return
        try:
            HANDLERS[type(message)](self._scene, session, message)
        except RefusalError as why:
            self._scene.refuse(session, message.n, why)

    def _settle(self) -> None:
        """Continue what waits for room to be told, and end the sessions whose end has come."""
        scene = self._scene
        for peer in list(scene.untold):
            session = scene.present.get(peer)
            if session is not None and (session.snapshot.own or session.snapshot.seen):
                scene.continue_snapshot(session)
            else:
                del scene.untold[peer]
        end_sessions(scene)
