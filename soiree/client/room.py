"""A room that one is in: what one knows of it, and does in it."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from soiree.client import changes as ch
from soiree.client import commands
from soiree.client.entity import Entity
from soiree.client.errors import GoneError
from soiree.client.group import Group
from soiree.client.ladder import Choice, Ladder
from soiree.client.lifeline import Lifeline
from soiree.client.room_stats import RoomStats
from soiree.client.session import Phase
from soiree.client.stay import Stay
from soiree.transport import STATE, Rung
from soiree.wire import messages as m
from soiree.wire import state as st
from soiree.wire.limits import MAX_DATA_BYTES, MAX_RELIABLE_DATA_BYTES
from soiree.wire.quantise import IDENTITY, Quat, Vec3
from soiree.wire.records import ZERO, Transform


class Room(Stay):
    """A room that one is in. Made by `soiree.join`.

    Attributes:
        name: what others call us.
        resume_token: attaches to the session for as long as it lasts.
        identity: to be kept for later stays, so that what one mastered for good is one's own again.
        on_frame: called with each frame that moved something, from the handler that received it.
        before_frame: called at the beginning of each serving tick: what is set here goes out with the very next frame.
        on_ask: decides on requests for what we are master of: True allows, False denies, None leaves it to the readers of `changes()`.
    """

    def __init__(self, name: str, resume: str, identity: str, ladder_of: Callable[[Lifeline], Ladder]) -> None:
        super().__init__(ladder_of)
        self.name = name
        self.resume_token = resume
        self.identity = identity

    # What is known.

    @property
    def host(self) -> bool:
        """Whether we host the room."""
        return self._session.host

    @property
    def info(self) -> m.RoomInfo:
        """Id, code and name of the room, and its speed limit."""
        assert self._session.room is not None, "set by the welcome that `join` waits for"
        return self._session.room

    @property
    def peers(self) -> Mapping[int, ch.Peer]:
        """Everybody here, oneself included, by id."""
        return MappingProxyType(self._session.world.peers)

    @property
    def rung(self) -> Rung | None:
        """Where on the ladder the connection stands, None while there is none."""
        return self._lifeline.rung

    @property
    def transport(self) -> str | None:
        """ "webrtc" or "websocket", None while there is no connection."""
        carrier = self._lifeline.carrier
        return None if carrier is None else carrier.kind

    @property
    def tick(self) -> int:
        """The relay's 60 Hz tick now, as estimated here."""
        return self._session.state.clock.tick(self._loop.time())

    @property
    def relay_time_us(self) -> int | None:
        """The relay's clock now, None before its first ping."""
        return self._session.state.clock.relay_us(self._loop.time())

    @property
    def closed(self) -> str | None:
        """Why the session has ended, None as long as it has not."""
        return None if self._ended is None else self._ended.reason

    def stats(self) -> RoomStats:
        """Counters so far."""
        session, lifeline = self._session, self._lifeline
        carried = lifeline.stats()
        return RoomStats(
            rung=self.rung,
            engine=None if lifeline.carrier is None else lifeline.carrier.engine,
            rtt_s=session.state.clock.rtt_s,
            connections=lifeline.connections,
            frames_in=session.state.frames_in,
            records_in=session.state.records_in,
            records_out=session.state.upward.records_sent,
            packets_in=carried.packets_in,
            packets_out=carried.packets_out,
            bytes_in=carried.bytes_in,
            bytes_out=carried.bytes_out,
            dropped_out=carried.dropped_out,
            unacked_records=len(session.state.upward),
        )

    # What one does.

    async def spawn(
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
        parent: Entity | None = None,
        attach_rule: m.AttachRule = "owner",
        relevance: m.Relevance = "near",
        only_if: Entity | None = None,
    ) -> Entity:
        """Make an entity, of which we are master and owner.

        Args:
            kind: what it is, 1 to 32 characters; from an "avatar" one looks.
            position: metres, in the world or in the frame of `parent`.
            rotation: (x, y, z, w).
            velocity: m/s.
            rule: what becomes of requests for it.
            lifetime: whether it goes when its master leaves.
            properties: at most 32 keys.
            upright: send only its turn about +Y: shorter.
            parent: what it rides in.
            attach_rule: who may ride in it.
            relevance: "near": told to whoever has it in sight; "always": to everybody wherever they are, up to 64 of those of a peer.
            only_if: refused "stale" unless we own this entity at the epoch known here: one gun fires one bullet.

        Raises:
            RefusedError: with the reason.
            ValueError: a position, rotation or message that cannot be sent.
        """
        if parent is not None:
            parent.check_here()
        answer = await self.command(
            *commands.spawn(
                kind, Transform(position, rotation, velocity), 0 if parent is None else parent.id, rule=rule, lifetime=lifetime,
                properties=properties, upright=upright, attach_rule=attach_rule, relevance=relevance, only_if=only_if,
            )
        )  # fmt: skip
        assert isinstance(answer, m.Spawned), "what spawn is answered with"
        entity = self.entities.get(answer.entity)
        if entity is None:
            raise GoneError("despawn", answer.entity, answer.owner, answer.epoch)
        entity.upright = upright
        return entity

    def group(self) -> Group:
        """An empty group of commands, which `commit` sends as one: nobody sees what lies between them."""
        return Group(self._say_group, self.entities)

    async def _say_group(self, messages: Sequence[msgspec.Raw]) -> Sequence[m.Message]:
        return await self._answers.wait(self._say(m.Group, messages), len(messages))

    async def send_event(
        self,
        name: str,
        payload: Any = None,
        *,
        to: int = 0,
        entity: Entity | None = None,
        only_if: Entity | None = None,
    ) -> None:
        """Send an event, reliably and in order.

        Args:
            name: 1 to 64 characters.
            payload: anything that MessagePack can hold, up to 8 KiB.
            to: 0 for everybody (oneself included), a peer id, or −n for all but peer n.
            entity: what it is about; who does not see it does not hear of it.
            only_if: refused "stale" unless we own this entity at the epoch known here.

        Raises:
            RefusedError: with the reason.
            ValueError: a payload that cannot be sent.
        """
        await self.command(*commands.send_event(name, payload, to, entity, only_if))

    def send(self, data: bytes, *, to: int = 0, reliable: bool = False) -> bool:
        """Send up to 1024 opaque bytes, or 12288 reliable ones, relayed unread: to 0 for all others, a peer id, or −n for all but peer n.

        Returns:
            False when the network did not take it (never so if `reliable`).
        """
        most = MAX_RELIABLE_DATA_BYTES if reliable else MAX_DATA_BYTES
        if len(data) > most:
            raise ValueError(f"{len(data)} bytes, {most} at most")
        if reliable:
            self._say(m.SendData, to, data)
            return True
        return self._session.phase is Phase.LIVE and self._lifeline.send(STATE, st.pack_data(to, data))

    async def set_view(self, x: float, y: float, z: float, radius_m: float) -> None:
        """Look from here rather than from one's avatar; radius 0: from the avatar again."""
        await self.command(m.View, x, y, z, radius_m)

    async def set_budget(self, kbit_s: int) -> None:
        """Cap what is sent down to us, IP and UDP headers included; 0: the relay adapts."""
        await self.command(m.Budget, kbit_s)

    def set_rate(self, hz: float, phase_s: float = 0.0) -> None:
        """Serve `hz` times a second, up to 60, at multiples of the period on the loop's clock plus `phase_s`. Raises ValueError."""
        self._serving.set_rate(hz, phase_s)

    def changes(self, *, state: bool = True) -> AsyncIterator[ch.Change]:
        """What happens from this call on, in order; state of an entity is coalesced, and left out unless `state`.

        The iteration ends when the room is left, raises RoomClosedError when the session ends otherwise, and SlowReaderError when
        more than `feed.MAX_UNREAD_CHANGES` wait unread. Raises ValueError for more than `readers.MAX_READERS` at a time.
        """
        return self._readers.add(state=state)

    async def wait_closed(self) -> str:
        """Wait for the end of the session; returns its reason."""
        await self._over.wait()
        assert self._ended is not None, "that is what was waited for"
        return self._ended.reason

    async def switch(self, transport: Choice) -> None:
        """Carry the session on over this transport (and, but for "auto", only over this one from now on).

        Raises:
            DialError: it does not come up; the session goes on as it was.
        """
        await self._lifeline.switch(transport)
        await self._welcomed()
