"""Pure core: sessions and entities together: every change here is also what those who see it are told.

The rule that runs through it: a peer hears of an entity only after its `spawned`, and what changed before is contained in that. So each
change goes to the peers who were told (`seers`), and everybody else waits for the snapshot.
"""

import uuid
from random import Random

from relay.asks import PendingAsk, PendingAsks
from relay.config import RoomConfig
from relay.entities import Entity, EntityTable, IdPool
from relay.errors import RefusalError, StateError
from relay.outputs import Granted, Output, Refused, SendControl
from relay.replication import Replication
from relay.session import Session
from relay.snapshot import nearest_first
from relay.world import NEVER, World
from soiree.wire import messages as m
from soiree.wire.messages import Cause, Message
from soiree.wire.numbered import BacklogError


class Scene:
    """Who is here, what is here, and who was told of what.

    Attributes:
        tick: the 60 Hz world clock.
        now: monotonic seconds of what is being done.
        sessions: every session that has not left, by peer.
        present: those of them that have said hello, the longest-present first.
        ending: sessions to be ended for a reason that arose while something else was done.
        outputs: what the driver has not fetched.
    """

    def __init__(self, config: RoomConfig, now: float, random: Random) -> None:
        self.config = config
        self.tick = 0
        self.now = now
        self.sessions: dict[int, Session] = {}
        self.present: dict[int, Session] = {}
        self.entities = EntityTable()
        self.ids = IdPool()
        self.asks = PendingAsks()
        self.world = World()
        self.replication = Replication(self.world, config.replication)
        self.ending: list[Session] = []
        self.outputs: list[Output] = []
        self._random = random

    @property
    def max_speed_m_s(self) -> float:
        """Of this room, now."""
        return self.replication.config.max_speed_m_s

    def new_uuid(self) -> bytes:
        """16 bytes of a version 4 UUID."""
        return uuid.UUID(bytes=self._random.randbytes(16), version=4).bytes

    # Telling

    def tell(self, session: Session, message: type[Message], *fields: object) -> int:
        """Send a numbered message; returns its number. A session whose backlog is full ends soon, and hears nothing more (number 0)."""
        if session.ending is not None:
            return 0
        try:
            data = session.outbox.push(message, *fields)
        except BacklogError:
            self.end(session, "backlog")
            return 0
        if session.attached:
            self.outputs.append(SendControl(session.peer, data))
        return session.outbox.last

    def tell_others(self, session: Session, message: type[Message], *fields: object) -> None:
        """Tell everybody present but this one."""
        for other in self.present.values():
            if other is not session:
                self.tell(other, message, *fields)

    def seers(self, entity: Entity) -> list[Session]:
        """Those who were told of it."""
        return [session for session in self.present.values() if entity.id in session.told]

    def tell_seers(
        self, entity: Entity, sender: Session | None, re: int, message: type[Message], *fields: object
    ) -> None:
        """Tell those who see the entity; for `sender` it is the answer to its message `re`, for others to none."""
        for session in self.seers(entity):
            self.tell(session, message, re if session is sender else 0, *fields)

    def refuse(self, session: Session, re: int, why: RefusalError) -> None:
        self.tell(session, m.Refused, re, why.entity, why.code, why.owner, why.epoch)
        self.outputs.append(Refused(why.code))

    def end(self, session: Session, reason: str) -> None:
        """Have the session end once what is being done is done."""
        if session.ending is None:
            session.ending = reason
            self.ending.append(session)

    # Who sees what

    def promote(self, session: Session, entity: Entity) -> None:
        """Have the peer know the entity, and what it rides in, before the next message to it."""
        if entity.id in session.told:
            return
        untold = [reached for reached in (entity, *self.entities.ancestors(entity)) if reached.id not in session.told]
        for reached in reversed(untold):
            self.tell_spawned(session, reached, 0)

    def tell_spawned(self, session: Session, entity: Entity, re: int) -> None:
        """Send its `spawned` to a peer that knows its parent but not the entity. Without memory left to note it, the peer's stay ends."""
        if len(self.replication.pairs) >= self.replication.pairs.bound:
            self.end(session, "backlog")
            return
        waiting = session.outbox.waiting_bytes
        number = self.tell(
            session,
            m.Spawned,
            re,
            entity.id,
            entity.uuid,
            entity.kind,
            entity.owner,
            entity.master,
            entity.rule,
            entity.epoch,
            entity.lifetime,
            entity.attach_rule,
            entity.ask_timeout_ms,
            entity.fallback,
            entity.parent,
            entity.attach,
            entity.properties,
            self.tick,
            self.world.placed(entity.id),
        )
        session.snapshot.drop(entity.id)
        if number == 0:
            return
        session.told.add(entity.id)
        session.snapshot.sent(number, session.outbox.waiting_bytes - waiting)
        self.replication.tell(session.peer, entity.id, number)

    def forget_told(self, session: Session) -> None:
        """The client's memory is gone: it is told everything anew."""
        for gone in session.forget():
            self.ids.forgotten(gone)
        self.replication.reset(session.peer)

    def begin_snapshot(self, session: Session) -> None:
        """Queue everything in the room: its own first, then the nearest to its avatar, or else to the origin."""
        at = self.world.position_m(session.avatar) if session.avatar else (0.0, 0.0, 0.0)
        session.snapshot.want(entity.id for entity in self.entities.owned(session.peer))
        session.snapshot.want(nearest_first(self.world, [entity.id for entity in self.entities], at))

    def continue_snapshot(self, session: Session) -> None:
        """Tell as much of what waits as may be under way."""
        while session.ending is None and (entity := session.snapshot.next()) is not None:
            self.promote(session, self.entities[entity])

    # Changes

    def change_owner(self, entity: Entity, peer: int, cause: Cause, sender: Session | None = None, re: int = 0) -> None:
        """Give an entity to another owner: told to all who see it; who else had asked for it is refused `stale`."""
        self.entities.set_owner(entity, peer, self.tick)
        # The new owner may write once it has applied what tells it so: this `granted`, or the `spawned` it still waits for.
        self.world.set_owner(entity.id, peer, NEVER, self.tick)
        answered = self.sessions.get(peer)
        # A grant answers what the new owner had asked for before, unless it answers a later command of it: then the older is stale.
        asks = self.asks.of_entity(entity.id) if sender is not answered else []
        own_ask = next((ask for ask in asks if ask.peer == peer), None)
        for session in self.seers(entity):
            answers = re if session is sender else 0
            if own_ask is not None and session is answered:
                answers = own_ask.re
            number = self.tell(session, m.Granted, answers, entity.id, peer, entity.epoch, self.tick, cause)
            if number:
                self.replication.hold(session.peer, entity.id, number)
        if answered is not None:
            answered.snapshot.hasten(entity.id)
        self.outputs.append(Granted(cause))
        for ask in self.asks.of_entity(entity.id):
            self.asks.close(ask)
            if ask is not own_ask:
                self.refuse_ask(ask, RefusalError("stale", entity.id, peer, entity.epoch))

    def refuse_ask(self, ask: PendingAsk, why: RefusalError) -> None:
        """Tell who asked; one who has left hears nothing."""
        session = self.sessions.get(ask.peer)
        if session is not None:
            self.refuse(session, ask.re, why)

    def change_master(self, entity: Entity, peer: int, sender: Session | None = None, re: int = 0) -> None:
        self.entities.set_master(entity, peer)
        self.tell_seers(entity, sender, re, m.MasterSet, entity.id, peer)

    def change_parent(
        self, entity: Entity, parent: Entity | None, placed: bytes, sender: Session | None = None, re: int = 0
    ) -> None:
        """Attach or detach; `placed` is the state in the new frame of reference.

        Raises:
            StateError: `placed` cannot be used; nothing has changed.
        """
        new = parent.id if parent is not None else 0
        self.world.set_parent(entity.id, new, (entity.attach + 1) & 0xFF, placed, self.tick)
        self.entities.set_parent(entity, new)
        state = self.world.placed(entity.id)
        for session in self.seers(entity):
            if parent is not None:
                self.promote(session, parent)
            answers = re if session is sender else 0
            number = self.tell(session, m.ParentSet, answers, entity.id, new, entity.attach, self.tick, state)
            if number:
                self.replication.tell(session.peer, entity.id, number)

    def reparent(self, entity: Entity, parent: Entity | None) -> None:
        """Have it stay where it stands while its parent goes. Out of the reach of `parent`, it falls to the world."""
        for landing in (parent, None) if parent is not None else (None,):
            try:
                placed = self.world.placed_in(entity.id, landing.id if landing is not None else 0)
                self.change_parent(entity, landing, placed)
            except StateError:
                continue
            return

    def remove(self, entity: Entity, reason: str, sender: Session | None = None, re: int = 0) -> None:
        """Take a childless entity out of the world; who had asked for it is refused."""
        told = 0
        for session in self.seers(entity):
            number = self.tell(session, m.Despawned, re if session is sender else 0, entity.id, reason)
            session.told.discard(entity.id)
            self.replication.untell(session.peer, entity.id)
            if number:
                session.despawns.append((number, entity.id))
                told += 1
        for session in self.sessions.values():
            session.snapshot.drop(entity.id)
            session.lapsed.pop(entity.id, None)
            if session.avatar == entity.id:
                session.avatar = 0
        for ask in self.asks.of_entity(entity.id):
            self.asks.close(ask)
            self.refuse_ask(ask, RefusalError("unknown-entity", entity.id))
        self.entities.remove(entity)
        self.world.remove(entity.id)
        self.ids.retire(entity.id, told)
