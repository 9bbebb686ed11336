"""The city of `soiree party --demo city`: things planted on the relay, and traffic whose peers live in this process."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np

from bench.city import Census, City
from party.demo.driver import DriverError
from party.demo.memory_transport import MemoryTransport
from party.demo.sights import sights
from party.demo.traffic import Traffic
from relay.service import RelayService
from signalling.bodies import JoinRoom
from signalling.errors import ApiError
from signalling.joining import Door, Visitor
from signalling.rooms import Room
from soiree.link import LinkError
from soiree.transport import CONTROL, STATE, Packet

log = logging.getLogger("soiree.party.demo")

CITY_CODE: Final = "city"
CITY_NAME: Final = "City"
FEWEST: Final = 500
MOST: Final = 100_000
MOVING: Final = 0.08
"""Share of the city that drives, rides and walks."""
DRIVEN_AT_MOST: Final = 1000
"""Things of one driver: at STEP_S they take some 150 frames a second, of the 240 that a peer may send."""
STEP_S: Final = 0.1
"""From one word of every driver to its next."""
BRING_EVERY: Final = 3
"""Steps from one group of spawns of a driver to its next: some 170 spawns a second, of the 400 that a peer may send."""
RETRY_S: Final = 5.0
VISITOR: Final = Visitor(key="the demo's city", base_url="http://localhost", host=False)


def census(entities: int) -> Census:
    """What moves in a city of so many things."""
    all_of_it = Census.of(entities, MOVING)
    return replace(all_of_it, props=0, loose=0, tumbling=0)


def drivers(entities: int) -> int:
    """Peers that a city of so many things needs."""
    return max(2, -(-census(entities).entities // DRIVEN_AT_MOST))


async def city(relay: RelayService, door: Door, room: Room, entities: int) -> None:
    """Build the city in a room, and keep it moving until cancelled; the traffic comes again when something goes wrong."""
    moving = census(entities)
    model = City(moving, drivers(entities), neighbours=1, others=entities - moving.entities)
    with _no_pauses():
        await relay.plant(room.room_id, sights(entities - moving.entities, model.blocks, np.random.default_rng(2)))
    while True:
        try:
            await _Crew(relay, Traffic(model)).drive(door, room)
        except (DriverError, ApiError, LinkError) as error:
            log.warning("the traffic has stopped: %s; again in %.0f s", error, RETRY_S)
        await asyncio.sleep(RETRY_S)


@contextmanager
def _no_pauses() -> Iterator[None]:
    """So many things that stay are not to be looked through again and again by the collector, which holds up everything."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Crew:
    """The drivers on their connections."""

    def __init__(self, relay: RelayService, traffic: Traffic) -> None:
        self._relay = relay
        self._traffic = traffic
        self._loop = asyncio.get_running_loop()
        self._transport = MemoryTransport(relay.sink)
        self._connections: list[int] = []
        self._failure: DriverError | None = None

    async def drive(self, door: Door, room: Room) -> None:
        """Join, bring everything and move it. Raises DriverError, ApiError, LinkError."""
        try:
            for index in range(len(self._traffic.drivers)):
                await self._join(index, door, room)
            at, count = self._loop.time(), 0
            while self._failure is None:
                before, at = at, max(at + STEP_S, self._loop.time())
                await asyncio.sleep(at - self._loop.time())
                self._step(at - before, count)
                count += 1
            raise self._failure
        except DriverError:
            # Those that could go on take their things along, since all come again.
            drivers = zip(self._connections, self._traffic.drivers, strict=False)
            self._transport.say([Packet(conn, CONTROL, driver.goodbye()) for conn, driver in drivers])
            raise
        finally:
            await self._transport.aclose()

    async def _join(self, index: int, door: Door, room: Room) -> None:
        place = await door.join(room, JoinRoom(name=f"City traffic {index + 1}"), VISITOR)
        conn = self._relay.connect(place.ticket or "", self._transport)
        self._connections.append(conn)
        self._transport.open(conn, _Seat(self, index))
        driver = self._traffic.drivers[index]
        self._transport.say([Packet(conn, CONTROL, driver.hello()), Packet(conn, CONTROL, driver.look_nowhere())])

    def _step(self, seconds: float, count: int) -> None:
        traffic = self._traffic
        said = [(index, CONTROL, payload) for index, payload in traffic.step(seconds)]
        bringing = [index for index in range(len(self._connections)) if (count + index) % BRING_EVERY == 0]
        said += [(index, CONTROL, group) for index in bringing if (group := traffic.bring(index)) is not None]
        said += [(index, STATE, payload) for index, payload in traffic.frames(self._loop.time())]
        self._transport.say([Packet(self._connections[index], stream, payload) for index, stream, payload in said])

    def hear(self, index: int, stream: int, payload: bytes) -> None:
        """Something came for a driver."""
        driver, now = self._traffic.drivers[index], self._loop.time()
        if stream == STATE:
            answer = driver.hear_state(payload, now)
            if answer is not None:
                self._transport.say([Packet(self._connections[index], STATE, answer)])
            return
        try:
            for event in driver.hear_control(payload, now):
                self._traffic.take(index, event)
        except DriverError as error:
            self.fail(error)

    def fail(self, error: DriverError) -> None:
        """A driver cannot go on, so none does."""
        self._failure = self._failure or error


class _Seat:
    """One driver's end of its connection."""

    def __init__(self, crew: _Crew, index: int) -> None:
        self._crew = crew
        self._index = index

    def hear(self, stream: int, payload: bytes) -> None:
        self._crew.hear(self._index, stream, payload)

    def closed(self, reason: str) -> None:
        self._crew.fail(DriverError(reason))
