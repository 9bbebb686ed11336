"""A room's sessions: hello, numbers, resume, and how connections and sessions end (docs/PROTOCOL.md sections 3, 6, 8 and 9)."""

import msgspec
import pytest

from relay.outputs import Away, CloseConnection, Granted, Joined, Left, Output, Refused, SendControl
from soiree.link import RoomSpec
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.limits import (
    MALFORMED_LIMIT,
)
from tests.relay.crowd import SPEC, Crowd, Link
from tests.relay.honest import HonestClient, raw

ALICE, BOB, CAROL = 2, 3, 4


@pytest.fixture
def crowd() -> Crowd:
    crowd = Crowd()
    for peer in (ALICE, BOB):
        crowd.join(peer)
    return crowd


def hello(applied: int = 0, *, fresh: bool = True, version: tuple[int, int] = m.VERSION) -> m.Hello:
    return m.Hello(0, version, applied, fresh, "test", [])


def said(outputs: list[Output], peer: int) -> list[m.Message]:
    """Control messages to a peer."""
    messages: list[m.Message] = []
    for output in outputs:
        if isinstance(output, SendControl) and output.peer == peer:
            message = control.decode_from_relay(output.payload)
            assert not isinstance(message, control.Unknown)
            messages += control.grouped_from_relay(message) if isinstance(message, m.Group) else [message]  # type: ignore[arg-type]
    return messages


# Hello


def test_welcome_then_oneself_then_others_then_what_is_there(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    crowd.cut(BOB)
    crowd.auto = False
    crowd.links[CAROL] = Link()
    crowd.clients[CAROL] = HonestClient(CAROL)
    crowd.room.open_session(CAROL, session_id="s", subject="", name="Carol", host=True, now=crowd.now)
    crowd.room.attach(CAROL, hello(), crowd.now)
    outputs = crowd.flush()
    welcome, *numbered = said(outputs, CAROL)
    assert isinstance(welcome, m.Welcome)
    assert (welcome.fresh, welcome.applied, welcome.peer, welcome.host) == (True, 0, CAROL, True)
    assert welcome.room == m.RoomInfo(SPEC.room_id, SPEC.code, SPEC.name, SPEC.max_speed_m_s)
    assert (welcome.tick, welcome.tick_hz) == (crowd.tick, 60)
    assert numbered[:3] == [
        m.PeerJoined(1, CAROL, "Carol", False),
        m.PeerJoined(2, ALICE, "peer 2", False),
        m.PeerJoined(3, BOB, "peer 3", True),
    ]
    assert [message.entity for message in numbered[3:] if isinstance(message, m.Spawned)] == [ball]
    assert isinstance(said(outputs, ALICE)[-1], m.PeerJoined)
    assert Joined(CAROL) in outputs


def test_others_hear_of_a_peer_only_when_it_says_hello(crowd: Crowd) -> None:
    crowd.room.open_session(CAROL, session_id="s", subject="", name="Carol", host=False, now=crowd.now)
    crowd.wait(45, ALICE, BOB)
    assert Left(CAROL, "timeout") in crowd.events
    assert CAROL not in crowd[ALICE].peers
    assert not any(isinstance(message, m.PeerLeft) for message in crowd[ALICE].heard)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (hello(version=(2, 0)), "version"),
        (hello(applied=1000, fresh=False), "protocol"),
        (hello(applied=0, fresh=False), "protocol"),
    ],
)
def test_a_hello_that_cannot_be_answered_ends_the_connection_not_the_session(
    crowd: Crowd, message: m.Hello, code: str
) -> None:
    crowd.step(3)
    crowd.links[ALICE] = Link()
    crowd.room.attach(ALICE, message, crowd.now)
    outputs = crowd.flush()
    (error,) = said(outputs, ALICE)
    assert isinstance(error, m.Error)
    assert error.code == code
    assert CloseConnection(ALICE, code) in outputs
    crowd.connect(ALICE)
    crowd.check_agreement()


