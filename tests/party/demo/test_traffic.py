"""The traffic's drivers and a real room, back to back: everything is brought, moves as the model does, and riders change."""

from dataclasses import dataclass, field, replace
from random import Random

import numpy as np
import pytest

from bench.batching import Body
from bench.city import City
from party.demo.city import DRIVEN_AT_MOST, STEP_S, census, drivers
from party.demo.driver import Driver, DriverError
from party.demo.traffic import Traffic
from relay.config import RoomConfig
from relay.outputs import Dropped, Refused, SendControl, SendState
from relay.room import Room
from soiree.link import RoomSpec
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import STATE_FRAMES_PER_S
from soiree.wire.records import Base
from soiree.wire.state import TICK_HZ, Ping, pack_ping, unpack_header, unpack_pong

SPEC = RoomSpec("city", "city", "City", 64, 200.0)
ENTITIES = 2000


def model_of(entities: int) -> City:
    """The traffic of a city of so many things."""
    moving = census(entities)
    return City(moving, drivers(entities), neighbours=1, others=entities - moving.entities)


@dataclass
class Both:
    """A room, and the traffic in it."""

    config: RoomConfig = field(default_factory=RoomConfig)
    entities: int = ENTITIES
    now: float = 0.0
    drops: list[Dropped] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.traffic = Traffic(model_of(self.entities))
        self.room = Room(SPEC, self.config, 0.0, Random(1))
        for index, driver in enumerate(self.traffic.drivers):
            peer = 2 + index
            self.room.open_session(peer, session_id=f"{peer}", subject="", name="traffic", host=False, now=0.0)
            hello = control.decode_from_client(driver.hello())
            assert isinstance(hello, m.Hello)
            self.room.attach(peer, hello, 0.0)
            self.room.control(peer, driver.look_nowhere(), 0.0)
        self.carry()

    @property
    def known(self) -> int:
        return int((self.traffic.city.names > 0).sum())

    def carry(self) -> None:
        """What the room wants said reaches the drivers."""
        for output in self.room.drain():
            match output:
                case SendControl(peer, payload):
                    for event in self.traffic.drivers[peer - 2].hear_control(payload, self.now):
                        self.traffic.take(peer - 2, event)
                case SendState(peer, payload):
                    answer = self.traffic.drivers[peer - 2].hear_state(payload, self.now)
                    if answer is not None:
                        self.room.frames([(peer, answer)], self.now)
                case Dropped():
                    self.drops.append(output)
                case Refused():
                    self.refused.append(output)
                case _:
                    pass

    def step(self, *, bring: bool = True) -> int:
        """STEP_S passes; returns how many frames the drivers said."""
        self.now += STEP_S
        for index, payload in self.traffic.step(STEP_S):
            self.room.control(2 + index, payload, self.now)
        for index in range(len(self.traffic.drivers)):
            if bring and (group := self.traffic.bring(index)) is not None:
                self.room.control(2 + index, group, self.now)
        frames = [(2 + index, payload) for index, payload in self.traffic.frames(self.now)]
        self.room.frames(frames, self.now)
        self.room.advance(round(self.now * TICK_HZ), self.now)
        for peer, payload in self.room.pack(self.now):
            self.traffic.drivers[peer - 2].hear_state(payload, self.now)
        self.carry()
        return len(frames)

    def parent_of(self, thing: int) -> int:
        """The model's name for what a thing of the model rides in, as the room has it; 0 for nothing."""
        parent = self.room._scene.entities[int(self.traffic.city.names[thing])].parent
        return int(np.flatnonzero(self.traffic.city.names == parent)[0]) if parent else 0


