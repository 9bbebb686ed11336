"""A thing in a room, as this client knows it, and what one may do with it.

Pure core: an `Entity` holds what was told and written; commands go to the `Hub` that it was made with.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from soiree.client.errors import RefusedError
from soiree.client.frame_of_reference import inward, outward
from soiree.client.placement import Held, encode_transform, placed_bytes
from soiree.wire import messages as m
from soiree.wire import records
from soiree.wire.errors import WireError
from soiree.wire.limits import MAX_DEPTH
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Base, Pose, Transform
from soiree.wire.state import Section, Slot


class Hub(Protocol):
    """What an entity needs of the session that it lives in."""

    @property
    def peer_id(self) -> int:
        """Our own peer id."""

    @property
    def entities(self) -> Mapping[int, "Entity"]:
        """All that we know of."""

    async def command(self, message_type: type[m.Message], *fields: Any) -> m.Message:
        """Send a command; returns the relay's answer to it. Raises RefusedError and RoomClosedError."""

    def write(
        self,
        entity: "Entity",
        slot: Slot,
        held: Held,
        base: Base | None,
        *,
        resting: bool,
        teleport: bool,
        place: Vec3 | None,
    ) -> None:
        """Replicate a slot that we, its owner, are about to set; `place`: where in the world that is, metres, if the slot says so."""


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


