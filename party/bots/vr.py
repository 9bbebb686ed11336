"""The play of the hall: people in VR, who send body, head and hands; and how often each gets news of the others."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np

from party.bots.agreement import Difference
from party.bots.bot import Bot
from party.bots.hall import Stander, group_places
from party.bots.play import Play
from party.bots.rates import Rates, Spread, nearest
from party.bots.report import VrFigures
from party.bots.sightings import Places
from party.bots.tally import Tally
from soiree import Entity, Frame, Room

WINDOW_S: Final = 5.0
"""Rates are those of so many seconds."""
STAMP_EVERY: Final = 20


class VrGuest(Bot):
    """Somebody in VR.

    Attributes:
        bodies, poses: updates of each avatar that came while it was measured.
    """

    def __init__(self, index: int, room: Room, tally: Tally, random: Random, stander: Stander, budget: int) -> None:
        super().__init__(index, room, tally, random)
        self.bodies: Counter[Entity] = Counter()
        self.poses: Counter[Entity] = Counter()
        self._budget_kbit_s = budget
        self._stander = stander
        self._avatar: Entity | None = None
        self._at_s = 0.0
        self._frames = random.randrange(STAMP_EVERY)

    @property
    def place(self) -> tuple[float, float]:
        """x and z of the body."""
        x, _, z = self._stander.step(self._at_s).position
        return (x, z)

    async def appear(self, now_s: float) -> None:
        if self._budget_kbit_s:
            await self.room.set_budget(self._budget_kbit_s)
        self._at_s = now_s
        step = self._stander.step(now_s)
        self._avatar = await self.room.spawn(
            "avatar", step.position, step.rotation, rule="deny", upright=True, properties={"name": self.room.name}
        )

    def move(self, now_s: float) -> None:
        avatar = self._avatar
        if avatar is None or not avatar.mine:
            return
        if not self.halt:
            self._at_s = now_s
        self.put(avatar, self._stander.step(self._at_s))
        avatar.set_pose(self._stander.pose(self._at_s))
        self._frames += 1
        if self._frames % STAMP_EVERY == 0:
            self.stamp(avatar)

    def count(self, frame: Frame) -> None:
        self.bodies.update(frame.moved)
        self.poses.update(frame.posed)


class VrPlay(Play[VrGuest]):
    """They stand in groups, shift about and wave their hands."""

    event_period_s = 20.0

    def __init__(self, count: int, random: Random, budget_kbit_s: int = 0) -> None:
        super().__init__(count, random)
        self._budget_kbit_s = budget_kbit_s
        self._groups = group_places(count, random)
        self._rates = Rates()
        self._window_at = 0.0
        self._before: Places = np.empty((0, 2))

    def bot(self, index: int, room: Room, tally: Tally, random: Random) -> VrGuest:
        return VrGuest(index, room, tally, random, Stander(index, self._groups, random), self._budget_kbit_s)

    def begin(self, now_s: float) -> None:
        self._open_window(now_s)

    def observe(self, now_s: float) -> None:
        if now_s - self._window_at >= WINDOW_S:
            self._close_window(now_s)
            self._open_window(now_s)

    def end(self, now_s: float) -> None:
        if now_s - self._window_at >= WINDOW_S / 2:
            self._close_window(now_s)

    def _places(self) -> Places:
        return np.array([bot.place for bot in self.bots], dtype=np.float64).reshape(-1, 2)

    def _open_window(self, now_s: float) -> None:
        self._window_at, self._before = now_s, self._places()
        near = nearest(self._before)
        peers = np.array([bot.room.peer_id for bot in self.bots])
        for bot, neighbours in zip(self.bots, near, strict=True):
            bot.bodies.clear()
            bot.poses.clear()
            # What is far comes seldom, as it should: that is told by rates.
            bot.heeds = frozenset(peers[neighbours].tolist())

    def _close_window(self, now_s: float) -> None:
        rows = {bot.room.peer_id: row for row, bot in enumerate(self.bots)}
        counts = np.zeros((2, len(rows), len(rows)), dtype=np.int64)
        for row, bot in enumerate(self.bots):
            for slot, counted in enumerate((bot.bodies, bot.poses)):
                for entity, updates in counted.items():
                    if entity.owner in rows:
                        counts[slot, row, rows[entity.owner]] += updates
        # An avatar is as fresh as the staler of its body and its hands.
        self._rates.add(self._before, self._places(), counts.min(0), now_s - self._window_at)

    def figures(self, _found: Sequence[Difference]) -> VrFigures:
        return VrFigures(Spread.of(self._rates.nearest_hz), Spread.of(self._rates.others_hz))