def test_everything_is_brought_and_rides_where_it_should() -> None:
    both = Both()
    for _ in range(5):
        both.step()
    city = both.traffic.city
    assert both.traffic.standing
    assert both.known == city.census.entities == len(both.room._scene.entities)
    assert all(both.parent_of(thing) == 0 for thing in (*city.vehicle_ids.tolist(), *city.walker_ids.tolist()))
    carried = [both.parent_of(thing) for thing in city.cabin_ids.tolist()]
    assert carried == city.vehicle_ids[: len(carried)].tolist()
    cabins = [both.parent_of(thing) for thing in city.rider_ids.tolist()]
    assert cabins == city.cabin_ids[city.cabin_of].tolist()
    kinds = {both.room._scene.entities[int(city.names[ids[0]])].kind for ids in (city.vehicle_ids, city.cabin_ids)}
    people = {both.room._scene.entities[int(city.names[ids[0]])].kind for ids in (city.walker_ids, city.rider_ids)}
    assert (kinds, people) == ({"vehicle", "cabin"}, {"person"})
    assert not both.refused


def test_the_relay_has_everything_where_the_model_has_it() -> None:
    both = Both()
    for _ in range(40):
        both.step()
    city, world = both.traffic.city, both.room._scene.world
    for ids, rounds in ((city.vehicle_ids, city.vehicles), (city.walker_ids, city.walkers)):
        there = np.array([world.position_m(int(city.names[thing])) for thing in ids.tolist()])
        assert np.abs(there - rounds.places().position).max() <= 1 / 1024
    assert not both.drops or {drop.reason for drop in both.drops} == {"fence"}


def test_riders_change_cabins_and_are_still_heard() -> None:
    both = Both()
    for _ in range(5):
        both.step()
    city = both.traffic.city
    before = city.cabin_of.copy()
    for _ in range(400):
        both.step()
    changed = np.flatnonzero(city.cabin_of != before)
    assert len(changed)
    for rider in changed.tolist():
        assert both.parent_of(int(city.rider_ids[rider])) == city.cabin_ids[city.cabin_of[rider]]
    world = both.room._scene.world
    rows = [world.row(int(city.names[thing])) for thing in city.rider_ids.tolist()]
    assert world.tick - world.sample[rows, 0].min() <= 2 * STEP_S * TICK_HZ
    assert not both.refused


def test_nothing_moves_before_all_is_there() -> None:
    both = Both(entities=6000)
    both.step()
    was = both.traffic.city.vehicles.along_m.copy()
    assert both.known
    assert not both.traffic.standing
    both.step(bring=False)
    assert (both.traffic.city.vehicles.along_m == was).all()


@pytest.mark.parametrize("entities", [500, 20_000, 100_000])
def test_no_driver_says_more_than_a_peer_may(entities: int) -> None:
    model = model_of(entities)
    has = np.bincount(model.owner[model.owner >= 0])
    assert has.max() <= DRIVEN_AT_MOST * 1.3
    traffic = Traffic(model)
    model.names[:] = np.arange(len(model.names))
    while any(traffic.bring(index) for index in range(len(has))):
        pass
    for quarter in traffic._quarters:
        quarter.asked.clear()
    for _ in range(3):
        traffic.step(STEP_S)
        frames = np.bincount([index for index, _ in traffic.frames(0.0)])
        assert frames.max() / STEP_S <= STATE_FRAMES_PER_S


def test_a_room_that_takes_no_more_is_told_of() -> None:
    both = Both(replace(RoomConfig(), max_entities=50))
    with pytest.raises(DriverError, match="too-many"):
        both.step()


@pytest.mark.parametrize("last", [m.Bye(0, "shutdown"), m.Error(0, "kicked", "Out.")])
def test_the_end_of_a_session_is_told_of(last: m.Message) -> None:
    driver = Driver()
    with pytest.raises(DriverError, match=r"shutdown|kicked"):
        driver.hear_control(control.encode(last), 0.0)


def test_what_cannot_be_read_ends_the_drive() -> None:
    with pytest.raises(DriverError, match="unreadable"):
        Driver().hear_control(b"\xc1", 0.0)


def test_a_ping_that_was_held_up_sets_no_clock_wrong() -> None:
    driver = Driver()
    answer = driver.hear_state(pack_ping(Ping(3, 600, 10_000_000, 0)), 12.5)
    assert answer is not None
    assert unpack_pong(answer).seq == 3
    assert unpack_header(driver.frame(Body(0, Base(0, 0, 0), b""), 12.5)).tick == 600 + 150
