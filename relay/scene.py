"""Pure core: the scene of a room: sessions and entities together; every change here is also what those who see it are told."""

import uuid
from random import Random

from relay.asks import PendingAsk, PendingAsks
from relay.config import RoomConfig
from relay.entities import Entity
from relay.errors import RefusalError, StateError
from relay.outputs import Granted
from relay.session import Session
from relay.sight import Sight
from relay.world import NEVER
from soiree.wire import messages as m
from soiree.wire.messages import Cause


class Scene(Sight):
    """Who is here, what is here, and what is about to happen.

    Attributes:
        now: monotonic seconds of what is being done.
    """

    def __init__(self, config: RoomConfig, now: float, random: Random) -> None:
        super().__init__(config)
        self.config = config
        self.now = now
        self.asks = PendingAsks()
        self._random = random

    @property
    def max_speed_m_s(self) -> float:
        """Of this room, now."""
        return self.replication.config.max_speed_m_s

    def new_uuid(self) -> bytes:
        """16 bytes of a version 4 UUID."""
        return uuid.UUID(bytes=self._random.randbytes(16), version=4).bytes

    def change_owner(self, entity: Entity, peer: int, cause: Cause, sender: Session | None = None, re: int = 0) -> None:
        """Give an entity to another owner: told to all who see it; who else had asked for it is refused `stale`."""
        answered = self.sessions.get(peer)
        if answered is not None and answered.present:
            self.promote(answered, entity)
        self.entities.set_owner(entity, peer, self.tick)
        entity.spawned = b""
        # The new owner may write once it has applied what tells it so.
        self.world.set_owner(entity.id, peer, NEVER, self.tick)
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
        self.world.set_master(entity.id, peer)
        heir = self.present.get(peer)
        if heir is not None and entity.id not in heir.told:
            heir.snapshot.need(entity.id)
            self.untold[peer] = None
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
        entity.spawned = b""
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
        for session in self.seers(entity):
            self.tell_despawned(session, entity, re if session is sender else 0, reason)
        for session in self.sessions.values():
            session.snapshot.drop(entity.id)
            session.lapsed.pop(entity.id, None)
            if session.avatar == entity.id:
                session.avatar = 0
        for ask in self.asks.of_entity(entity.id):
            self.asks.close(ask)
            self.refuse_ask(ask, RefusalError("unknown-entity", entity.id))
        self.replication.look_no_longer_from(entity.id)
        self.entities.remove(entity)
        self.world.remove(entity.id)
        self.ids.retire(entity.id)
