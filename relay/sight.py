"""Pure core: who was told of which entity, and how: the rule of docs/PROTOCOL.md section 4 that runs through everything.

A peer hears of an entity only after its `spawned`, and what changed before is contained in that. So each change goes to the peers who were
told (`seers`), and everybody else waits for the snapshot.
"""

from typing import Any

from relay.bundle import ROOM_BYTES
from relay.config import RoomConfig
from relay.entities import Entity, EntityTable, IdPool
from relay.interest import Sighting
from relay.replication import Replication
from relay.session import Session
from relay.telling import Telling
from relay.world import World
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import MAX_GROUP_MESSAGES, MAX_IN_SIGHT
from soiree.wire.messages import Message


class Sight(Telling):
    """What is here, and who sees it.

    Attributes:
        tick: the 60 Hz world clock.
    """

    def __init__(self, config: RoomConfig) -> None:
        super().__init__()
        self.tick = 0
        self.entities = EntityTable()
        self.ids = IdPool()
        self.world = World()
        self.replication = Replication(self.world, config.replication)

    def seers(self, entity: Entity) -> list[Session]:
        """Those who were told of it."""
        return [session for session in self.present.values() if entity.id in session.told]

    def tell_seers(
        self, entity: Entity, sender: Session | None, re: int, message: type[Message], *fields: object
    ) -> None:
        """Tell those who see the entity; for `sender` it is the answer to its message `re`, for others to none."""
        entity.spawned = b""
        for session in self.seers(entity):
            self.tell(session, message, re if session is sender else 0, *fields)

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
        if self.gathers and not re and session.ending is None:
            data = self._spawned(entity)
            number, size = self.gather(session, data), len(data)
        else:
            waiting = session.outbox.waiting_bytes
            number = self.tell(session, m.Spawned, re, *self._told_of(entity))
            size = session.outbox.waiting_bytes - waiting
        session.snapshot.drop(entity.id)
        if number == 0:
            return
        session.told.add(entity.id)
        session.snapshot.sent(number, size)
        self.replication.tell(session.peer, entity.id, number)

    def _told_of(self, entity: Entity) -> tuple[Any, ...]:
        """Fields of `spawned` after `re`."""
        return (
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

    def _spawned(self, entity: Entity) -> bytes:
        """Its `spawned` as it goes into groups: kept, since in a city most things change seldom and are told to many."""
        changed = int(self.world.changed[self.world.row(entity.id)])
        if not entity.spawned or entity.spawned_at != changed:
            entity.spawned, entity.spawned_at = control.encode(m.Spawned(0, 0, *self._told_of(entity))), changed
        return entity.spawned

    def forget_told(self, session: Session) -> None:
        """The client's memory is gone: it is told everything anew."""
        for gone in session.forget():
            self.ids.forgotten(gone)
        self.replication.reset(session.peer)

    def begin_snapshot(self, session: Session) -> None:
        """Queue what the peer is to know: its own first, then what is in its sight."""
        self.untold[session.peer] = None
        for entity in (*self.entities.owned(session.peer), *self.entities.mastered(session.peer)):
            if entity.id not in session.told:
                session.snapshot.need(entity.id)
        self.take_sighting(self.replication.interest.look(session.peer, self.tick))

    def continue_snapshot(self, session: Session) -> None:
        """Tell as much of what waits as may be under way."""
        with self.together():
            while session.ending is None and (waiting := session.snapshot.next()) is not None:
                entity = self.entities[waiting]
                if session.snapshot.is_own(waiting):
                    self.promote(session, entity)
                else:
                    self._tell_tree(session, entity)

    def _tell_tree(self, session: Session, entity: Entity) -> None:
        """Tell, in one group if that can be, of all that comes into sight with it; of a tree too large for a group, the rest later."""
        *_, root = (entity, *self.entities.ancestors(entity))
        tree = [member for member in self.entities.subtree(root) if member.id not in session.told]
        size = count = 0
        for member in tree[:MAX_GROUP_MESSAGES]:
            size += len(self._spawned(member))
            if size > ROOM_BYTES:
                break
            count += 1
        self.bundle(session, size, count)
        # Parents come before their children, so any beginning of a tree can be told.
        for member in tree[:count]:
            self.tell_spawned(session, member, 0)
        for member in tree[count:]:
            self.glimpse(session, member)
        if entity.id not in session.told:
            self.promote(session, entity)

    def glimpse(self, session: Session, entity: Entity) -> None:
        """Queue what has come into a peer's sight between two looks. In a crowd it waits for the next, which finds the nearest."""
        own = self.entities.count_mastered(session.peer)
        if entity.id not in session.told and len(session.told) + len(session.snapshot) - own < MAX_IN_SIGHT:
            session.snapshot.glimpse(entity.id)
            self.untold[session.peer] = None

    def take_sighting(self, sighting: Sighting) -> None:
        """Tell what has left a peer's sight, and queue what is in it."""
        session = self.present[sighting.peer]
        with self.together():
            leaving = [self.entities[entity] for entity in sighting.leaving.tolist() if entity in session.told]
            # Riders before what they ride in, so that nobody is left with a child whose parent is gone.
            for entity in sorted(leaving, key=self.entities.depth, reverse=True):
                self.tell_despawned(session, entity, 0, "sight")
        session.snapshot.see(sighting.entering.tolist())
        if session.snapshot.seen:
            self.untold[session.peer] = None

    def tell_despawned(self, session: Session, entity: Entity, re: int, reason: str) -> None:
        """Tell one who knows the entity that it is gone, or out of sight."""
        number = self.tell(session, m.Despawned, re, entity.id, reason)
        session.told.discard(entity.id)
        self.replication.untell(session.peer, entity.id)
        if number:
            session.despawns.append((number, entity.id))
            self.ids.tell_despawned(entity.id)
