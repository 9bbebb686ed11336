"""Records to frames: every one readable from its frame's base, nothing over its bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay import framing
from relay.audience import Audience
from relay.framing import BLOCK_CELLS, BLOCK_Y, MAX_FRAMES_PER_SERVE, MAX_RECORDS, RECORDS_BYTES
from relay.pairs import Pairs
from relay.selection import Choice
from relay.world import World
from soiree.wire.limits import MAX_FRAME_BYTES
from soiree.wire.records import (  # fmt: skip
    Base,
    Placed,
    PlacedRecord,
    Pose,
    Transform,
    encode_move,
    encode_pose,
    encode_props,
    encode_rest,
    encode_upright,
    pack_placed,
    within_reach,
)
from soiree.wire.state import AGE_MASK, SLOT_OF, STRIDE, Header, Section, Slot, sections, unpack_header
from tests.relay import reference
from tests.relay.records import base_of, placed_child, records_in

pytestmark = pytest.mark.usefixtures("both_cores")
CLIENT = 9
TICK = 1000


class Table:
    """A world of which one client, at the origin, lacks everything."""

    def __init__(self) -> None:
        self.world = World()
        self.audience = Audience()
        self.client = self.audience.join(CLIENT, 0.0)
        self.pairs = Pairs(self.world)
        self.next = 1

    def put(self, x: int, y: int, z: int, kind: Section = Section.MOVE, props: bytes | None = None) -> int:
        """An entity at exact units."""
        still = Transform((0.0, 0.0, 0.0))
        record = {Section.MOVE: encode_move, Section.REST: encode_rest, Section.UPRIGHT: encode_upright}[kind](0, still)
        where = (x >> 16 & 15) << 24 | (z >> 16 & 15) << 28
        low = b"".join((v & 0xFFFF).to_bytes(2, "little") for v in (x, z, y))
        records = {Slot.TRANSFORM: PlacedRecord(kind, where.to_bytes(4, "little") + low + record[10:])}
        if props is not None:
            records[Slot.PROPS] = PlacedRecord(Section.PROPS, encode_props(0, props))
        base = Base(x >> 16, z >> 16, y)
        return self._add(pack_placed(Placed(base, records)))

    def put_child(self, parent: int) -> int:
        return self._add(placed_child((1.0, 0.0, 0.0)), parent)

    def _add(self, placed: bytes, parent: int = 0) -> int:
        self.world.add(self.next, placed, TICK - 5, parent)
        self.pairs.tell(self.client, self.next, 0, 0)
        self.next += 1
        return self.next - 1

    def frames(self) -> list[bytes]:
        pair, slot = np.nonzero(self.pairs.acked[: self.pairs.high])
        row = self.pairs.row[pair]
        choice = Choice(pair.copy(), slot.copy(), self.pairs.client[pair], row)
        layout = framing.arrange(choice, self.world, self.pairs, self.audience)
        seq = np.arange(len(layout.client))
        applied = np.zeros(len(self.audience.peer), np.int64)
        return framing.write(layout, self.world, self.pairs, self.audience, TICK, seq, applied)


edge = st.one_of(st.integers(-(2**47), 2**47 - 1), st.integers(-(2**20), 2**20), st.integers(-3, 3))
edge_y = st.one_of(st.integers(-(2**31), 2**31 - 1), st.integers(-70_000, 70_000))
kinds = st.sampled_from([Section.MOVE, Section.REST, Section.UPRIGHT])


@given(st.lists(st.tuples(edge, edge_y, edge, kinds, st.none() | st.binary(max_size=255)), min_size=1, max_size=7))
@settings(max_examples=80, deadline=None)
def test_every_record_is_read_exactly_from_its_frame(
    things: list[tuple[int, int, int, Section, bytes | None]],
) -> None:
    table = Table()
    want = {table.put(x, y, z, kind, props): (x, y, z, props) for x, y, z, kind, props in things}
    child = table.put_child(1)
    seen: dict[int, set[Slot]] = {}
    for payload in table.frames():
        assert len(payload) <= MAX_FRAME_BYTES
        header = unpack_header(payload)
        for kind, entity, octets in records_in(payload):
            seen.setdefault(entity, set()).add(SLOT_OF[kind])
            if kind is Section.PROPS:
                assert octets[4:] == want[entity][3]
            elif kind is not Section.CHILD:
                at = reference.place(reference.Said(0, 0, 0, 0, kind, octets, header, 0))
                assert at == want[entity][:3]
                assert framing.within_reach(np.array([at]), np.array([header[3:6]])).all()
    assert seen == {
        child: {Slot.TRANSFORM},
        **{e: {Slot.TRANSFORM} | ({Slot.PROPS} if w[3] is not None else set()) for e, w in want.items()},
    }


def test_the_middle_of_a_block_reaches_its_corners() -> None:
    half = (BLOCK_CELLS // 2) * 65_536 + 32_768
    corners = np.array([(32_768 - half, -(BLOCK_Y // 2), 32_768 + half), (32_768 + half, BLOCK_Y // 2, 32_768 - half)])
    assert framing.within_reach(corners, np.zeros((2, 3), np.int64)).all()
    assert half == 6.5 * 64 * 1024


def test_reach_is_the_protocol_s() -> None:
    base = Base(3, -4, 1000)
    for x, y, z in [(224 + 448, 3.9, -224.0), (224 + 448.01, 3.9, -224.0), (224, 3.9, -672.0), (224, 3.9, -672.1),
                    (224, 1000 / 256 + 127, -224), (224, 1000 / 256 + 127.01, -224)]:  # fmt: skip
        units = np.array([(round(x * 1024), round(y * 256), round(z * 1024))])
        assert framing.within_reach(units, np.array([base])).item() == within_reach((x, y, z), base)


def test_sections_are_one_of_a_kind_and_props_come_last() -> None:
    table = Table()
    for n in range(20):
        table.put(n, 0, 0, (Section.MOVE, Section.UPRIGHT, Section.REST)[n % 3], b"p" * (n % 4))
    table.put_child(1)
    (payload,) = table.frames()
    kinds = [view.kind for view in sections(payload)]
    assert kinds == [Section.MOVE, Section.REST, Section.CHILD, Section.UPRIGHT, Section.PROPS]


def test_poses_go_as_they_came() -> None:
    table = Table()
    pose = encode_pose(0, Pose(None, None, None))
    move = encode_move(0, Transform((0.0, 0.0, 0.0)))
    records = {Slot.TRANSFORM: PlacedRecord(Section.MOVE, move), Slot.POSE: PlacedRecord(Section.POSE, pose)}
    entity = table._add(pack_placed(Placed(Base(0, 0, 0), records)))
    (payload,) = table.frames()
    assert [told.octets for told in records_in(payload)][1] == entity.to_bytes(3, "little") + pose[3:]


def test_full_frames_use_what_they_may() -> None:
    table = Table()
    for n in range(400):
        table.put(n, 0, 0, Section.UPRIGHT)
    frames = table.frames()
    per_frame = RECORDS_BYTES // STRIDE[Section.UPRIGHT]
    assert [len(list(records_in(payload))) for payload in frames] == [per_frame] * 5 + [400 - 5 * per_frame]
    assert [unpack_header(payload).seq for payload in frames] == list(range(6))


def test_no_section_has_more_records_than_its_count_can_say() -> None:
    table = Table()
    full = 6 * (RECORDS_BYTES // STRIDE[Section.REST])
    for n in range(full):
        table.put(n, 0, 0, Section.REST, b"")
    counts = [view.count for payload in table.frames() for view in sections(payload) if view.kind is Section.PROPS]
    assert max(counts) == MAX_RECORDS
    assert sum(counts) == full


def test_no_client_gets_more_frames_at_once_than_the_bound() -> None:
    table = Table()
    for n in range(2 * MAX_FRAMES_PER_SERVE):
        table.put(n * 65_536 * 40, 0, 0)
    frames = table.frames()
    assert len(frames) == MAX_FRAMES_PER_SERVE
    assert {base_of(payload).cx for payload in frames} != {0}


def test_the_age_is_written_and_the_rest_is_the_owner_s() -> None:
    table = Table()
    entity = table.put(100, 0, 0)
    (payload,) = table.frames()
    (told,) = records_in(payload)
    kept = table.world.record(entity, Slot.TRANSFORM)
    assert kept is not None
    assert told.octets == kept[:-1] + bytes((5,))
    table.world.sample[table.world.row(entity)] = 0
    (payload,) = table.frames()
    assert payload[-1] == AGE_MASK


def test_a_bare_frame_is_a_header() -> None:
    table = Table()
    layout = framing.bare(np.array([table.client]), table.audience)
    applied = np.zeros(len(table.audience.peer), np.int64)
    (payload,) = framing.write(layout, table.world, table.pairs, table.audience, TICK, np.array([65_537]), applied)
    assert unpack_header(payload) == Header(0, 1, TICK, 0, 0, 0, 0, 0, 0)