class Entity:
    """A thing in a room. Its attributes are what the relay told last and must not be assigned to; methods ask for changes.

    Attributes:
        id: number in this room, 1…2²⁴−1.
        uuid: its name beyond this room.
        kind: what it is, a name chosen by the application.
        owner: peer id of who may write its state, 0 for nobody.
        master: peer id of who decides on owner, rule and master, 0 for nobody.
        rule: "ask", "allow" or "deny": what becomes of requests for it.
        epoch: rises with each change of owner, and only then.
        lifetime: "with-master", "with-room" or "persistent".
        attach_rule: who may ride in it: "allow", "owner" or "deny".
        ask_timeout_ms: how long its master may think over a request.
        fallback: what rule "ask" becomes while the master is away, None for refusing.
        parent: id of the entity that it rides in, 0 for none.
        attach: counts its parents, modulo 256.
        properties: the map its owner set.
        alive: False once it was despawned or went out of sight.
        upright: its transforms are sent as UPRIGHT: shorter, without tilt.
    """

    __slots__ = (
        "_hub", "alive", "ask_timeout_ms", "attach", "attach_rule", "epoch", "fallback", "id", "kind", "lifetime", "master", "owner",
        "parent", "properties", "rule", "slots", "ticks", "told", "upright", "uuid", "written",
    )  # fmt: skip

    def __init__(self, hub: Hub, spawned: m.Spawned) -> None:
        self._hub = hub
        self.id = spawned.entity
        self.uuid = UUID(bytes=spawned.uuid)
        self.kind = spawned.kind
        self.owner = spawned.owner
        self.master = spawned.master
        self.rule = spawned.rule
        self.epoch = spawned.epoch
        self.lifetime = spawned.lifetime
        self.attach_rule = spawned.attach_rule
        self.ask_timeout_ms = spawned.ask_timeout_ms
        self.fallback = spawned.fallback
        self.parent = spawned.parent
        self.attach = spawned.attach
        self.properties: dict[str, Any] = dict(spawned.properties)
        self.alive = True
        self.upright = False
        self.slots: list[Held | None] = [None, None, None]
        """Newest record of each slot."""
        self.ticks = [0, 0, 0]
        """Frames older than this tick are not applied to the slot."""
        self.written = [False, False, False]
        """Slots that we have set since we own it."""
        self.told = [False, False, False]
        """Slots of which the relay has told something, ever."""
        self.take_placed(spawned.state, spawned.tick)

    def __repr__(self) -> str:
        place = ", ".join(f"{metres:.2f}" for metres in self.position)
        return f"<Entity {self.id} {self.kind} at ({place}) owner={self.owner} master={self.master} epoch={self.epoch}>"

    # What it is.

    @property
    def mine(self) -> bool:
        """Whether we own it."""
        return self.owner == self._hub.peer_id

    @property
    def mastered(self) -> bool:
        """Whether we are its master."""
        return self.master == self._hub.peer_id

    @property
    def transform(self) -> Transform:
        """Where it is: in the world, or in the frame of its parent."""
        held = self.slots[Slot.TRANSFORM]
        assert held is not None, "every placed record has a transform"
        return held.transform()

    @property
    def position(self) -> Vec3:
        """Metres, in the world or in the frame of its parent."""
        return self.transform.position

    @property
    def rotation(self) -> Quat:
        """(x, y, z, w)."""
        return self.transform.rotation

    @property
    def velocity(self) -> Vec3:
        """m/s."""
        return self.transform.velocity

    @property
    def pose(self) -> Pose | None:
        """Head and hands, None when none was ever set."""
        held = self.slots[Slot.POSE]
        return None if held is None else records.decode_pose(held.record)

    @property
    def props(self) -> bytes | None:
        """The small fast custom state, None when none was ever set."""
        held = self.slots[Slot.PROPS]
        return None if held is None else held.record[4:]

    def world_transform(self) -> Transform:
        """Where it is in the world, its parents followed."""
        transform = self.transform
        above = self._hub.entities.get(self.parent)
        for _ in range(MAX_DEPTH):
            if above is None:
                break
            transform = outward(above.transform, transform)
            above = self._hub.entities.get(above.parent)
        return transform

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
            RefusedError: "not-owner".
            ValueError: a value that cannot be sent.
        """
        self._check_owner()
        if upright is not None:
            self.upright = upright
        if position is None or rotation is None:
            old = self.transform
            position = old.position if position is None else position
            rotation = old.rotation if rotation is None else rotation
        held, base = encode_transform(
            self.id,
            Transform(position, rotation, velocity, teleport),
            upright=self.upright,
            attach=self.attach if self.parent else None,
        )
        place = None if self.parent else position
        self._write(Slot.TRANSFORM, held, base, resting=velocity == records.ZERO, teleport=teleport, place=place)

    def set_pose(self, pose: Pose) -> None:
        """Set head and hands, relative to the entity. Raises as `set`."""
        self._check_owner()
        try:
            held = Held(Section.POSE, None, records.encode_pose(self.id, pose))
        except WireError as error:
            raise ValueError(str(error)) from error
        self._write(Slot.POSE, held, None, resting=True, teleport=False)

    def set_props(self, props: bytes) -> None:
        """Set the small fast custom state, up to 255 bytes; newest wins, as with positions. Raises as `set`."""
        self._check_owner()
        try:
            held = Held(Section.PROPS, None, records.encode_props(self.id, props))
        except WireError as error:
            raise ValueError(str(error)) from error
        self._write(Slot.PROPS, held, None, resting=False, teleport=False)

    def _check_owner(self) -> None:
        if not self.mine or not self.alive:
            raise RefusedError("not-owner", self.id, self.owner, self.epoch)

    def _write(
        self, slot: Slot, held: Held, base: Base | None, *, resting: bool, teleport: bool, place: Vec3 | None = None
    ) -> None:
        old = self.slots[slot]
        if old is not None and self.written[slot] and not teleport and old.canonical() == held.canonical():
            return
        self._hub.write(self, slot, held, base, resting=resting, teleport=teleport, place=place)
        self.slots[slot] = held
        self.written[slot] = True

    # Commands: each waits for the relay's answer, and raises RefusedError when it says no.

    async def request(self, note: str = "") -> None:
        """Ask to own it, as of the epoch known here. With rule "ask", `note` is what its master reads."""
        await self._hub.command(m.Request, self.id, self.epoch, note)

    async def assign(self, peer: int, *, subtree: bool = False) -> None:
        """As its master, give it to a peer; with all that rides in it if `subtree`."""
        await self._hub.command(m.Assign, self.id, peer, subtree)

    async def release(self) -> None:
        """As its owner, hand it back to its master."""
        await self._hub.command(m.Release, self.id)

    async def set_rule(
        self, rule: m.Rule, *, ask_timeout_ms: int | None = None, fallback: m.Rule | None = None
    ) -> None:
        """As its master, say what becomes of requests; `ask_timeout_ms` stays as it is when left out."""
        await self._hub.command(m.SetRule, self.id, rule, ask_timeout_ms or self.ask_timeout_ms, fallback)

    async def set_master(self, peer: int) -> None:
        """As its master, hand mastership on."""
        await self._hub.command(m.SetMaster, self.id, peer)

    async def set_lifetime(self, lifetime: m.Lifetime) -> None:
        """As its master, say how long it lives."""
        await self._hub.command(m.SetLifetime, self.id, lifetime)

    async def set_attach_rule(self, attach_rule: m.AttachRule) -> None:
        """As its master, say who may ride in it."""
        await self._hub.command(m.SetAttachRule, self.id, attach_rule)

    async def set_properties(self, properties: Mapping[str, m.PropertyValue]) -> None:
        """As its owner, merge these into its properties; None removes a key."""
        await self._hub.command(m.SetProperties, self.id, dict(properties))

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
        outer = self.world_transform()
        there = outer if parent is None else inward(parent.world_transform(), outer)
        moved = Transform(
            there.position if position is None else position, there.rotation if rotation is None else rotation
        )
        # How often it was attached only the relay knows for sure; it writes the count into the record.
        state = placed_bytes(moved, upright=self.upright and parent is None, child=parent is not None)
        condition = None if only_if is None else m.Condition(only_if.id, only_if.epoch)
        await self._hub.command(m.SetParent, self.id, 0 if parent is None else parent.id, state, condition)

    async def despawn(self, children: m.Children = "reparent") -> None:
        """As its master, remove it; what rides in it goes to its parent ("reparent") or along ("along")."""
        await self._hub.command(m.Despawn, self.id, children)

    # What the session tells it.

    def take_placed(self, data: bytes, tick: int) -> None:
        """State as of `tick`, from `spawned` or `parent_set`; pose and props that we wrote ourselves stay. Raises WireError."""
        placed = records.unpack_placed(data)
        for slot, (kind, record) in placed.records.items():
            self.told[slot] = True
            if slot is not Slot.TRANSFORM and self.written[slot] and self.mine:
                continue
            self.slots[slot] = Held(kind, placed.base, records.with_entity(record, self.id))
            self.written[slot] = False
            self.ticks[slot] = max(self.ticks[slot], tick)
        kind = placed.records[Slot.TRANSFORM].kind
        self.upright = kind is Section.UPRIGHT or (kind is Section.CHILD and self.upright)

    def take_owner(self, granted: m.Granted) -> None:
        """Ownership has changed as of a tick: former frames are void. With the same epoch it is told that nothing has changed."""
        if granted.epoch == self.epoch:
            return
        self.owner = granted.owner
        self.epoch = granted.epoch
        self.ticks = [max(tick, granted.tick) for tick in self.ticks]
        for slot in (Slot.POSE, Slot.PROPS):
            if self.written[slot] and not self.told[slot]:
                # Perhaps it never came to the relay; if it did, the relay tells of it again.
                self.slots[slot] = None
        self.written = [False, False, False]
