"""What goes to a client and when: repeats, holds, silence, limits, refused frames."""

import numpy as np
import pytest

from relay.budget import FRAME_OVERHEAD_BYTES
from relay.replication import (
    CAP_SHARE,
    FIRST_RTT_S,
    Replication,
    ReplicationConfig,
)
from relay.serving import BARE_FRAME_S, GROUP_CLIENTS, SILENT_S
from relay.table import TableFullError
from relay.world import World
from soiree.wire.records import Base
from soiree.wire.state import Section, sections, unpack_header
from tests.relay.records import frame, move, placed, records_in, rest

OWNER, BOB, CAROL = 2, 3, 4


class Stage:
    """Entity 1 is the owner's, Bob was told of it, and ticks are counted."""

    def __init__(self, entities: int = 1) -> None:
        self.world = World()
        self.replication = Replication(self.world, ReplicationConfig())
        self.tick = 0
        self.seq = {OWNER: 0, BOB: 0}
        for peer in (OWNER, BOB):
            self.replication.join(peer, 0.0)
        for entity in range(1, entities + 1):
            self.world.add(entity, placed(props=b"x"), 0)
            self.world.set_owner(entity, OWNER, 0, 0)
            self.replication.tell(OWNER, entity, 0)
            self.replication.tell(BOB, entity, 0)

    def say(self, peer: int, *parts: tuple[Section, list[bytes]], applied: int = 0, ack: int | None = None) -> None:
        acks = None if ack is None else (ack, 0)
        payload = frame(self.seq[peer], self.tick, *parts, applied=applied, ack=acks)
        self.seq[peer] += 1
        self.replication.ingest([(peer, payload)], self.tick, self.tick / 60)

    def step(self, ticks: int = 1) -> list[bytes]:
        """Bob's frames of so many ticks."""
        frames: list[bytes] = []
        for _ in range(ticks):
            self.tick += 1
            out = self.replication.pack(self.tick, self.tick / 60, {OWNER: 7, BOB: 70_001})
            frames += [payload for peer, payload in out if peer == BOB]
        return frames

    def heard(self, ticks: int = 1) -> list[int]:
        """Number of records to Bob in each of so many ticks."""
        return [sum(len(list(records_in(payload))) for payload in self.step()) for _ in range(ticks)]


def test_rest_is_repeated_after_one_and_three_serves_then_after_the_retransmission_time() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.REST, [rest(1, (0.5, 0, 0))]))
    rto = round(2 * FIRST_RTT_S * 60)
    assert stage.heard(rto + 4) == [1, 1, 0, 1] + [0] * (rto - 1) + [1]


def test_what_moves_is_not_repeated() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.MOVE, [move(1, (0.5, 0, 0), speed=1.0)]))
    assert stage.heard(6) == [1, 0, 0, 0, 0, 0]


def test_what_is_acknowledged_is_not_sent_again() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.REST, [rest(1, (0.5, 0, 0))]), (Section.PROPS, [b"\1\0\0\1y"]))
    (payload,) = stage.step()
    assert [told.kind for told in records_in(payload)] == [Section.REST, Section.PROPS]
    stage.say(BOB, ack=unpack_header(payload).seq)
    assert sum(stage.heard(60)) == 0


def test_the_retransmission_time_follows_the_round_trip() -> None:
    stage = Stage()
    stage.replication.set_rtt(BOB, 0.5)
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1y"]))
    assert stage.heard(61) == [1] + [0] * 59 + [1]


def test_a_change_of_owner_sends_the_last_state_again_to_the_former_owner_too() -> None:
    stage = Stage()
    stage.world.set_owner(1, BOB, 5, 0)
    stage.replication.hold(OWNER, 1, 9)
    stage.replication.hold(BOB, 1, 5)
    stage.tick += 1
    out = stage.replication.pack(1, 1 / 60, {})
    assert out == []
    stage.say(OWNER, applied=9)
    out = stage.replication.pack(2, 2 / 60, {})
    assert [peer for peer, _ in out] == [OWNER]
    assert [told.kind for told in records_in(out[0][1])] == [Section.MOVE, Section.PROPS]


def test_no_state_before_its_spawned_is_applied() -> None:
    stage = Stage()
    stage.world.add(2, placed(), 0)
    stage.world.set_owner(2, OWNER, 0, 0)
    stage.replication.tell(BOB, 2, 70_001)
    stage.replication.on_applied(BOB, 70_000)
    stage.say(OWNER, (Section.MOVE, [move(2, (0.5, 0, 0), speed=1.0)]))
    assert stage.heard(5) == [0] * 5
    stage.say(BOB, applied=70_001)
    assert stage.heard() == [1]


def test_a_row_that_was_given_to_another_entity_is_not_taken_for_the_old_one() -> None:
    stage = Stage()
    stage.world.remove(1)
    stage.world.add(2, placed(), 1)
    stage.world.set_owner(2, OWNER, 0, 1)
    assert stage.world.row(2) == stage.replication.pairs.row[1]
    assert stage.heard(20) == [0] * 20


