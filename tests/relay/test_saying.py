"""Events, data and pings: what passes through a room (docs/PROTOCOL.md sections 4 to 6)."""

from typing import Any

import msgspec
import pytest

from relay.outputs import Output, SendState
from soiree.wire import messages as m
from soiree.wire.limits import (
    MAX_DATA_BYTES,
    MAX_EVENT_BYTES,
)
from soiree.wire.messages import FIRST_AUDIENCE
from soiree.wire.state import FrameType, Pong, pack_data, pack_pong, unpack_data, unpack_ping
from tests.relay.crowd import Crowd
from tests.relay.honest import HonestClient, a_spawn, raw

ALICE, BOB, CAROL, DAN = 2, 3, 4, 5


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB):
        crowd.join(peer)
    return crowd


# What peers say to each other


def heard_events(client: HonestClient) -> list[tuple[int, int, Any]]:
    return [(e.peer, e.re, msgspec.msgpack.decode(e.payload)) for e in client.heard if isinstance(e, m.Event)]


def test_events_reach_everybody_one_or_all_but_one(crowd: Crowd) -> None:
    crowd.join(CAROL)
    everybody = crowd.say(ALICE, m.SendEvent, "e", raw("all"), 0, 0, None)
    crowd.ask(m.Done, ALICE, m.SendEvent, "e", raw("bob"), BOB, 0, None)
    crowd.ask(m.Done, ALICE, m.SendEvent, "e", raw("not me"), -ALICE, 0, None)
    not_bob = crowd.say(ALICE, m.SendEvent, "e", raw("not bob"), -BOB, 0, None)
    assert heard_events(crowd[ALICE]) == [(ALICE, everybody, "all"), (ALICE, not_bob, "not bob")]
    assert heard_events(crowd[BOB]) == [(ALICE, 0, "all"), (ALICE, 0, "bob"), (ALICE, 0, "not me")]
    assert heard_events(crowd[CAROL]) == [(ALICE, 0, "all"), (ALICE, 0, "not me"), (ALICE, 0, "not bob")]


def test_an_events_payload_is_bounded(crowd: Crowd) -> None:
    exact = raw(bytes(MAX_EVENT_BYTES - 3))
    assert len(bytes(exact)) == MAX_EVENT_BYTES
    crowd.ask(m.Event, ALICE, m.SendEvent, "e", exact, 0, 0, None)
    assert crowd.refused(ALICE, m.SendEvent, "e", raw(bytes(MAX_EVENT_BYTES - 2)), 0, 0, None) == "too-large"


@pytest.mark.parametrize("payload", [b"\xa1\xff", b"\x81\x80\x01", b"\xd7\xff" + b"\xff" * 8])
def test_an_event_that_its_hearers_could_not_read_is_refused(crowd: Crowd, payload: bytes) -> None:
    assert crowd.refused(ALICE, m.SendEvent, "e", msgspec.Raw(payload), 0, 0, None) == "malformed"
    assert not heard_events(crowd[BOB])


def test_reliable_data_never_comes_back_to_its_sender(crowd: Crowd) -> None:
    for to in (0, ALICE, -BOB):
        crowd.ask(m.Done, ALICE, m.SendData, to, b"bytes")
    assert [d.payload for d in crowd[BOB].heard if isinstance(d, m.DataMessage)] == [b"bytes"]
    assert not any(isinstance(message, m.DataMessage) for message in crowd[ALICE].heard)


def data_frames(outputs: list[Output]) -> dict[int, tuple[int, bytes]]:
    return {
        o.peer: unpack_data(o.payload) for o in outputs if isinstance(o, SendState) and o.payload[0] == FrameType.DATA
    }


def test_unreliable_data_is_relayed_unread_with_its_sender(crowd: Crowd) -> None:
    crowd.join(CAROL)
    expected = {0: {BOB, CAROL}, BOB: {BOB}, -BOB: {CAROL}, ALICE: set(), 99: set()}
    for to, hearers in expected.items():
        crowd.room.frames([(ALICE, pack_data(to, b"\x00\xff"))], crowd.now)
        assert data_frames(crowd.flush()) == dict.fromkeys(hearers, (ALICE, b"\x00\xff"))


def test_unreliable_data_does_not_wait_for_those_without_a_connection(crowd: Crowd) -> None:
    crowd.cut(BOB)
    crowd.room.frames([(ALICE, pack_data(0, b"x"))], crowd.now)
    assert not crowd.flush()


