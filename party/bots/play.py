"""What a crowd plays: who its bots are, what they do besides moving and talking, and what is told of it."""

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from random import Random
from typing import Any, Generic, TypeVar

from party.bots.agreement import Difference, differences
from party.bots.bot import Bot
from party.bots.report import Figures
from party.bots.tally import Tally
from party.bots.wanderer import BALL_KIND, Wanderer
from soiree import Room
from soiree.client.entity import Account

BALLS_PER_BOT = 0.2
B = TypeVar("B", bound=Bot)


class Play(ABC, Generic[B]):
    """Base of all plays; bots that could not join are in none.

    Attributes:
        count: how many bots were asked for.
        random: what makes this run different from others.
        event_period_s: how often each bot says something to all.
        bots: who came, in the order in which they did.
    """

    event_period_s = 2.0

    def __init__(self, count: int, random: Random) -> None:
        self.count = count
        self.random = random
        self.bots: list[B] = []

    @abstractmethod
    def bot(self, index: int, room: Room, tally: Tally, random: Random) -> B:
        """A bot for somebody who has joined."""

    async def set_out(self) -> None:
        """All are in: make what is there for everybody."""

    def acting(self) -> list[Coroutine[Any, Any, None]]:
        """What bots do until they are told to stop, besides moving and talking."""
        return []

    def begin(self, now_s: float) -> None:
        """Measuring begins."""

    def observe(self, now_s: float) -> None:
        """Called some ten times a second while it is measured."""

    def end(self, now_s: float) -> None:
        """Measuring ends: bots are about to stop."""

    def here(self) -> Sequence[B]:
        """Bots that are still in the room."""
        return [bot for bot in self.bots if bot.room.closed is None]

    def views(self) -> dict[int, dict[int, Account]]:
        """What each bot sees: peer id → entity id → account."""
        return {
            bot.room.peer_id: {key: entity.account() for key, entity in bot.room.entities.items()}
            for bot in self.here()
        }

    def differences(self) -> list[Difference]:
        """How views differ from what owners hold, once all have come to rest."""
        return differences(self.views())

    def figures(self, _found: Sequence[Difference]) -> Figures | None:
        """What is told of this play alone."""
        return None


class Wander(Play[Wanderer]):
    """They walk about."""

    def bot(self, index: int, room: Room, tally: Tally, random: Random) -> Wanderer:
        return Wanderer(index, room, tally, random)


class BallGame(Wander):
    """They also grab, throw and hand on balls."""

    async def set_out(self) -> None:
        for number in range(max(1, round(self.count * BALLS_PER_BOT))):
            bot = self.bots[number % len(self.bots)]
            await bot.room.spawn(BALL_KIND, (number * 0.5, 0.15, 0.0), rule="allow", lifetime="with-room")

    def acting(self) -> list[Coroutine[Any, Any, None]]:
        return [bot.play_ball() for bot in self.bots]