def test_nothing_is_said_of_what_was_untold() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.REST, [rest(1, (0.5, 0, 0))]))
    stage.replication.untell(BOB, 1)
    assert stage.heard(20) == [0] * 20
    assert len(stage.replication.pairs) == 1


def test_the_header_carries_what_was_received_and_applied() -> None:
    stage = Stage()
    stage.seq[BOB] = 65_535
    stage.say(BOB)
    stage.say(BOB)
    stage.tick = 2**32 + 5
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1y"]))
    (payload,) = stage.step()
    header = unpack_header(payload)
    assert (header.flags, header.ack_seq, header.ack_mask) == (1, 0, 1)
    assert (header.seq, header.tick, header.control_applied) == (0, 6, 70_001 - 65_536)


def test_a_quiet_client_gets_bare_frames_and_a_silent_one_no_more_than_those() -> None:
    stage = Stage()
    stage.replication.set_rtt(BOB, 1.0)  # so far away that frames in flight limit nothing
    frames = stage.step(60)
    assert len(frames) == 60 // round(BARE_FRAME_S * 60)
    assert all(sections(payload) == [] for payload in frames)
    busy = []
    for _ in range(240):
        stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1" + bytes((stage.tick & 0xFF,))]))
        busy.append(len(stage.step()))
    assert sum(busy[: round((SILENT_S - 1.05) * 60)]) == round((SILENT_S - 1.05) * 60)
    assert sum(busy[120:]) == 120 // round(BARE_FRAME_S * 60)


def test_a_refused_frame_counts_as_not_sent() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.MOVE, [move(1, (0.5, 0, 0), speed=1.0)]), (Section.PROPS, [b"\1\0\0\1y"]))
    (payload,) = stage.step()
    before = stage.replication.budgets.rate_kbit_s[stage.replication.audience.row(BOB)]
    stage.replication.on_drop(BOB, payload, 0.5)
    assert stage.replication.budgets.rate_kbit_s[stage.replication.audience.row(BOB)] < before
    (again,) = stage.step()
    assert [told.octets for told in records_in(again)][1:] == [b"\1\0\0\1y"]
    assert len(list(records_in(again))) == 2
    stage.replication.on_drop(BOB, payload, stage.tick / 60)
    stage.replication.on_drop(99, payload, stage.tick / 60)


def test_frames_in_flight_are_limited_until_acknowledged() -> None:
    stage = Stage()
    stage.replication.set_rtt(BOB, 0.0)
    sent = []
    for _ in range(10):
        stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1" + bytes((stage.tick,))]))
        sent += stage.step()
    assert len(sent) == 2
    stage.say(BOB, ack=unpack_header(sent[-1]).seq)
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1z"]))
    assert len(stage.step()) == 1
    frames = [*sent, *stage.step(60)]
    assert len(frames) > 4, "bare frames go on, or nothing would ever be acknowledged"


def test_clients_are_served_on_every_nth_tick() -> None:
    stage = Stage()
    stage.replication.serve_every = 3
    stage.step(3)
    served = []
    for _ in range(12):
        stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1" + bytes((stage.tick,))]))
        served.append(len(stage.step()))
    assert sum(served) == 4
    for first, second, third in zip(served, served[1:], served[2:], strict=False):
        assert first + second + third == 1


def test_a_tick_at_which_nobody_is_served_is_told_and_none_that_was_missed_is_waited_for() -> None:
    replication = Stage().replication
    replication.serve_every = 3
    replication.pack(3, 0.05, {})
    assert [tick for tick in range(4, 10) if replication.serves(tick)] == [6, 7, 8, 9]
    replication.pack(7, 0.12, {})
    assert [tick for tick in range(8, 13) if replication.serves(tick)] == [9, 10, 11, 12]


def test_many_clients_take_turns_few_are_served_together() -> None:
    for clients, groups in ((10, 1), (2 * GROUP_CLIENTS, 2), (9 * GROUP_CLIENTS, 3)):
        replication = Replication(World(), ReplicationConfig(max_clients=2000))
        for peer in range(2, 2 + clients):
            replication.join(peer, 0.0)
        replication.serve_every = 3
        turns = replication.serving.turns()
        assert len(turns) == groups == len({int(turn) % 3 for turn in turns})


def test_what_else_is_sent_comes_out_of_the_budget_and_never_starves_state() -> None:
    stage = Stage()
    row = stage.replication.audience.row(BOB)
    stage.step(3)
    left = []
    for payload_bytes in (None, 60):
        stage.replication.budgets.tokens[row] = 0.0
        if payload_bytes is not None:
            stage.replication.charge(BOB, payload_bytes)
        stage.step()
        left.append(float(stage.replication.budgets.tokens[row]))
    assert left[0] - left[1] == pytest.approx(60 + FRAME_OVERHEAD_BYTES), "a little is taken as it is"
    for _ in range(60):
        for _ in range(20):
            stage.replication.charge(BOB, 16384)
        stage.step()
    assert stage.replication.budgets.tokens[row] >= 0, "of very much, no more than its share"
    stage.replication.charge(99, 100)


