"""Several commands as one: nobody sees what lies between them (docs/PROTOCOL.md section 4.1).

Pure core: the one thing that waits for the relay is the callable that sends. Made by `Room.group`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from soiree.client import commands
from soiree.client.commands import Command
from soiree.client.entity import Entity
from soiree.client.errors import RefusedError
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_GROUP_MESSAGES
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import ZERO, Transform

Outcome = Entity | RefusedError | None
"""Of one command: what it spawned, why it was refused, or None for any other that was carried out."""


class Unborn:
    """A thing that a group is to spawn: a parent for what comes later in the same group.

    Attributes:
        entity: the thing itself, once the group is committed; None before, and if it was refused.
    """

    __slots__ = ("entity", "group", "place", "upright")

    def __init__(self, group: "Group", place: int, *, upright: bool) -> None:
        self.entity: Entity | None = None
        self.group = group
        self.place = place
        self.upright = upright


class Group:
    """Collects commands, which `commit` sends as one. Its methods are those of Room and Entity, with the entity first.

    All raise ValueError for what cannot be sent, for more than 256 commands, and once it is committed; GoneError for an entity that is
    not here any more.
    """

    def __init__(
        self, say: Callable[[Sequence[msgspec.Raw]], Awaitable[Sequence[m.Message]]], entities: Mapping[int, Entity]
    ) -> None:
        self._say = say
        self._entities = entities
        self._messages: list[msgspec.Raw] = []
        self._unborn: dict[int, Unborn] = {}
        self._committed = False

    def __len__(self) -> int:
        return len(self._messages)

    def spawn(
        self,
        kind: str,
        position: Vec3 = ZERO,
        rotation: Quat = IDENTITY,
        *,
        velocity: Vec3 = ZERO,
        rule: m.Rule = "ask",
        lifetime: m.Lifetime = "with-master",
        properties: Mapping[str, m.PropertyValue] | None = None,
        upright: bool = False,
        parent: Entity | Unborn | None = None,
        attach_rule: m.AttachRule = "owner",
        relevance: m.Relevance = "near",
        only_if: Entity | None = None,
    ) -> Unborn:
        """As `Room.spawn`; `parent` may be what this group spawns. Its `entity` is there once the group is committed."""
        self._add(
            commands.spawn(
                kind, Transform(position, rotation, velocity), self._id_of(parent), rule=rule, lifetime=lifetime,
                properties=properties, upright=upright, attach_rule=attach_rule, relevance=relevance, only_if=only_if,
            )
        )  # fmt: skip
        unborn = self._unborn[len(self)] = Unborn(self, len(self), upright=upright)
        return unborn

    def despawn(self, entity: Entity, children: m.Children = "reparent") -> None:
        """As `Entity.despawn`."""
        self._about(entity, m.Despawn, children)

    def assign(self, entity: Entity, peer: int, *, subtree: bool = False) -> None:
        """As `Entity.assign`."""
        self._about(entity, m.Assign, peer, subtree)

    def release(self, entity: Entity) -> None:
        """As `Entity.release`."""
        self._about(entity, m.Release)

    def set_rule(
        self, entity: Entity, rule: m.Rule, *, ask_timeout_ms: int | None = None, fallback: m.Rule | None = None
    ) -> None:
        """As `Entity.set_rule`."""
        self._about(entity, m.SetRule, rule, ask_timeout_ms or entity.ask_timeout_ms, fallback)

    def set_master(self, entity: Entity, peer: int) -> None:
        """As `Entity.set_master`."""
        self._about(entity, m.SetMaster, peer)

    def set_lifetime(self, entity: Entity, lifetime: m.Lifetime) -> None:
        """As `Entity.set_lifetime`."""
        self._about(entity, m.SetLifetime, lifetime)

    def set_attach_rule(self, entity: Entity, attach_rule: m.AttachRule) -> None:
        """As `Entity.set_attach_rule`."""
        self._about(entity, m.SetAttachRule, attach_rule)

    def set_properties(self, entity: Entity, properties: Mapping[str, m.PropertyValue]) -> None:
        """As `Entity.set_properties`."""
        self._about(entity, m.SetProperties, dict(properties))

    def set_parent(
        self,
        entity: Entity,
        parent: Entity | Unborn | None,
        position: Vec3 | None = None,
        rotation: Quat | None = None,
        *,
        only_if: Entity | None = None,
    ) -> None:
        """As `Entity.set_parent`; into what this group spawns it needs a position (and without a rotation has none)."""
        entity.check_here()
        if not isinstance(parent, Unborn):
            self._add(commands.set_parent(entity, parent, position, rotation, only_if))
        elif position is None:
            raise ValueError("a position, please: where a thing will be that is not there yet nobody knows")
        else:
            moved = Transform(position, rotation or IDENTITY)
            self._add(commands.set_parent_to(entity, self._id_of(parent), moved, only_if))

    def send_event(
        self,
        name: str,
        payload: Any = None,
        *,
        to: int = 0,
        entity: Entity | None = None,
        only_if: Entity | None = None,
    ) -> None:
        """As `Room.send_event`."""
        self._add(commands.send_event(name, payload, to, entity, only_if))

    async def commit(self) -> list[Entity | None]:
        """Send them; returns once all are answered: of each command what it spawned, or None.

        Raises:
            RefusedError: of the first that was refused; its `outcomes` tell of all. What was not refused is done nevertheless. Without
                any outcomes none was done: "rate", "malformed".
            RoomClosedError: the session has ended.
            ValueError: it is longer than 16 KiB (nothing was sent, and it can be committed no more), or was committed before.
        """
        self._check_open()
        self._committed = True
        if not self._messages:
            return []
        outcomes = [self._outcome(answer) for answer in await self._say(self._messages)]
        for place, unborn in self._unborn.items():
            outcome = outcomes[place - 1]
            if isinstance(outcome, Entity):
                # What rides in another is not told upright, so only we know.
                outcome.upright, unborn.entity = unborn.upright, outcome
        done: list[Entity | None] = []
        for outcome in outcomes:
            if isinstance(outcome, RefusedError):
                outcome.outcomes = outcomes
                raise outcome
            done.append(outcome)
        return done

    def _outcome(self, answer: m.Message) -> Outcome:
        if isinstance(answer, m.Refused):
            return RefusedError.of(answer)
        return self._entities.get(answer.entity) if isinstance(answer, m.Spawned) else None

    def _about(self, entity: Entity, message_type: type[m.Message], *fields: Any) -> None:
        entity.check_here()
        self._add((message_type, entity.id, *fields))

    def _add(self, command: Command) -> None:
        self._check_open()
        if len(self._messages) >= MAX_GROUP_MESSAGES:
            raise ValueError(f"a group holds {MAX_GROUP_MESSAGES} commands at most")
        message_type, *fields = command
        try:
            self._messages.append(msgspec.Raw(control.encode(message_type(0, *fields))))
        except (WireError, TypeError, OverflowError) as error:
            raise ValueError(str(error)) from error

    def _check_open(self) -> None:
        if self._committed:
            raise ValueError("this group was committed before")

    def _id_of(self, parent: Entity | Unborn | None) -> int:
        """As the wire names it."""
        if parent is None:
            return 0
        if isinstance(parent, Entity):
            parent.check_here()
            return parent.id
        if parent.group is not self:
            raise ValueError("the parent is spawned by another group")
        return -parent.place