def test_the_first_hello_must_be_fresh(crowd: Crowd) -> None:
    crowd.links[CAROL] = Link()
    crowd.clients[CAROL] = HonestClient(CAROL)
    crowd.room.open_session(CAROL, session_id="s", subject="", name="Carol", host=False, now=crowd.now)
    crowd.room.attach(CAROL, hello(fresh=False), crowd.now)
    assert CloseConnection(CAROL, "protocol") in crowd.flush()


def test_a_later_minor_version_is_welcome(crowd: Crowd) -> None:
    crowd.room.attach(ALICE, hello(version=(1, 9)), crowd.now)
    assert isinstance(said(crowd.flush(), ALICE)[0], m.Welcome)


def test_an_opened_session_cannot_be_opened_again(crowd: Crowd) -> None:
    with pytest.raises(ValueError, match="here already"):
        crowd.room.open_session(ALICE, session_id="s", subject="", name="x", host=False, now=crowd.now)


# Numbers and resume


def test_what_was_said_while_the_connection_was_gone_is_said_again_in_order(crowd: Crowd) -> None:
    crowd.cut(BOB)
    numbers = [crowd.say(ALICE, m.SendEvent, "count", raw(i), BOB, 0, None) for i in range(100)]
    bobs = [crowd.say(BOB, m.SendEvent, "count", raw(i), ALICE, 0, None) for i in range(100)]
    crowd.connect(BOB)
    for client in (crowd[ALICE], crowd[BOB]):
        counted = [msgspec.msgpack.decode(e.payload) for e in client.heard if isinstance(e, m.Event)]
        assert counted == list(range(100))
    assert all(crowd.answer(ALICE, number) for number in numbers)
    assert all(crowd.answer(BOB, number) for number in bobs)


def test_a_thousand_messages_survive_switches_of_the_transport(crowd: Crowd) -> None:
    crowd.auto = False
    for i in range(1000):
        crowd.say(ALICE, m.SendData, BOB, i.to_bytes(2, "big"))
        if i % 7 == 0:
            crowd.deliver_up(ALICE, 5)
            crowd.deliver_down(BOB, 3)
        if i % 100 == 50:
            crowd.connect(ALICE)
        if i % 100 == 99:
            crowd.connect(BOB)
            crowd.step(6)
    crowd.auto = True
    crowd.step(2)
    received = [int.from_bytes(d.payload, "big") for d in crowd[BOB].heard if isinstance(d, m.DataMessage)]
    assert received == list(range(1000))


def test_a_repetition_is_dropped(crowd: Crowd) -> None:
    payload = crowd[ALICE].say(m.SendEvent, "once", raw(1), BOB, 0, None)
    for _ in range(3):
        crowd.room.control(ALICE, payload, crowd.now)
    crowd.after()
    assert sum(isinstance(message, m.Event) for message in crowd[BOB].heard) == 1


def end_of(crowd: Crowd, peer: int, payload: bytes) -> str | None:
    """What the relay's last word to a peer is after it said this; None if the connection lives."""
    crowd.auto = False
    crowd.room.control(peer, payload, crowd.now)
    outputs = crowd.flush()
    closed = [output.reason for output in outputs if isinstance(output, CloseConnection)]
    if not closed:
        return None
    last = said(outputs, peer)[-1]
    assert isinstance(last, m.Error)
    assert [last.code] == closed
    return last.code


def test_a_gap_in_the_numbers_ends_the_connection_and_resuming_heals_it(crowd: Crowd) -> None:
    crowd[ALICE].say(m.SendData, 0, b"lost")
    assert end_of(crowd, ALICE, crowd[ALICE].say(m.SendData, 0, b"after it")) == "protocol"
    crowd.auto = True
    crowd.links[ALICE] = None
    assert crowd.scene.sessions[ALICE].away
    crowd.connect(ALICE)
    assert [d.payload for d in crowd[BOB].heard if isinstance(d, m.DataMessage)] == [b"lost", b"after it"]


def test_hello_twice_is_misbehaviour(crowd: Crowd) -> None:
    assert end_of(crowd, ALICE, control.encode(hello())) == "protocol"


def test_number_zero_belongs_to_hello_and_bye(crowd: Crowd) -> None:
    assert end_of(crowd, ALICE, control.encode(m.SendData(0, 0, b""))) == "protocol"


