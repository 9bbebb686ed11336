"""What is owned reaches the relay: due when changed, again when not acknowledged, marked and aged on the way."""

from hypothesis import given
from hypothesis import strategies as st

from soiree.client.placement import encode_transform
from soiree.client.upward import MAX_FLIGHTS, Upward
from soiree.wire import records
from soiree.wire import state as ws
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.records import Base, Transform
from soiree.wire.state import Header, Section, Slot

RTT_S = 0.01


def header(tick: int) -> Header:
    return Header(0, 0, tick, 0, 0, 0, 0, 0, 0)


def write(
    upward: Upward,
    entity: int,
    x: float,
    tick: int = 100,
    *,
    speed: float = 0.0,
    teleport: bool = False,
    upright: bool = False,
) -> None:
    transform = Transform((x, 0.0, 0.0), velocity=(speed, 0.0, 0.0), teleport=teleport)
    held = encode_transform(entity, transform, upright=upright, attach=None)
    upward.write(entity, Slot.TRANSFORM, held.kind, held.base, held.record, tick, resting=not speed, teleport=teleport)


def read(frame: bytes) -> dict[int, Transform]:
    head = ws.unpack_header(frame)
    base = Base(head.base_cx, head.base_cz, head.base_y)
    found = {}
    for view in ws.sections(frame):
        stride = ws.STRIDE[view.kind]
        for at in range(view.start, view.end, stride):
            record = frame[at : at + stride]
            found[int.from_bytes(record[:3], "little")] = records.decode_transform(view.kind, record, base)
    return found


def frames(upward: Upward, now: float, tick: int = 100, *, idle: bool = False) -> list[bytes]:
    return upward.frames(header(tick), now, RTT_S, at_least_one=idle)


def test_a_change_goes_out_once_until_its_time_is_up() -> None:
    upward = Upward()
    write(upward, 7, 1.0, speed=1.0)
    assert len(frames(upward, 0.0)) == 1
    assert frames(upward, 0.05) == frames(upward, 0.10) == []
    assert list(read(frames(upward, 0.16)[0])) == [7]
    upward.on_acks(1, 0)
    assert len(upward) == 0
    assert frames(upward, 1.0) == []


def test_what_came_to_rest_is_said_again_after_one_and_three_ticks() -> None:
    upward = Upward()
    write(upward, 7, 1.0)
    assert [len(frames(upward, 0.01 * step)) for step in range(6)] == [1, 1, 0, 1, 0, 0]


def test_an_acknowledgement_of_an_older_record_does_not_settle_a_newer_one() -> None:
    upward = Upward()
    write(upward, 7, 1.0, speed=1.0)
    frames(upward, 0.0)
    write(upward, 7, 2.0, speed=1.0)
    upward.on_acks(0, 0)
    assert len(upward) == 1
    assert round(read(frames(upward, 0.05)[0])[7].position[0]) == 2


def test_a_jump_stays_marked_until_it_arrived_even_at_rest() -> None:
    upward = Upward()
    write(upward, 7, 900.0, teleport=True)
    frames(upward, 0.0)
    write(upward, 7, 901.0)
    marked = frames(upward, 0.05)[0]
    assert ws.sections(marked)[0].kind is Section.MOVE
    assert read(marked)[7].teleport
    upward.on_acks(0, 0)
    assert not read(frames(upward, 0.10)[0])[7].teleport


def test_records_age_while_they_wait() -> None:
    upward = Upward()
    write(upward, 7, 1.0, tick=100, speed=1.0)
    assert read(frames(upward, 0.0, 103)[0])[7].age == 3
    assert read(frames(upward, 1.0, 400)[0])[7].age == 127


def test_nothing_due_is_an_empty_frame_when_one_is_owed() -> None:
    upward = Upward()
    assert frames(upward, 0.0) == []
    assert [len(frame) for frame in frames(upward, 0.0, idle=True)] == [ws.STATE_HEADER.size]


def test_a_forgotten_entity_is_sent_no_more() -> None:
    upward = Upward()
    write(upward, 7, 1.0)
    upward.forget(7)
    assert frames(upward, 0.0) == []


def test_flights_are_remembered_up_to_a_bound() -> None:
    upward = Upward()
    for number in range(3 * MAX_FLIGHTS):
        write(upward, 7, float(number), speed=1.0)
        frames(upward, number * 0.05)
    assert len(upward._flights) == MAX_FLIGHTS


def test_what_does_not_fit_this_time_goes_first_the_next() -> None:
    upward = Upward()
    for entity in range(1, 1001):
        write(upward, entity, float(entity % 100), speed=1.0)
    first = frames(upward, 1.0)
    assert len(first) == 8
    for entity in range(1, 1001):
        write(upward, entity, float(entity % 100) + 1, speed=1.0)
    seen = {entity for frame in (*first, *frames(upward, 1.05)) for entity in read(frame)}
    assert len(seen) > 950


@given(st.dictionaries(st.integers(1, 2**24 - 1), st.floats(-1e6, 1e6), min_size=1, max_size=150), st.booleans())
def test_whatever_is_written_is_in_frames_of_legal_size_and_base(places: dict[int, float], upright: bool) -> None:
    upward = Upward()
    for entity, x in places.items():
        write(upward, entity, x, speed=1.0, upright=upright)
    found: dict[int, Transform] = {}
    now = 0.0
    while len(found) < len(places):
        sent = frames(upward, now)
        assert sent, "each call sends some of what is left"
        for frame in sent:
            assert len(frame) <= MAX_FRAME_BYTES
            found |= read(frame)
            upward.on_acks(ws.unpack_header(frame).seq, 0)
        now += 0.05
    for entity, x in places.items():
        assert abs(found[entity].position[0] - x) < 0.001
