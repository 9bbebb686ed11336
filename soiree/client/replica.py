"""What a client knows of a thing in a room.

Pure core: it holds what was told and written, as records, which are decoded when somebody looks.
"""

from typing import Any
from uuid import UUID

from soiree.client.errors import GoneError
from soiree.client.frame_of_reference import outward
from soiree.client.hub import Hub
from soiree.client.interpolation import Playback
from soiree.client.motion import Sample
from soiree.client.placement import Held
from soiree.wire import messages as m
from soiree.wire import records
from soiree.wire.limits import MAX_DEPTH
from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Pose, Transform
from soiree.wire.state import TICK_HZ, Section, Slot


class Replica:
    """What a client knows of a thing in a room. Its attributes are what the relay told last and must not be assigned to.

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
        gone: why it is not here any more, as `Despawned.reason` says ("sight": it is too far away to be seen), None while it is.
        upright: its transforms are sent as UPRIGHT: shorter, without tilt.
    """

    __slots__ = (
        "_hub", "_playback", "ask_timeout_ms", "attach", "attach_rule", "epoch", "fallback", "gone", "id",
        "kind", "lifetime", "master", "owner", "parent", "properties", "rule", "slots", "ticks",
        "told", "upright", "uuid", "written",
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
        self.gone: str | None = None
        self.upright = False
        self.slots: list[Held | None] = [None, None, None]
        """Newest record of each slot."""
        self.ticks = [spawned.tick] * 3
        """Frames older than this tick are not applied to the slot."""
        self.written = [False, False, False]
        """Slots that we have set since we own it."""
        self.told = [False, False, False]
        """Slots of which the relay has told something, ever."""
        self._playback: Playback | None = None
        self.take_placed(spawned.state, spawned.tick)

    def __repr__(self) -> str:
        place = ", ".join(f"{metres:.2f}" for metres in self.position)
        return f"<{type(self).__name__} {self.id} {self.kind} at ({place}) owner={self.owner} master={self.master} epoch={self.epoch}>"

    @property
    def alive(self) -> bool:
        """False once it was despawned or went out of sight."""
        return self.gone is None

    def check_here(self) -> None:
        """Raises GoneError unless it is here: its id may be another's by now."""
        if self.gone is not None:
            raise GoneError(self.gone, self.id, self.owner, self.epoch)

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

    def smooth(self, now: float | None = None) -> Transform:
        """Where in the world to show it: somebody else's a little in the past, moving smoothly from sample to sample.

        Args:
            now: seconds on the event loop's clock, the same for all that is shown together; None for this moment.

        The first call begins to keep the last samples of it and of what it rides in; what nobody asks about costs nothing. One's own is
        where it was set. The velocity is in the world, too.
        """
        now = self._hub.time() if now is None else now
        return self.shown(now, self._hub.relay_s(now), MAX_DEPTH)

    def shown(self, now: float, relay_s: float, depth: int) -> Transform:
        """As `smooth`, when the relay's clock is `relay_s`, and at most `depth` parents are followed."""

        def parent_shown(parent: int) -> Transform | None:
            above = self._hub.entities.get(parent) if depth else None
            return None if above is None else above.shown(now, relay_s, depth - 1)

        if not self.alive or (self.mine and self._playback is None):
            frame = parent_shown(self.parent) if self.parent else None
            return self.transform if frame is None else outward(frame, self.transform)
        if self._playback is None:
            self._playback = Playback(self._sample())
        if self.mine:
            return self._playback.place(now, self.parent, self.transform, parent_shown)
        return self._playback.play(now, relay_s, parent_shown)

    def _sample(self) -> Sample:
        """The newest record, dated by the relay's clock."""
        there = self.transform
        at_s = (self.ticks[Slot.TRANSFORM] - there.age) / TICK_HZ
        return Sample(at_s, self.parent, there.position, there.rotation, there.velocity, there.teleport)

    # What the session tells it.

    def take_moved(self, arrived_s: float | None) -> None:
        """Its transform is a new one; a frame told it at `arrived_s` on the relay's clock (None: a message did)."""
        if self._playback is not None:
            self._playback.add(self._sample(), arrived_s)

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
        self.take_moved(None)

    def take_owner(self, granted: m.Granted) -> None:
        """Ownership has changed as of a tick: former frames are void. With the same epoch it is told that nothing has changed."""
        if granted.epoch == self.epoch:
            return
        was_mine = self.mine
        self.owner = granted.owner
        self.epoch = granted.epoch
        self.ticks = [max(tick, granted.tick) for tick in self.ticks]
        if self._playback is not None and was_mine:
            self._playback.restart(self._sample())
        for slot in (Slot.POSE, Slot.PROPS):
            if self.written[slot] and not self.told[slot]:
                # Perhaps it never came to the relay; if it did, the relay tells of it again.
                self.slots[slot] = None
        self.written = [False, False, False]
