"""One bot: joins, moves every frame, says something now and then, and counts what it hears."""

import asyncio
import contextlib
import struct
import time
from collections.abc import Callable
from random import Random

import soiree
from party.bots.scenario import Flight, Step, Walk, in_hand
from party.bots.tally import Tally
from soiree import Entity, Frame, RefusedError, Room, RoomClosedError
from soiree.wire.messages import Rule

STAMP = struct.Struct("<q")
"""Nanoseconds of this machine's monotonic clock, in the avatar's PROPS record."""
EVENT_PERIOD_S = 2.0
EVENT_NAME = "bot-count"
BALL_KIND = "ball"
CARRY_S = 1.0
PAUSE_S = (0.3, 1.5)
NEW_RULES: tuple[Rule, ...] = ("allow", "allow", "ask", "deny")
"""What a master sets now and then; mostly everybody may have the ball."""


class Bot:
    """A guest without a person.

    Attributes:
        index: 0…, by which bots are spread over the period.
        room: the room, once joined.
        tally: what it counted.
    """

    def __init__(self, index: int, room: Room, tally: Tally, random: Random) -> None:
        self.index = index
        self.room = room
        self.tally = tally
        self._halted = asyncio.Event()
        self._random = random
        self._walk = Walk(random)
        self._avatar: Entity | None = None
        self._moves: dict[Entity, Callable[[float, Step], Step]] = {}
        """How things in our hands move: at (now_s, of the walker)."""
        self._grabbed: set[Entity] = set()
        """Things that were somewhere else a moment ago: the next they do is a jump, which would be refused as too fast."""

    @property
    def halt(self) -> bool:
        """Whether it was told to stop."""
        return self._halted.is_set()

    def stop(self) -> None:
        """Come to rest, and begin nothing any more."""
        self._halted.set()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._halted.wait()

    async def enter(self, hz: float, phase_s: float) -> None:
        """Make an avatar and begin to move it, `hz` times a second."""
        step = self._walk.step(time.monotonic())
        self._avatar = await self.room.spawn(
            "avatar", step.position, step.rotation, rule="deny", upright=True, properties={"name": self.room.name}
        )
        self.room.on_frame = self._on_frame
        self.room.on_ask = self._on_ask
        self.room.before_frame = self._before_frame
        self.room.set_rate(hz, phase_s)

    def _before_frame(self, now_s: float) -> None:
        """Set everything of ours; the frame is written right after this."""
        avatar = self._avatar
        if avatar is None or not avatar.mine:
            return
        step = self._walk.step(now_s, halt=self.halt)
        self._put(avatar, step)
        for thing, move in list(self._moves.items()):
            if thing.mine and thing.alive:
                self._put(thing, move(now_s, step), jump=thing in self._grabbed)
                self._grabbed.discard(thing)
            else:
                del self._moves[thing]
        if not self.halt:
            avatar.set_props(STAMP.pack(time.monotonic_ns()))

    def _put(self, thing: Entity, step: Step, *, jump: bool = False) -> None:
        thing.set(step.position, step.rotation, (0.0, 0.0, 0.0) if self.halt else step.velocity, teleport=jump)
        self.tally.updates_sent += self.tally.measuring and not self.halt

    def _on_frame(self, frame: Frame) -> None:
        now_ns = time.monotonic_ns()
        self.tally.updates_received += len(frame.moved) if self.tally.measuring else 0
        for entity, props in frame.props:
            if len(props) == STAMP.size:
                self.tally.hear_stamp(entity.id, STAMP.unpack(props)[0], now_ns)

    def _on_ask(self, _: soiree.Asked) -> bool:
        return self._random.random() < 0.7

    async def listen(self) -> None:
        """Count the events of others until the room is left."""
        async for change in self.room.changes(state=False):
            if isinstance(change, soiree.Event) and change.name == EVENT_NAME:
                self.tally.hear_event(change.peer, change.payload)

    async def chatter(self) -> None:
        """Send numbered events until told to halt."""
        await self._pause(self._random.uniform(0, EVENT_PERIOD_S))
        while not self.halt:
            self.tally.events_sent += 1
            await self.room.send_event(EVENT_NAME, self.tally.events_sent)
            await self._pause(EVENT_PERIOD_S)

    async def play_ball(self) -> None:
        """Grab balls, carry them, throw them, let go, and as their master change the rule, until told to halt."""
        while not self.halt:
            await self._pause(self._random.uniform(*PAUSE_S))
            balls = [entity for entity in self.room.entities.values() if entity.kind == BALL_KIND]
            if balls and not self.halt:
                try:
                    await self._play_with(self._random.choice(balls))
                except RefusedError as error:
                    self.tally.refusals[error.reason] += 1

    async def _play_with(self, ball: Entity) -> None:
        if ball.mastered and self._random.random() < 0.3:
            await ball.set_rule(self._random.choice(NEW_RULES), ask_timeout_ms=1000, fallback="allow")
        if not ball.mine:
            await ball.request("may I?")
            self.tally.grants += 1
        self._grabbed.add(ball)
        self._moves[ball] = lambda _, walker: in_hand(walker)
        await self._pause(CARRY_S)
        if not self._holding(ball):
            return
        flight = Flight(ball.position, self._random.uniform(0, 6.28), asyncio.get_running_loop().time())
        self._moves[ball] = lambda now_s, _: flight.step(now_s)
        await self._pause(flight.lasts_s + 0.1)
        if self._holding(ball):
            await ball.set_properties({"thrown": self.tally.events_sent, "by": self.room.name})
            if self._random.random() < 0.5:
                self._moves.pop(ball, None)
                await ball.release()

    def _holding(self, ball: Entity) -> bool:
        return ball.mine and not self.halt

    async def stay(self) -> None:
        """Raise RoomClosedError when the session ends before its time."""
        reason = await self.room.wait_closed()
        if reason != "bye":
            raise RoomClosedError(reason)
