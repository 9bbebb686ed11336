"""The golden vectors are what the codec makes, and mean what they say."""

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from soiree.wire import control, records, state
from soiree.wire.errors import WireError
from soiree.wire.records import Base, Pose, PosePart, Transform
from soiree.wire.state import Section
from tests.vectors import make

HERE = Path(make.__file__).parent


def cases(name: str) -> list[Any]:
    return [pytest.param(c, id=c["name"]) for c in json.loads((HERE / name).read_text(encoding="utf-8"))["cases"]]


@pytest.mark.parametrize("name", make.FILES)
def test_files_are_what_the_codec_makes(name: str) -> None:
    assert (HERE / name).read_text(encoding="utf-8") == make.text_of(name)


def part(fields: Any) -> PosePart | None:
    return None if fields is None else PosePart(tuple(fields["position"]), tuple(fields["rotation"]))


def encode(case: Any) -> bytes:
    kind, entity = Section(case["kind"]), case["entity"]
    if kind is Section.PROPS:
        return records.encode_props(entity, bytes.fromhex(case["props"]))
    given = case["input"]
    if kind is Section.POSE:
        return records.encode_pose(entity, Pose(part(given["head"]), part(given["left"]), part(given["right"])))
    transform = Transform(
        tuple(given["position"]), tuple(given["rotation"]), tuple(given["velocity"]), given["teleport"], given["age"]
    )
    if kind is Section.CHILD:
        return records.encode_child(entity, case["attach"], transform)
    encoder = {
        Section.MOVE: records.encode_move,
        Section.REST: records.encode_rest,
        Section.UPRIGHT: records.encode_upright,
    }
    return encoder[kind](entity, transform)


@pytest.mark.parametrize("case", [c for c in cases("records.json") if c.values[0]["kind"] != Section.FAR])
def test_records_encode_to_the_vector(case: Any) -> None:
    assert encode(case).hex() == case["hex"]


@pytest.mark.parametrize("case", [c for c in cases("records.json") if "position" in c.values[0]])
def test_transforms_decode_to_the_vector_within_its_precision(case: Any) -> None:
    kind, data = Section(case["kind"]), bytes.fromhex(case["hex"])
    got = records.decode_transform(kind, data, Base(*case["base"]))
    assert got.position == pytest.approx(case["position"], abs=1e-9)
    assert got.rotation == pytest.approx(case["rotation"], abs=1e-9)
    if "input" in case and kind in (Section.MOVE, Section.REST):
        assert max(abs(a - b) for a, b in zip(got.position, case["input"]["position"], strict=True)) <= 0.004
        assert rotation_error_deg(got.rotation, case["input"]["rotation"]) <= 0.2


def rotation_error_deg(a: Any, b: Any) -> float:
    norm = math.sqrt(sum(c * c for c in b))
    return math.degrees(2 * math.acos(min(1.0, abs(sum(x * y / norm for x, y in zip(a, b, strict=True))))))


@pytest.mark.parametrize("case", cases("frames.json"))
def test_frames_decode_to_the_vector(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    kind = state.frame_type(data)
    assert kind == case["type"]
    if kind is state.FrameType.STATE:
        assert {**state.unpack_header(data)._asdict()}.items() <= case.items()
        assert [{"kind": v.kind, "count": v.count} for v in state.sections(data)] == case["sections"]
    elif kind is state.FrameType.DATA:
        assert state.unpack_data(data) == (case["peer"], bytes.fromhex(case["payload"]))
    else:
        unpacked = state.unpack_ping(data) if kind is state.FrameType.PING else state.unpack_pong(data)
        assert unpacked._asdict().items() <= case.items()


@pytest.mark.parametrize("case", cases("control.json"))
def test_control_messages_survive_a_round_trip(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    decode = control.decode_from_client if case["from"] == "c" else control.decode_from_relay
    message = decode(data)
    assert type(message) is control.TYPES[case["type"]]
    assert msgspec.msgpack.decode(control.encode(message)) == msgspec.msgpack.decode(data)


@pytest.mark.parametrize("case", cases("malformed.json"))
def test_malformed_bytes_are_refused_with_the_one_error(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    if case["stream"] == "control":
        for decode in (control.decode_from_client, control.decode_from_relay):
            with pytest.raises(WireError):
                decode(data)
    else:
        with pytest.raises(WireError):
            read_state(data)


def read_state(data: bytes) -> None:
    match state.frame_type(data):
        case state.FrameType.STATE:
            state.unpack_header(data)
            state.sections(data)
        case state.FrameType.DATA:
            state.unpack_data(data)
        case state.FrameType.PING:
            state.unpack_ping(data)
        case state.FrameType.PONG:
            state.unpack_pong(data)


@pytest.mark.parametrize("case", cases("placed.json"))
def test_placed_records_round_trip(case: Any) -> None:
    data = bytes.fromhex(case["hex"])
    placed = records.unpack_placed(data)
    assert records.pack_placed(placed) == data
    assert [p.kind for p in placed.records.values()] == case["sections"]
    assert list(placed.base) == case["base"]