def test_oversized_data_is_dropped_and_counted(crowd: Crowd) -> None:
    crowd.take([(ALICE, pack_data(0, b"") + bytes(MAX_DATA_BYTES + 1))])
    assert crowd.drops == {"malformed": 1}


# Audiences


def test_who_says_the_same_to_some_names_them_once(crowd: Crowd) -> None:
    crowd.join(CAROL)
    crowd.join(DAN)
    crowd.ask(m.Done, ALICE, m.SetAudience, 31, [BOB, CAROL, BOB, 99])
    crowd.ask(m.Done, ALICE, m.SendData, FIRST_AUDIENCE + 31, b"to two")
    crowd.ask(m.Done, ALICE, m.SendData, -FIRST_AUDIENCE - 31, b"to the rest")
    crowd.ask(m.Done, ALICE, m.SendEvent, "e", raw("two"), FIRST_AUDIENCE + 31, 0, None)
    said = {peer: [d.payload for d in crowd[peer].heard if isinstance(d, m.DataMessage)] for peer in (BOB, CAROL, DAN)}
    assert said == {BOB: [b"to two"], CAROL: [b"to two"], DAN: [b"to the rest"]}
    assert heard_events(crowd[CAROL]) == [(ALICE, 0, "two")]
    assert heard_events(crowd[DAN]) == []
    crowd.room.frames([(ALICE, pack_data(FIRST_AUDIENCE + 31, b"x"))], crowd.now)
    assert set(data_frames(crowd.flush())) == {BOB, CAROL}


def test_an_audience_is_its_senders_and_an_empty_one_is_forgotten(crowd: Crowd) -> None:
    crowd.ask(m.Done, ALICE, m.SetAudience, 0, [BOB])
    assert crowd.refused(BOB, m.SendData, FIRST_AUDIENCE, b"x") == "unknown-peer"
    crowd.ask(m.Done, ALICE, m.SetAudience, 0, [])
    assert crowd.refused(ALICE, m.SendData, FIRST_AUDIENCE, b"x") == "unknown-peer"
    crowd.room.frames([(ALICE, pack_data(FIRST_AUDIENCE, b"x"))], crowd.now)
    assert not data_frames(crowd.flush())


def test_of_several_who_make_the_one_thing_of_its_kind_one_does(crowd: Crowd) -> None:
    alone = m.Condition(0, 0)
    seat = crowd.spawn(ALICE, kind="seat", condition=alone)
    assert crowd.refused(BOB, m.Spawn, "seat", *a_spawn(condition=alone)[1:]) == "stale"
    crowd.spawn(BOB, kind="another", condition=alone)
    crowd.spawn(BOB, kind="seat")
    crowd.ask(m.Despawned, ALICE, m.Despawn, seat, "reparent")
    assert crowd.refused(ALICE, m.Spawn, "seat", *a_spawn(condition=alone)[1:]) == "stale"


# Pings


def test_each_second_a_ping_and_the_answer_tells_the_round_trip(crowd: Crowd) -> None:
    crowd.auto = False
    trips = [0.030, 0.090, 0.050]
    for trip in trips:
        crowd.now += 1.0
        crowd.room.advance(crowd.tick + 60, crowd.now)
        pings = [o for o in crowd.flush() if isinstance(o, SendState) and o.payload[0] == FrameType.PING]
        assert sorted(o.peer for o in pings) == [ALICE, BOB]
        ping = unpack_ping(pings[0].payload)
        assert (ping.relay_us, ping.tick) == (int(crowd.now * 1e6), crowd.tick + 60)
        crowd.now += trip
        crowd.room.frames([(ALICE, pack_pong(Pong(ping.seq, 0, 0)))], crowd.now)
        crowd.room.frames([(ALICE, pack_pong(Pong(ping.seq + 1, 0, 0)))], crowd.now)
        crowd.flush()
    assert crowd.scene.sessions[ALICE].pings.rtt_s == pytest.approx(0.050)
    crowd.now += 1.0
    crowd.room.advance(crowd.tick + 300, crowd.now)
    ping = next(unpack_ping(o.payload) for o in crowd.flush() if isinstance(o, SendState) and o.peer == ALICE)
    assert ping.rtt_us == pytest.approx(50_000, abs=1)
