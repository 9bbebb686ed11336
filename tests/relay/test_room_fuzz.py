"""Whatever bytes peers send, a room answers the next honest client."""

from random import Random
from typing import Any

import msgspec
import pytest

from relay.config import RoomConfig
from relay.interest import LOOK_TICKS
from relay.outputs import CloseConnection, Dropped
from soiree.wire import control
from soiree.wire import messages as m
from soiree.wire.numbered import Inbox
from tests.relay.crowd import Crowd
from tests.relay.honest import place, place_in, placed_slots, raw

HONEST, WITNESS, VILLAIN = 2, 3, 4
STRINGS = 10_000


def samples(random: Random) -> list[m.Message]:
    """One of each message that a client may send, numbers still 0."""
    entity, peer, ticket = random.randint(1, 12), random.choice([HONEST, WITNESS, VILLAIN, 99]), random.randint(0, 5)
    condition = m.Condition(entity, 1)
    parent = random.randint(0, 12)
    state = place_in(1) if parent else place(1)
    return [
        m.Hello(0, (1, 0), 0, True, "villain", []),
        m.Bye(0, "bye"),
        m.Spawn(0, "thing", state, "allow", "with-room", {"a": 1}, parent, "allow", None),
        m.Despawn(0, entity, "along"),
        m.Request(0, entity, 1, "please"),
        m.Answer(0, ticket, True),
        m.Assign(0, entity, peer, True),
        m.Release(0, entity),
        m.SetRule(0, entity, "ask", 500, None),
        m.SetMaster(0, entity, peer),
        m.SetLifetime(0, entity, "persistent"),
        m.SetParent(0, entity, parent, state, condition),
        m.SetAttachRule(0, entity, "owner"),
        m.SetProperties(0, entity, {"a": None, "b": 2.5}),
        m.SendEvent(0, "event", raw({"x": [1, 2]}), -peer, entity, condition),
        m.SendData(0, 0, b"data"),
        m.View(0, 1.0, 2.0, 3.0, 10.0),
        m.Budget(0, 128),
    ]


def mutate(data: bytes, random: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(changed) or 1)
        match random.randrange(4):
            case 0 if changed:
                changed[at] = random.randrange(256)
            case 1 if changed:
                del changed[at : at + random.randint(1, 4)]
            case 2:
                changed[at:at] = random.randbytes(random.randint(1, 4))
            case _:
                changed = changed[: at + 1]
    return bytes(changed)


def numbered(message: m.Message, inbox: Inbox, random: Random) -> bytes:
    """Encoded with the number that is due, mostly."""
    number = inbox.applied + (1 if random.random() < 0.95 else random.randint(-2, 3))
    return control.encode(msgspec.structs.replace(message, n=max(0, number)))


@pytest.mark.parametrize("seed", range(2))
def test_ten_thousand_control_messages_of_a_villain_harm_nobody(seed: int) -> None:
    random = Random(seed)
    crowd = Crowd(RoomConfig(malformed_limit=100))
    for peer in (HONEST, WITNESS):
        crowd.join(peer)
    for _ in range(4):
        crowd.spawn(HONEST, lifetime="with-room")
    villain = VILLAIN
    ends = 0
    crowd.room.open_session(villain, session_id="v", subject="", name="v", host=False, now=crowd.now)
    for count in range(STRINGS):
        session = crowd.scene.sessions.get(villain)
        if session is None:
            crowd.room.open_session(villain, session_id="v", subject="", name="v", host=False, now=crowd.now)
            session = crowd.scene.sessions[villain]
        if not session.attached:
            crowd.room.attach(villain, m.Hello(0, m.VERSION, 0, True, "villain", []), crowd.now)
        data = numbered(random.choice(samples(random)), session.inbox, random)
        if count % 3 == 0:
            data = mutate(data, random)
        elif count % 7 == 0:
            data = random.randbytes(random.randrange(60))
        crowd.room.control(villain, data, crowd.now)
        ends += sink(crowd, villain)
        if count % 20 == 0:
            crowd.now += 0.1
            crowd.room.advance(crowd.tick, crowd.now)
            ends += sink(crowd, villain)
            crowd.take([(HONEST, crowd[HONEST].frame(crowd.tick)), (WITNESS, crowd[WITNESS].frame(crowd.tick))])
    assert ends > 10
    crowd.room.kick(villain, "", crowd.now)
    sink(crowd, villain)
    crowd.step(300)
    crowd.check_agreement()
    ball = crowd.spawn(HONEST)
    assert crowd.ask(m.Granted, WITNESS, m.Request, ball, 1, "").owner == WITNESS


def sink(crowd: Crowd, villain: int) -> int:
    """Carry what others are told; returns how often the villain's connection was closed."""
    ends = 0
    outputs = crowd.room.drain()
    for output in outputs:
        if getattr(output, "peer", 0) == villain:
            ends += isinstance(output, CloseConnection)
        elif not isinstance(output, Dropped):
            carry(crowd, output)
    crowd.deliver_all()
    return ends


def carry(crowd: Crowd, output: Any) -> None:
    link = crowd.links.get(getattr(output, "peer", 0))
    if link is not None:
        assert not isinstance(output, CloseConnection)
        (link.down_control if type(output).__name__ == "SendControl" else link.down_state).append(output.payload)


def test_ten_thousand_frames_of_a_villain_harm_nobody() -> None:
    random = Random(3)
    crowd = Crowd(RoomConfig(malformed_limit=10**9, state_frames_burst=1e9))
    for peer in (HONEST, VILLAIN):
        crowd.join(peer)
    own, other = crowd.spawn(VILLAIN), crowd.spawn(HONEST)
    crowd.step(3)
    before = placed_slots(crowd.scene.world.placed(other))
    frame = crowd[VILLAIN].write(crowd.tick, own, 3.0)
    for count in range(STRINGS // 10):
        batch = [mutate(frame, random) if count % 2 else random.randbytes(random.randrange(80)) for _ in range(10)]
        crowd.now += 0.05
        crowd.take([(VILLAIN, data) for data in batch])
    assert not crowd.drops["rate"]
    assert crowd.drops["malformed"] > STRINGS // 3
    assert placed_slots(crowd.scene.world.placed(other)) == before
    crowd.step(LOOK_TICKS + 10)
    assert crowd.ask(m.Granted, VILLAIN, m.Request, other, 1, "").owner == VILLAIN
    crowd.check_agreement()
