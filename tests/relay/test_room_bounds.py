"""The bounds of docs/PROTOCOL.md section 8 that a room keeps, each reached."""

from typing import Any

import pytest

from relay.config import RoomConfig
from relay.outputs import CloseConnection, Left
from soiree.wire import messages as m
from soiree.wire.limits import (
    MAX_EVENT_BYTES,
    MAX_PROPERTIES,
    MAX_PROPERTIES_BYTES,
    MAX_UNAPPLIED_BYTES,
    MAX_UNAPPLIED_MESSAGES,
)
from soiree.wire.state import pack_data
from tests.relay.crowd import Crowd, Link
from tests.relay.honest import a_spawn, raw

ALICE, BOB, CAROL = 2, 3, 4


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB):
        crowd.join(peer)
    return crowd


def test_too_many_unapplied_messages_end_the_session() -> None:
    crowd = Crowd(RoomConfig(left_after_s=1000))
    crowd.join(ALICE)
    crowd.join(BOB)
    crowd.cut(BOB)
    for _ in range(MAX_UNAPPLIED_MESSAGES):
        crowd.say(ALICE, m.SendData, BOB, b"")
        crowd.step()
        if BOB not in crowd.scene.sessions:
            break
    assert Left(BOB, "backlog") in crowd.events
    assert crowd[ALICE].heard[-1] == m.PeerLeft(crowd[ALICE].inbox.applied, BOB, "backlog")


def test_too_many_unapplied_bytes_end_the_session_and_spare_the_others(crowd: Crowd) -> None:
    crowd.join(CAROL)
    crowd.auto = False
    payload = raw(bytes(MAX_EVENT_BYTES - 8))
    for _ in range(MAX_UNAPPLIED_BYTES // MAX_EVENT_BYTES + 1):
        crowd.say(ALICE, m.SendEvent, "flood", payload, -ALICE, 0, None)
        crowd.deliver_up(ALICE)
        crowd.deliver_down(ALICE)
        crowd.deliver_down(CAROL)
        crowd.step()
        crowd.links[BOB] = Link()
    assert Left(BOB, "backlog") in crowd.events
    assert CAROL in crowd.scene.sessions
    assert sum(isinstance(message, m.Event) for message in crowd[CAROL].heard) > MAX_UNAPPLIED_BYTES // MAX_EVENT_BYTES


def test_commands_past_the_rate_are_refused_and_a_flood_ends_the_connection() -> None:
    crowd = Crowd(RoomConfig(control_rate_per_s=10, control_burst=20))
    crowd.join(ALICE)
    for _ in range(20):
        crowd.ask(m.Done, ALICE, m.Budget, 0)
    assert crowd.refused(ALICE, m.Budget, 0) == "rate"
    crowd.wait(0.1, ALICE)
    crowd.ask(m.Done, ALICE, m.Budget, 0)
    crowd.auto = False
    for _ in range(21):
        crowd.room.control(ALICE, crowd[ALICE].say(m.Budget, 0), crowd.now)
    assert CloseConnection(ALICE, "rate") in crowd.flush()


def test_frames_past_the_rate_are_dropped_and_counted() -> None:
    crowd = Crowd(RoomConfig(state_frames_per_s=10, state_frames_burst=20))
    crowd.join(ALICE)
    crowd.take([(ALICE, pack_data(0, b"x"))] * 25)
    assert crowd.drops == {"rate": 5}


@pytest.mark.parametrize(
    ("properties", "fits"),
    [
        ({f"key {i}": i for i in range(MAX_PROPERTIES)}, True),
        ({"text": "x" * (MAX_PROPERTIES_BYTES - 9)}, True),
        ({"text": "x" * (MAX_PROPERTIES_BYTES - 8)}, False),
    ],
)
def test_properties_are_bounded_when_spawned(crowd: Crowd, properties: dict[str, Any], fits: bool) -> None:
    answer = crowd.answer(ALICE, crowd.say(ALICE, m.Spawn, *a_spawn(properties=properties)))
    assert isinstance(answer, m.Spawned) == fits
    if isinstance(answer, m.Refused):
        assert answer.reason == "too-large"


def test_properties_are_bounded_when_merged(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, properties={f"key {i}": i for i in range(MAX_PROPERTIES)})
    refused = crowd.ask(m.Refused, ALICE, m.SetProperties, ball, {"one more": 1})
    assert (refused.reason, refused.entity) == ("too-large", ball)
    told = crowd.ask(m.PropertiesSet, ALICE, m.SetProperties, ball, {"key 0": None, "one more": 1})
    assert told.properties == {"key 0": None, "one more": 1}
    assert "key 0" not in crowd.entity(ball).properties
    assert crowd.refused(ALICE, m.SetProperties, ball, {"text": "x" * MAX_PROPERTIES_BYTES}) == "too-large"
    crowd.check_agreement()


def test_a_peer_masters_a_bounded_number_of_entities() -> None:
    crowd = Crowd(RoomConfig(max_entities_per_peer=2, max_entities=3))
    crowd.join(ALICE)
    crowd.join(BOB)
    balls = [crowd.spawn(ALICE), crowd.spawn(ALICE)]
    spawn = a_spawn()
    assert crowd.refused(ALICE, m.Spawn, *spawn) == "too-many"
    crowd.ask(m.MasterSet, ALICE, m.SetMaster, balls[0], BOB)
    crowd.spawn(ALICE)
    assert crowd.refused(BOB, m.Spawn, *spawn) == "too-many", "the room is full"
    assert crowd.refused(BOB, m.SetMaster, balls[0], ALICE) == "too-many"
