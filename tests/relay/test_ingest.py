"""Reading frames: whatever peers send, nothing is raised; what is sound is read to the last record."""

import random

import pytest

from relay.acceptance import Drop
from relay.replication import Replication, ReplicationConfig
from relay.world import World
from soiree.wire.limits import STATE_FRAMES_BURST, STATE_FRAMES_PER_S
from soiree.wire.records import Base
from soiree.wire.state import STRIDE, Section, Slot
from tests.relay.records import frame, move, placed, rest

pytestmark = pytest.mark.usefixtures("both_cores")
PEER = 2


def alone(entities: int = 1) -> Replication:
    """One peer who owns entities 1…n."""
    world = World()
    replication = Replication(world, ReplicationConfig())
    replication.join(PEER, 0.0)
    for entity in range(1, entities + 1):
        world.add(entity, placed(), 0)
        world.set_owner(entity, PEER, 0, 0)
    return replication


def random_frame(r: random.Random) -> bytes:
    """Mostly sound in form, of any content."""
    parts = []
    for kind in r.sample(list(Section), r.randint(0, 4)):
        count = r.choice([0, 1, 2, 5])
        if kind is Section.PROPS:
            records = [r.randbytes(3) + bytes((n,)) + r.randbytes(n) for n in r.choices([0, 3, 40], k=count)]
        else:
            records = [bytes((r.randint(0, 4), 0, 0)) + r.randbytes(STRIDE[kind] - 3) for _ in range(count)]
        parts.append((kind, records))
    parts.sort(key=lambda part: part[0] is Section.PROPS)
    base = Base(*(r.choice([0, 2**31 - 1, -(2**31), r.randint(-1000, 1000)]) for _ in range(3)))
    ack = (r.randint(0, 0xFFFF), r.getrandbits(32)) if r.random() < 0.7 else None
    return frame(r.getrandbits(16), r.getrandbits(32), *parts, base=base, applied=r.getrandbits(16), ack=ack)


def mutated(r: random.Random, payload: bytes) -> bytes:
    octets = bytearray(payload)
    for _ in range(r.randint(0, 3)):
        if octets:
            octets[r.randrange(len(octets))] = r.getrandbits(8)
    how = r.random()
    if how < 0.1:
        return bytes(octets[: r.randint(0, len(octets))])
    if how < 0.2:
        return bytes(octets) + r.randbytes(r.choice([1, 2, 30, 1200]))
    return r.randbytes(r.randint(0, 200)) if how < 0.25 else bytes(octets)


def test_nothing_is_raised_whatever_arrives() -> None:
    r = random.Random(20)
    replication = alone(4)
    accepted = malformed = 0
    for tick in range(1, 501):
        batch = [(r.choice([PEER, PEER, 99]), mutated(r, random_frame(r))) for _ in range(20)]
        now = tick * 20 / STATE_FRAMES_PER_S
        told = replication.ingest(batch, tick, now)
        accepted += told.accepted
        malformed += told.malformed[PEER]
        replication.pack(tick, now, {})
    assert accepted > 100
    assert malformed > 500


def test_a_frame_that_does_not_fit_is_counted_for_its_sender() -> None:
    told = alone().ingest([(PEER, b""), (PEER, b"\1"), (PEER, bytes(1153))], 1, 0.0)
    assert dict(told.malformed) == {PEER: 3}


def test_frames_of_strangers_are_counted() -> None:
    told = alone().ingest([(5, frame(0, 1, (Section.MOVE, [move(1, (0, 0, 0))])))], 1, 0.0)
    assert (told.accepted, dict(told.drops), dict(told.malformed)) == (0, {"detached": 1}, {})


def test_props_of_any_length_are_found_beside_the_fixed_records() -> None:
    replication = alone(40)
    texts = {entity: bytes([entity]) * ((entity * 7) % 30) for entity in range(1, 41)}
    first, second = list(texts)[:20], list(texts)[20:]
    batch = [
        (
            PEER,
            frame(
                n,
                1,
                (Section.REST, [rest(entity, (entity * 0.25, 0, 0)) for entity in some]),
                (Section.PROPS, [bytes((entity, 0, 0, len(texts[entity]))) + texts[entity] for entity in some]),
            ),
        )
        for n, some in enumerate((first, second))
    ]
    assert replication.ingest(batch, 1, 0.0).accepted == 80
    for entity, text in texts.items():
        assert replication.world.record(entity, Slot.PROPS) == bytes((entity, 0, 0, len(text))) + text
        assert replication.world.position_m(entity) == (entity * 0.25, 0.0, 0.0)


def test_no_peer_sends_more_frames_than_its_rate() -> None:
    replication = alone()
    flood = [(PEER, frame(seq, 1)) for seq in range(STATE_FRAMES_BURST + 7)]
    assert dict(replication.ingest(flood, 1, 10.0).drops) == {Drop.RATE.reason: 7}
    again = [(PEER, frame(STATE_FRAMES_BURST + seq, 1)) for seq in range(STATE_FRAMES_PER_S + 7)]
    assert dict(replication.ingest(again, 2, 11.0).drops) == {Drop.RATE.reason: 7}


def test_the_newest_frame_says_how_far_its_sender_has_applied() -> None:
    replication = alone()
    late = [(PEER, frame(5, 1, applied=9)), (PEER, frame(4, 1, applied=8))]
    assert replication.ingest(late, 1, 0.0).control_applied == {PEER: 9}
    assert replication.ingest([(PEER, frame(3, 1, applied=7))], 1, 0.0).control_applied == {}