def test_nothing_is_taken_from_a_connection_that_was_ended(crowd: Crowd) -> None:
    assert end_of(crowd, ALICE, control.encode(hello())) == "protocol"
    crowd.room.control(ALICE, crowd[ALICE].say(m.SendData, 0, b"x"), crowd.now)
    crowd.room.control(99, b"", crowd.now)
    assert not crowd.flush()


def test_a_reloaded_page_begins_again_and_nothing_old_is_answered(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    crowd.say(BOB, m.Request, ball, 1, "")
    crowd.connect(BOB, fresh=True)
    assert len(crowd.scene.asks) == 0
    assert crowd[BOB].inbox.applied == len(crowd[BOB].heard)
    assert ball in crowd[BOB].entities
    assert crowd.ask(m.Refused, BOB, m.Request, ball, 9, "").re == 1
    crowd.check_agreement()


def test_a_master_that_reloads_is_asked_again(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE, rule="ask")
    number = crowd.say(BOB, m.Request, ball, 1, "")
    crowd.connect(ALICE, fresh=True)
    (ticket,) = crowd[ALICE].asked
    crowd.ask(m.Done, ALICE, m.Answer, ticket, True)
    assert isinstance(crowd.answer(BOB, number), m.Granted)


def test_an_unknown_type_counts_its_number_and_nothing_else(crowd: Crowd) -> None:
    client = crowd[ALICE]
    payload = msgspec.msgpack.encode([99, client.outbox.last + 1, "from a later version"])
    client.outbox.push(m.View, 0.0, 0.0, 0.0, 0.0)
    crowd.room.control(ALICE, payload, crowd.now)
    crowd.after()
    assert crowd.scene.sessions[ALICE].inbox.applied == client.outbox.last
    crowd.ask(m.Done, ALICE, m.Budget, 0)


def test_elements_past_those_known_are_ignored(crowd: Crowd) -> None:
    client = crowd[ALICE]
    client.outbox.push(m.Budget, 0)
    crowd.room.control(ALICE, msgspec.msgpack.encode([38, client.outbox.last, 64, "new field"]), crowd.now)
    crowd.after()
    assert isinstance(crowd.answer(ALICE, client.outbox.last), m.Done)


# Malformed


def test_a_malformed_command_is_refused_by_its_number(crowd: Crowd) -> None:
    client = crowd[ALICE]
    client.outbox.push(m.View, 0.0, 0.0, 0.0, 0.0)
    crowd.room.control(ALICE, msgspec.msgpack.encode([14, client.outbox.last, "no entity"]), crowd.now)
    crowd.after()
    refused = crowd.answer(ALICE, client.outbox.last)
    assert isinstance(refused, m.Refused)
    assert (refused.reason, refused.entity, refused.owner, refused.epoch) == ("malformed", 0, 0, 0)
    crowd.ask(m.Done, ALICE, m.Budget, 0)


@pytest.mark.parametrize("stream", ["control", "state"])
def test_so_many_malformed_messages_and_no_more(crowd: Crowd, stream: str) -> None:
    crowd.auto = False

    def send() -> list[Output]:
        if stream == "control":
            crowd.room.control(ALICE, b"\xc1garbage", crowd.now)
        else:
            crowd.room.frames([(ALICE, b"\x01garbage")], crowd.now)
        return crowd.flush()

    for _ in range(MALFORMED_LIMIT - 1):
        assert not any(isinstance(output, CloseConnection) for output in send())
    assert CloseConnection(ALICE, "malformed") in send()
    crowd.auto = True
    crowd.links[ALICE] = None
    crowd.connect(ALICE)
    crowd.room.control(ALICE, b"\xc1", crowd.now)
    assert not any(isinstance(output, CloseConnection) for output in crowd.flush())


def test_malformed_frames_are_counted_once_each_also_when_they_come_together(crowd: Crowd) -> None:
    crowd.take([(ALICE, b"\x01garbage")] * (MALFORMED_LIMIT - 1))
    assert crowd.drops == {"malformed": MALFORMED_LIMIT - 1}
    assert crowd.scene.sessions[ALICE].attached
    crowd.room.frames([(ALICE, b"\x01garbage")] * 2, crowd.now)
    assert CloseConnection(ALICE, "malformed") in crowd.flush()


# Ends of a session


def test_bye_ends_the_session_and_others_hear_it(crowd: Crowd) -> None:
    crowd.room.control(ALICE, control.encode(m.Bye(0, "going home")), crowd.now)
    crowd.after()
    assert crowd[ALICE].over == "bye"
    assert crowd[BOB].heard[-1] == m.PeerLeft(crowd[BOB].inbox.applied, ALICE, "bye")
    assert Left(ALICE, "bye") in crowd.events
    assert len(crowd.room) == 1


def test_a_kick_tells_why(crowd: Crowd) -> None:
    crowd.auto = False
    assert crowd.room.kick(ALICE, "Enough shouting.", crowd.now)
    outputs = crowd.flush()
    assert said(outputs, ALICE) == [m.Error(0, "kicked", "Enough shouting.")]
    assert CloseConnection(ALICE, "kicked") in outputs
    assert said(outputs, BOB)[-1] == m.PeerLeft(said(outputs, BOB)[-1].n, ALICE, "kicked")
    assert not crowd.room.kick(ALICE, "", crowd.now)


def test_closing_a_room_tells_everybody(crowd: Crowd) -> None:
    crowd.room.close("closed", crowd.now)
    crowd.after()
    assert crowd[ALICE].over == crowd[BOB].over == "closed"
    assert {Left(ALICE, "closed"), Left(BOB, "closed")} <= {e for e in crowd.events if isinstance(e, Left)}
    assert len(crowd.room) == 0
    crowd.room.advance(crowd.tick + 1, crowd.now)
    assert not crowd.flush()


def test_a_broken_connection_is_away_at_once_and_left_thirty_seconds_later(crowd: Crowd) -> None:
    crowd.cut(BOB)
    assert crowd[ALICE].peers[BOB]
    crowd.wait(29.9, ALICE)
    assert BOB in crowd[ALICE].peers
    crowd.wait(0.2, ALICE)
    assert BOB not in crowd[ALICE].peers
    assert [e for e in crowd.events if isinstance(e, Away | Left)] == [Away(BOB, True), Left(BOB, "timeout")]


def test_a_silent_connection_is_away_after_ten_seconds_and_left_after_forty(crowd: Crowd) -> None:
    crowd.wait(9.9, ALICE)
    assert not crowd[ALICE].peers[BOB]
    crowd.wait(0.2, ALICE)
    assert crowd[ALICE].peers[BOB]
    crowd.wait(29.7, ALICE)
    assert BOB in crowd[ALICE].peers
    crowd.wait(0.5, ALICE)
    assert BOB not in crowd[ALICE].peers
    assert crowd[BOB].over == "timeout"


def test_a_sign_of_life_brings_a_silent_peer_back(crowd: Crowd) -> None:
    crowd.wait(12, ALICE)
    assert crowd[ALICE].peers[BOB]
    crowd.wait(0.1, ALICE, BOB)
    assert not crowd[ALICE].peers[BOB]
    crowd.wait(9, ALICE)
    assert not crowd[ALICE].peers[BOB]


# Events for metrics


def test_grants_and_refusals_are_told_with_their_reasons(crowd: Crowd) -> None:
    ball = crowd.spawn(ALICE)
    crowd.ask(m.Granted, BOB, m.Request, ball, 1, "")
    crowd.refused(BOB, m.Request, ball, 1, "")
    assert crowd.events[-2:] == [Granted("request"), Refused("owner")]


def test_a_changed_room_is_told_to_who_comes_next(crowd: Crowd) -> None:
    crowd.room.change(RoomSpec("room", "code", "Another", 9, 5.0))
    crowd.room.attach(ALICE, hello(), crowd.now)
    welcome = said(crowd.flush(), ALICE)[0]
    assert isinstance(welcome, m.Welcome)
    assert (welcome.room.name, welcome.room.max_speed_m_s) == ("Another", 5.0)
