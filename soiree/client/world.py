"""Who and what is in the room, as the relay's control messages told it.

Pure core: one message in, the changes that it made out.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from soiree.client import changes as ch
from soiree.client.entity import Entity
from soiree.client.hub import Hub
from soiree.wire import messages as m


class World:
    """The tables of peers and entities. What a message says of an entity that is not known is ignored: it may just have gone.

    Attributes:
        peers: everybody here, oneself included, by id.
        entities: everything in sight, by id.
        unreadable: events dropped since their payload is not MessagePack.
    """

    def __init__(self, hub: Hub, answer: Callable[[int, bool], None]) -> None:
        self.peers: dict[int, ch.Peer] = {}
        self.entities: dict[int, Entity] = {}
        self.unreadable = 0
        self._hub = hub
        self._answer = answer

    def clear(self) -> None:
        """Forget everything: it will be told anew."""
        self.peers.clear()
        self.entities.clear()

    def apply(self, message: m.Message) -> Iterator[ch.Change]:
        """Apply one numbered message of the relay. The iterator must be exhausted."""
        if isinstance(message, m.PeerJoined | m.PeerAway | m.PeerLeft):
            yield from self._apply_to_peer(message)
        elif isinstance(message, m.Spawned):
            entity = self.entities[message.entity] = Entity(self._hub, message)
            yield ch.Spawned(entity)
        elif isinstance(message, m.Event):
            yield from self._event(message)
        elif isinstance(message, m.DataMessage):
            yield ch.Data(message.peer, message.payload, reliable=True)
        elif isinstance(message, m.Refused):
            if not message.re and (refused := self.entities.get(message.entity)) is not None:
                yield ch.Refused(refused, message.reason)
        elif isinstance(message, _AboutAnEntity):
            entity_known = self.entities.get(message.entity)
            if entity_known is not None:
                yield self._apply_to_entity(message, entity_known)

    def _apply_to_peer(self, message: m.PeerJoined | m.PeerAway | m.PeerLeft) -> Iterator[ch.Change]:
        if isinstance(message, m.PeerJoined):
            peer = self.peers[message.peer] = ch.Peer(message.peer, message.name, message.away)
            yield ch.Joined(peer)
        elif (known := self.peers.get(message.peer)) is None:
            return
        elif isinstance(message, m.PeerAway):
            self.peers[known.id] = peer = ch.Peer(known.id, known.name, message.away)
            yield ch.Away(peer)
        else:
            del self.peers[known.id]
            yield ch.Left(known, message.reason)

    def _apply_to_entity(self, message: "_AboutAnEntity", entity: Entity) -> ch.Change:
        match message:
            case m.Granted():
                former = entity.owner
                entity.take_owner(message)
                return ch.OwnerChanged(entity, former, entity.owner, entity.epoch, message.cause)
            case m.PropertiesSet():
                return self._merge(entity, message.properties)
            case m.Despawned():
                del self.entities[entity.id]
                entity.gone = message.reason
                return ch.Despawned(entity, message.reason)
            case m.ParentSet():
                former, entity.parent, entity.attach = entity.parent, message.parent, message.attach
                entity.take_placed(message.state, message.tick)
                return ch.ParentChanged(entity, former, entity.parent)
            case m.RuleSet():
                entity.rule, entity.ask_timeout_ms, entity.fallback = (
                    message.rule,
                    message.ask_timeout_ms,
                    message.fallback,
                )
                return ch.RuleChanged(entity)
            case m.MasterSet():
                former, entity.master = entity.master, message.master
                return ch.MasterChanged(entity, former, entity.master)
            case m.LifetimeSet():
                entity.lifetime = message.lifetime
                return ch.LifetimeChanged(entity)
            case m.AttachRuleSet():
                entity.attach_rule = message.attach_rule
                return ch.AttachRuleChanged(entity)
            case m.Ask():
                return ch.Asked(message.ticket, entity, message.peer, message.note, message.timeout_ms, self._answer)

    @staticmethod
    def _merge(entity: Entity, properties: dict[str, Any]) -> ch.Change:
        for key, value in properties.items():
            if value is None:
                entity.properties.pop(key, None)
            else:
                entity.properties[key] = value
        return ch.PropertiesChanged(entity, dict(properties))

    def _event(self, message: m.Event) -> Iterator[ch.Change]:
        try:
            payload = msgspec.msgpack.decode(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            self.unreadable += 1
            return
        yield ch.Event(message.peer, message.name, payload, self.entities.get(message.entity))


_AboutAnEntity = (
    m.Granted
    | m.PropertiesSet
    | m.Despawned
    | m.ParentSet
    | m.RuleSet
    | m.MasterSet
    | m.LifetimeSet
    | m.AttachRuleSet
    | m.Ask
)
