"""A bot that walks about, and plays with balls where there are any."""

import asyncio
from collections.abc import Callable
from random import Random

from party.bots.bot import Bot
from party.bots.scenario import Flight, Step, Walk, in_hand
from party.bots.tally import Tally
from soiree import Entity, RefusedError, Room
from soiree.wire.messages import Rule

BALL_KIND = "ball"
CARRY_S = 1.0
PAUSE_S = (0.3, 1.5)
NEW_RULES: tuple[Rule, ...] = ("allow", "allow", "ask", "deny")
"""What a master sets now and then; mostly everybody may have the ball."""


class Wanderer(Bot):
    """A bot on foot."""

    def __init__(self, index: int, room: Room, tally: Tally, random: Random) -> None:
        super().__init__(index, room, tally, random)
        self._walk = Walk(random)
        self._avatar: Entity | None = None
        self._moves: dict[Entity, Callable[[float, Step], Step]] = {}
        """How things in our hands move: at (now_s, of the walker)."""
        self._grabbed: set[Entity] = set()
        """Things that were somewhere else a moment ago: the next they do is a jump, which would be refused as too fast."""

    async def appear(self, now_s: float) -> None:
        step = self._walk.step(now_s)
        self._avatar = await self.room.spawn(
            "avatar", step.position, step.rotation, rule="deny", upright=True, properties={"name": self.room.name}
        )

    def move(self, now_s: float) -> None:
        avatar = self._avatar
        if avatar is None or not avatar.mine:
            return
        step = self._walk.step(now_s, halt=self.halt)
        self.put(avatar, step)
        for thing, move in list(self._moves.items()):
            if thing.mine and thing.alive:
                self.put(thing, move(now_s, step), jump=thing in self._grabbed)
                self._grabbed.discard(thing)
            else:
                del self._moves[thing]
        self.stamp(avatar)

    async def play_ball(self) -> None:
        """Grab balls, carry them, throw them, let go, and as their master change the rule, until told to halt."""
        while not self.halt:
            await self.pause(self._random.uniform(*PAUSE_S))
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
        await self.pause(CARRY_S)
        if not self._holding(ball):
            return
        flight = Flight(ball.position, self._random.uniform(0, 6.28), asyncio.get_running_loop().time())
        self._moves[ball] = lambda now_s, _: flight.step(now_s)
        await self.pause(flight.lasts_s + 0.1)
        if self._holding(ball):
            await ball.set_properties({"thrown": self.tally.events_sent, "by": self.room.name})
            if self._random.random() < 0.5:
                self._moves.pop(ball, None)
                await ball.release()

    def _holding(self, ball: Entity) -> bool:
        return ball.mine and not self.halt
