"""One bot: joins, moves every frame, says something now and then, and counts what it hears."""

import asyncio
import contextlib
import struct
import time
from abc import ABC, abstractmethod
from random import Random

import soiree
from party.bots.scenario import Step
from party.bots.tally import Tally
from soiree import Entity, Frame, Room, RoomClosedError

STAMP = struct.Struct("<q")
"""Nanoseconds of this machine's monotonic clock, in a PROPS record."""
EVENT_NAME = "bot-count"


class Bot(ABC):
    """A guest without a person.

    Attributes:
        index: 0…, by which bots are spread over the period.
        room: the room, once joined.
        tally: what it counted.
        heeds: peers whose stamps count; None for everybody.
    """

    def __init__(self, index: int, room: Room, tally: Tally, random: Random) -> None:
        self.index = index
        self.room = room
        self.tally = tally
        self.heeds: frozenset[int] | None = None
        self._halted = asyncio.Event()
        self._random = random

    @property
    def halt(self) -> bool:
        """Whether it was told to stop."""
        return self._halted.is_set()

    def stop(self) -> None:
        """Come to rest, and begin nothing any more."""
        self._halted.set()

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond the stop."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halted.wait()

    async def enter(self, hz: float, phase_s: float) -> None:
        """Appear, and begin to move, `hz` times a second."""
        await self.appear(time.monotonic())
        self.room.on_frame = self._on_frame
        self.room.on_ask = self._on_ask
        self.room.before_frame = self.move
        self.room.set_rate(hz, phase_s)

    @abstractmethod
    async def appear(self, now_s: float) -> None:
        """Make what is ours."""

    @abstractmethod
    def move(self, now_s: float) -> None:
        """Set everything of ours; the frame is written right after this."""

    def put(self, thing: Entity, step: Step, *, jump: bool = False) -> None:
        """It is there now."""
        thing.set(step.position, step.rotation, (0.0, 0.0, 0.0) if self.halt else step.velocity, teleport=jump)
        self.tally.updates_sent += self.tally.measuring and not self.halt

    def stamp(self, thing: Entity) -> None:
        """Have others tell how long this frame took to them."""
        if not self.halt:
            thing.set_props(STAMP.pack(time.monotonic_ns()))

    def _on_frame(self, frame: Frame) -> None:
        now_ns = time.monotonic_ns()
        tally, heeds = self.tally, self.heeds
        if tally.measuring:
            tally.updates_received += len(frame.moved)
            self.count(frame)
        for entity, props in frame.props:
            if len(props) == STAMP.size and (heeds is None or entity.owner in heeds):
                tally.hear_stamp(entity.id, STAMP.unpack(props)[0], now_ns)

    def count(self, _frame: Frame) -> None:
        """A frame came while what comes is measured."""
        return

    def _on_ask(self, _: soiree.Asked) -> bool:
        return self._random.random() < 0.7

    async def listen(self) -> None:
        """Count the events of others until the room is left."""
        async for change in self.room.changes(state=False):
            if isinstance(change, soiree.Event) and change.name == EVENT_NAME:
                self.tally.hear_event(change.peer, change.payload)

    async def chatter(self, period_s: float) -> None:
        """Send numbered events until told to halt."""
        await self.pause(self._random.uniform(0, period_s))
        while not self.halt:
            self.tally.events_sent += 1
            await self.room.send_event(EVENT_NAME, self.tally.events_sent)
            await self.pause(period_s)

    async def stay(self) -> None:
        """Raise RoomClosedError when the session ends before its time."""
        reason = await self.room.wait_closed()
        if reason != "bye":
            raise RoomClosedError(reason)
