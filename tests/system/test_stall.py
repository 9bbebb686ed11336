"""A reader that stalls for 5 s over a WebSocket: nobody else notices, and it is at most one frame behind a moment later."""

import asyncio
import math
import socket
import struct
import time
from typing import Any

import pytest

import soiree
from tests.system.party_process import PartyOf
from tests.system.ways import BEST, crowd, until
from tests.system.witnesses import witnesses

SEND_HZ = 30.0
THINGS = 60
STALL_S = 5.0
MOMENT_S = 0.5
BEHIND_S = 1 / SEND_HZ + 2 / 60
"""A sample waits for its sender's frame, and for one of the relay's."""
SLACK_S = 0.1
"""A shared machine."""
NOW = struct.Struct("<d")


class Mover:
    """Moves many things, of which the first carries the time."""

    def __init__(self, room: soiree.Room) -> None:
        self.things: list[soiree.Entity] = []
        self._room = room

    async def begin(self) -> None:
        """Make them, and move them from now on."""
        for number in range(THINGS):
            self.things.append(await self._room.spawn("thing", (float(number), 0.0, 0.0), rule="deny"))
        self._room.before_frame = self._move

    def _move(self, now: float) -> None:
        for number, thing in enumerate(self.things):
            thing.set((float(number), 1.0, math.sin(now)), velocity=(0.0, 0.0, math.cos(now)))
        self.things[0].set_props(NOW.pack(time.monotonic()))


class Ages:
    """How old each time was when it came to a peer."""

    def __init__(self, room: soiree.Room) -> None:
        self.seen: list[tuple[float, float]] = []
        """(when it came, how old it was)."""
        room.on_frame = self._on_frame

    def _on_frame(self, frame: soiree.Frame) -> None:
        now = time.monotonic()
        self.seen.extend((now, now - NOW.unpack(props)[0]) for _, props in frame.props)

    def since(self, then: float) -> list[float]:
        """Ages of what came since."""
        return [age for at, age in self.seen if at >= then]


def _tcp(room: soiree.Room) -> Any:
    """The TCP transport below a room's WebSocket."""
    carrier: Any = room._lifeline.carrier
    return carrier._transport._connections[1]._socket


async def test_a_stalled_reader_disturbs_nobody_and_catches_up(
    party_of: PartyOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soiree.client.lifeline.SILENCE_S", 60.0)  # it has patience, and keeps its connection
    server = party_of(BEST)
    code = server.room()
    async with (
        witnesses(server.url, code, "websocket", BEST),
        crowd(server.url, code, BEST, "websocket", "websocket") as rooms,
    ):
        mover, stalling, honest = rooms
        for room in rooms:
            room.set_rate(SEND_HZ)
        moving = Mover(mover)
        await moving.begin()
        ages = {room: Ages(room) for room in (stalling, honest)}
        await until(lambda: all(len(age.seen) > 20 for age in ages.values()), what="times come")
        tcp = _tcp(stalling)
        tcp.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        began = time.monotonic()
        tcp.pause_reading()
        await asyncio.sleep(STALL_S)
        tcp.resume_reading()
        resumed = time.monotonic()
        await asyncio.sleep(MOMENT_S)
        moment = time.monotonic()
        await until(lambda: len(ages[stalling].since(moment)) > 30, what="times come again")
        stalled_meanwhile = [age for at, age in ages[stalling].seen if began + 0.5 < at < resumed]
        caught_up = sorted(ages[stalling].since(moment))
        others = sorted(ages[honest].since(began))
        print(f"others: {_told(others)}; the stalled one {MOMENT_S:g} s after: {_told(caught_up)}")
        assert stalled_meanwhile == []
        assert len(others) > STALL_S * SEND_HZ * 0.8
        assert others[len(others) * 9 // 10] < BEHIND_S + SLACK_S
        assert caught_up[len(caught_up) * 9 // 10] < BEHIND_S + SLACK_S
        assert stalling.stats().connections == 1
        await _converged(moving, stalling, honest)


def _told(ages_s: list[float]) -> str:
    """Some percentiles of sorted ages."""
    return ", ".join(f"p{p} {ages_s[len(ages_s) * p // 100] * 1000:.0f} ms" for p in (50, 90, 99))


async def _converged(moving: Mover, *rooms: soiree.Room) -> None:
    """All stops, and all see the same."""
    moving._room.before_frame = None
    for number, thing in enumerate(moving.things):
        thing.set((float(number), 2.0, 0.5))
    for room in rooms:
        await until(
            lambda room=room: all(room.entities[thing.id].account() == thing.account() for thing in moving.things),  # type: ignore[misc]
            what="all agree",
        )
