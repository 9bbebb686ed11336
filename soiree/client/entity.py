"""A thing in a room, and what one may do with it.

Pure core: what is written and said goes to the `Hub` that it was made with.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from soiree.client import commands
from soiree.client.errors import RefusedError
from soiree.client.hub import Write
from soiree.client.placement import Held, encode_transform
from soiree.client.replica import Replica
from soiree.wire import messages as m
from soiree.wire import records
from soiree.wire.errors import WireError
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Pose, Transform
from soiree.wire.state import Section, Slot


class Account(NamedTuple):
    """Everything about an entity on which all peers must agree, comparable between clients."""

    owner: int
    master: int
    rule: str
    epoch: int
    parent: int
    properties: tuple[tuple[str, Any], ...]
    slots: tuple[tuple[Any, ...] | None, ...]
    """Of each slot the record, made independent of the frame that it came in."""


class Entity(Replica):
    """A thing in a room. Its attributes are what the relay told last and must not be assigned to; methods ask for changes.

    What is done with one that is gone or out of sight raises GoneError; what was last known of it can still be read. When it comes
    into sight again it is told as `Spawned` with another handle, whose `uuid` is the same.
    """

    __slots__ = ()

    def account(self) -> Account:
        """What must be the same for every peer once all has come to rest."""
        slots = tuple(None if held is None else held.canonical() for held in self.slots)
        properties = tuple(sorted(self.properties.items()))
        return Account(self.owner, self.master, self.rule, self.epoch, self.parent, properties, slots)

    # What its owner does: at once here, and with the next frames everywhere.

    def set(
        self,
        position: Vec3 | None = None,
        rotation: Quat | None = None,
        velocity: Vec3 = records.ZERO,
        *,
        teleport: bool = False,
        upright: bool | None = None,
    ) -> None:
        """Move it. What is left out stays, but for the velocity, which is then zero: at rest.

        Args:
            position: metres, in the world or in the frame of its parent (within ±32 m).
            rotation: (x, y, z, w).
            velocity: m/s, by which others extrapolate.
            teleport: it jumped: others do not interpolate. What goes faster than the room allows is told so by itself.
            upright: from now on send only the turn about +Y: shorter.

        Raises:
            RefusedError: "not-owner"; GoneError if it is not here any more.
            ValueError: a value that cannot be sent.
        """
        self._check_owner()
        if upright is not None:
            self.upright = upright
        if position is None or rotation is None:
            old = self.transform
            position = old.position if position is None else position
            rotation = old.rotation if rotation is None else rotation
        moved = Transform(position, rotation, velocity, teleport)
        held = encode_transform(self.id, moved, upright=self.upright, attach=self.attach if self.parent else None)
        place = None if self.parent else position
        self._write(Slot.TRANSFORM, held, resting=velocity == records.ZERO, teleport=teleport, place=place)

    def set_pose(self, pose: Pose) -> None:
        """Set head and hands, relative to the entity. Raises as `set`."""
        self._check_owner()
        try:
            held = Held(Section.POSE, None, records.encode_pose(self.id, pose))
        except WireError as error:
            raise ValueError(str(error)) from error
        self._write(Slot.POSE, held, resting=True)

    def set_props(self, props: bytes) -> None:
        """Set the small fast custom state, up to 255 bytes; newest wins, as with positions. Raises as `set`."""
        self._check_owner()
        try:
            held = Held(Section.PROPS, None, records.encode_props(self.id, props))
        except WireError as error:
            raise ValueError(str(error)) from error
        self._write(Slot.PROPS, held, resting=False)

    def _check_owner(self) -> None:
        self.check_here()
        if not self.mine:
            raise RefusedError("not-owner", self.id, self.owner, self.epoch)

    def _write(
        self, slot: Slot, held: Held, *, resting: bool, teleport: bool = False, place: Vec3 | None = None
    ) -> None:
        old = self.slots[slot]
        if old is not None and self.written[slot] and not teleport and old.canonical() == held.canonical():
            return
        self._hub.write(Write(self, slot, held, resting, teleport, place))
        self.slots[slot] = held
        self.written[slot] = True

    # Commands: each waits for the relay's answer, and raises RefusedError when it says no.

    async def _command(self, message_type: type[m.Message], *fields: Any) -> None:
        self.check_here()
        await self._hub.command(message_type, *fields)

    async def request(self, note: str = "") -> None:
        """Ask to own it, as of the epoch known here. With rule "ask", `note` is what its master reads."""
        await self._command(m.Request, self.id, self.epoch, note)

    async def assign(self, peer: int, *, subtree: bool = False) -> None:
        """As its master, give it to a peer; with all that rides in it if `subtree`."""
        await self._command(m.Assign, self.id, peer, subtree)

    async def release(self) -> None:
        """As its owner, hand it back to its master."""
        await self._command(m.Release, self.id)

    async def set_rule(
        self, rule: m.Rule, *, ask_timeout_ms: int | None = None, fallback: m.Rule | None = None
    ) -> None:
        """As its master, say what becomes of requests; `ask_timeout_ms` stays as it is when left out."""
        await self._command(m.SetRule, self.id, rule, ask_timeout_ms or self.ask_timeout_ms, fallback)

    async def set_master(self, peer: int) -> None:
        """As its master, hand mastership on."""
        await self._command(m.SetMaster, self.id, peer)

    async def set_lifetime(self, lifetime: m.Lifetime) -> None:
        """As its master, say how long it lives."""
        await self._command(m.SetLifetime, self.id, lifetime)

    async def set_attach_rule(self, attach_rule: m.AttachRule) -> None:
        """As its master, say who may ride in it."""
        await self._command(m.SetAttachRule, self.id, attach_rule)

    async def set_properties(self, properties: Mapping[str, m.PropertyValue]) -> None:
        """As its owner, merge these into its properties; None removes a key."""
        await self._command(m.SetProperties, self.id, dict(properties))

    async def set_parent(
        self,
        parent: "Entity | None",
        position: Vec3 | None = None,
        rotation: Quat | None = None,
        *,
        only_if: "Entity | None" = None,
    ) -> None:
        """As its owner, let it ride in `parent`, or in nothing.

        Args:
            parent: None to detach.
            position: metres in the new frame of reference; left out, it stays where it is in the world.
            rotation: likewise.
            only_if: refused "stale" unless we own this entity at the epoch known here.
        """
        await self._command(*commands.set_parent(self, parent, position, rotation, only_if))

    async def despawn(self, children: m.Children = "reparent") -> None:
        """As its master, remove it; what rides in it goes to its parent ("reparent") or along ("along")."""
        await self._command(m.Despawn, self.id, children)