def test_a_tick_that_never_comes_delays_nobody_for_a_whole_turn() -> None:
    stage = Stage()
    stage.replication.set_rtt(BOB, 1.0)
    stage.replication.serve_every = 2
    served = 0
    for _ in range(10):
        stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1" + bytes((stage.tick,))]))
        stage.tick += 1
        served += len(stage.step())
    assert served == 10


def test_without_a_connection_nothing_is_sent_and_a_new_one_goes_on_where_it_was() -> None:
    stage = Stage()
    stage.replication.set_cap(BOB, 100)
    stage.replication.set_active(BOB, False, 0.0)
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1y"]))
    assert stage.step(300) == []
    stage.replication.set_active(BOB, True, stage.tick / 60)
    (payload,) = stage.step()
    assert len(list(records_in(payload))) == 1
    assert stage.replication.budgets.cap_kbit_s[stage.replication.audience.row(BOB)] == 100 * CAP_SHARE


def test_a_fresh_hello_begins_again_from_zero() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1y"]))
    stage.step(5)
    stage.replication.reset(BOB)
    assert stage.heard(5) == [0] * 5
    stage.replication.tell(BOB, 1, 1)
    stage.seq[BOB] = 0
    stage.say(BOB, applied=1)
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1z"]))
    (payload,) = stage.step()
    header = unpack_header(payload)
    assert header.ack_seq == 0
    assert header.seq < 2
    assert len(stage.replication.pairs) == 2


def test_who_left_leaves_nothing() -> None:
    stage = Stage()
    stage.say(OWNER, (Section.PROPS, [b"\1\0\0\1y"]))
    stage.step()
    stage.replication.leave(BOB)
    stage.replication.leave(BOB)
    assert len(stage.replication.audience) == 1
    assert len(stage.replication.pairs) == 1
    assert len(stage.replication.flight) == 0
    stage.replication.untell(BOB, 1)
    assert stage.replication.ingest([(BOB, frame(9, 1))], 2, 1.0).control_applied == {}


def test_clients_and_pairs_have_bounds() -> None:
    world = World()
    replication = Replication(world, ReplicationConfig(max_clients=2, max_pairs=3))
    replication.join(OWNER, 0.0)
    replication.join(BOB, 0.0)
    with pytest.raises(TableFullError):
        replication.join(CAROL, 0.0)
    for entity in range(1, 5):
        world.add(entity, placed(), 0)
    for entity in range(1, 4):
        replication.tell(BOB, entity, 1)
    replication.tell(BOB, 3, 2)
    with pytest.raises(TableFullError):
        replication.tell(BOB, 4, 1)
    replication.leave(BOB)
    replication.join(CAROL, 0.0)
    replication.tell(CAROL, 4, 1)


def test_the_budget_says_how_much_goes_and_near_things_go_first() -> None:
    stage = Stage(entities=60)
    stage.replication.set_cap(BOB, 40)
    stage.replication.set_view(BOB, position_m=(0.0, 0.0, 0.0))
    places = [(entity * 6.0, 0.0, 0.0) for entity in range(1, 61)]
    for entity, place in enumerate(places, 1):
        stage.world.set_parent(entity, 0, 0, placed(place), 0)
    heard: dict[int, int] = {}
    octets = 0
    for turn in range(600):
        for entity, (x, y, z) in enumerate(places, 1):
            stage.world.set_parent(entity, 0, 0, placed((x + turn % 2, y, z)), stage.tick)
        for payload in stage.step():
            stage.say(BOB, ack=unpack_header(payload).seq)
            octets += len(payload) + 93
            for told in records_in(payload):
                if told.kind is Section.MOVE:
                    heard[told.entity] = heard.get(told.entity, 0) + 1
    assert octets * 8 / 10 == pytest.approx(40_000, rel=0.1)
    assert len(heard) == 60, "nobody starves"
    assert heard[1] > 2 * heard[60]


def test_it_looks_from_an_entity_wherever_that_goes() -> None:
    stage = Stage(entities=2)
    stage.replication.set_view(BOB, entity=2)
    far = (10_000.0, 100.0, -10_000.0)
    stage.world.set_parent(2, 0, 0, placed(far), 0)
    (payload,) = stage.step()
    header = unpack_header(payload)
    assert Base(header.base_cx, header.base_cz, header.base_y) == Base(156, -157, 25_600)


def test_serving_less_often_is_not_taken_for_queueing() -> None:
    stage = Stage()
    budgets, row = stage.replication.budgets, stage.replication.audience.row(BOB)
    budgets.note_delays(np.array([row]), np.array([0.01]), np.array([0.0]))
    stage.replication.serve_every = 6
    budgets.note_delays(np.array([row]), np.array([0.1]), np.array([0.0]))
    assert budgets.queueing_s()[row] == 0
    stage.replication.serve_every = 6
    budgets.note_delays(np.array([row]), np.array([0.2]), np.array([0.0]))
    assert budgets.base[row].min() == 0.1, "nothing is forgotten while nothing changes"
