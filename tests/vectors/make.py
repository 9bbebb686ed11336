"""Write the golden vectors: `python -m tests.vectors.make`. See README.md beside this file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack

from soiree.wire import records as r
from soiree.wire import state as s
from soiree.wire.messages import VERSION
from soiree.wire.records import Base, Pose, PosePart, Transform
from soiree.wire.state import Header, Section, Slot

HERE = Path(__file__).parent
Case = dict[str, Any]

TRANSFORMS = {
    "origin": Transform((0.0, 0.0, 0.0)),
    "street": Transform((123.456, 1.5, -77.125), (0.0, 0.6, 0.0, 0.8), (13.9, 0.0, -2.5), age=7),
    "cell edge": Transform((63.9999, 0.0, 64.0), (0.5, 0.5, 0.5, 0.5)),
    "negative cells": Transform((-0.0005, -3.25, -6400.001), (-0.1, 0.2, -0.3, 0.9), (-0.01, 80.0, -300.0)),
    "teleport far out": Transform((9.0e10, 8000000.0, -9.0e10), (0.0, 0.0, 0.0, -1.0), (0.0, -9.81, 0.0), True, 127),
}
POSES = {
    "all tracked": Pose(
        PosePart((0.0, 1.7, 0.0), (0.0, 0.0, 0.0, 1.0)),
        PosePart((-0.3, 1.1, 0.4), (0.7071, 0.0, 0.7071, 0.0)),
        PosePart((0.3, 1.0, 0.4), (0.1, 0.9, 0.1, 0.4)),
    ),
    "head alone": Pose(PosePart((0.0, 1.5, -0.1), (0.0, 1.0, 0.0, 0.0)), None, None),
    "nothing": Pose(None, None, None),
}


def transform_fields(transform: Transform) -> Case:
    """What a decoder gives for a transform."""
    return {
        "position": list(transform.position),
        "rotation": list(transform.rotation),
        "velocity": list(transform.velocity),
        "teleport": transform.teleport,
        "age": transform.age,
    }


def part_fields(part: PosePart | None) -> Case | None:
    """What a decoder gives for head or hand."""
    return None if part is None else {"position": list(part.position), "rotation": list(part.rotation)}


def record_cases() -> Iterator[Case]:
    """Each kind with each transform, poses and props."""
    encoders = {Section.MOVE: r.encode_move, Section.REST: r.encode_rest, Section.UPRIGHT: r.encode_upright}
    for number, (name, transform) in enumerate(TRANSFORMS.items(), start=1):
        base, entity = r.base_for(transform.position), number * 1000003 % 0xFFFFFF
        for kind, encode in encoders.items():
            data = encode(entity, transform)
            decoded = transform_fields(r.decode_transform(kind, data, base))
            yield (
                {"name": f"{kind.name} {name}", "hex": data.hex(), "kind": kind, "entity": entity, "base": list(base)}
                | decoded
                | {"input": transform_fields(transform)}
            )
    local = Transform((1.25, -0.5, 31.9), (0.0, 0.3, 0.0, 0.954), (0.5, 0.0, 0.0), age=3)
    data = r.encode_child(9, 200, local)
    decoded = transform_fields(r.decode_transform(Section.CHILD, data, Base(0, 0, 0)))
    yield (
        {
            "name": "CHILD in a cabin",
            "hex": data.hex(),
            "kind": Section.CHILD,
            "entity": 9,
            "attach": 200,
            "base": [0, 0, 0],
        }
        | decoded
        | {"input": transform_fields(local)}
    )
    far = bytes.fromhex("2a0000f30100ff032000000208800e00f20a")
    yield {
        "name": "FAR",
        "hex": far.hex(),
        "kind": Section.FAR,
        "entity": 42,
        "base": [35, -17, 100],
    } | transform_fields(r.decode_transform(Section.FAR, far, Base(35, -17, 100)))
    for name, pose in POSES.items():
        data = r.encode_pose(77, pose)
        back = r.decode_pose(data)
        yield {
            "name": f"POSE {name}",
            "hex": data.hex(),
            "kind": Section.POSE,
            "entity": 77,
            "base": [0, 0, 0],
            "head": part_fields(back.head),
            "left": part_fields(back.left),
            "right": part_fields(back.right),
            "input": {"head": part_fields(pose.head), "left": part_fields(pose.left), "right": part_fields(pose.right)},
        }
    for name, props in {"empty": b"", "short": b"\x00\xffhi", "longest": bytes(range(255))}.items():
        data = r.encode_props(0xFFFFFF, props)
        yield {
            "name": f"PROPS {name}",
            "hex": data.hex(),
            "kind": Section.PROPS,
            "entity": 0xFFFFFF,
            "base": [0, 0, 0],
            "props": props.hex(),
        }


def frame_cases() -> Iterator[Case]:
    """Headers with and without sections; the other frame types."""
    header = Header(s.ACK_VALID, 65535, 4000000000, -5, 7, -12345, 12, 0xF0000001, 65534)
    move = r.encode_move(1, Transform((-300.0, -48.0, 460.0)))
    rest = r.encode_rest(2, Transform((-310.0, -48.0, 461.0)))
    mixed = s.pack_section(Section.MOVE, [move]) + s.pack_section(Section.REST, [rest, rest])
    props = s.pack_section(Section.PROPS, [r.encode_props(3, b"abc"), r.encode_props(4, b"")])
    for name, body in {"empty": b"", "two sections": mixed, "props last": mixed + props}.items():
        data = s.pack_header(header) + body
        yield {
            "name": f"STATE {name}",
            "hex": data.hex(),
            "type": 1,
            **header._asdict(),
            "sections": [{"kind": v.kind, "count": v.count} for v in s.sections(data)],
        }
    for peer, payload in ((0, b""), (-77, b"\x00\x01"), (0x7FFFFFFF, b"x" * 1024)):
        yield {
            "name": f"DATA {peer}",
            "hex": s.pack_data(peer, payload).hex(),
            "type": 2,
            "peer": peer,
            "payload": payload.hex(),
        }
    ping, pong = s.Ping(9, 123456, 2**50 + 1, 23000), s.Pong(9, 2**50 + 1, 2**51 + 3)
    yield {"name": "PING", "hex": s.pack_ping(ping).hex(), "type": 3, **ping._asdict()}
    yield {"name": "PONG", "hex": s.pack_pong(pong).hex(), "type": 4, **pong._asdict()}


PLACED = r.pack_placed(
    r.Placed(
        r.base_for(TRANSFORMS["street"].position),
        {
            Slot.TRANSFORM: r.PlacedRecord(Section.MOVE, r.encode_move(0, TRANSFORMS["street"])),
            Slot.PROPS: r.PlacedRecord(Section.PROPS, r.encode_props(0, b"p")),
        },
    )
)
PROPERTIES = {"text": "Grüße", "n": -(2**53), "x": 1.5, "on": True, "none": None}
CONTROL: list[tuple[int, str, str, list[Any]]] = [
    (1, "hello", "c", [list(VERSION), 0, True, "vectors", ["a", "b"]]),
    (
        2,
        "welcome",
        "r",
        [
            list(VERSION),
            7,
            False,
            2147483647,
            True,
            {"id": "i", "code": "c", "name": "Café", "max_speed_m_s": 100.0},
            4294967295,
            60,
            [],
        ],
    ),
    (3, "error", "r", ["version", "Version 9 is not spoken here."]),
    (4, "bye", "c", ["bye"]),
    (4, "bye", "r", ["kicked"]),
    (5, "peer_joined", "r", [2, "Ada", False]),
    (6, "peer_away", "r", [2, True]),
    (7, "peer_left", "r", [2, "bye"]),
    (10, "spawn", "c", ["ball", PLACED, "ask", "with-room", PROPERTIES, 0, "allow", None, "near"]),
    (10, "spawn", "c", ["bullet", PLACED, "deny", "with-master", {}, 16777215, "owner", [9, 3], "always"]),
    (10, "spawn", "c", ["cabin", PLACED, "allow", "with-master", {}, -256, "deny", None, "near"]),
    (
        11,
        "spawned",
        "r",
        [
            5,
            9,
            bytes(range(16)),
            "ball",
            2,
            2,
            "ask",
            0,
            "with-room",
            "allow",
            2000,
            None,
            0,
            0,
            PROPERTIES,
            99,
            PLACED,
        ],
    ),
    (12, "despawn", "c", [9, "reparent"]),
    (13, "despawned", "r", [0, 9, "left"]),
    (14, "request", "c", [9, 4294967295, "please"]),
    (15, "ask", "r", [1, 9, 3, "please", 2000]),
    (16, "answer", "c", [1, True]),
    (17, "granted", "r", [0, 9, 0, 4, 1234, "lapse"]),
    (18, "refused", "r", [8, 9, "stale", 3, 4]),
    (19, "assign", "c", [9, 3, True]),
    (20, "release", "c", [9]),
    (21, "set_rule", "c", [9, "ask", 2000, "deny"]),
    (22, "rule_set", "r", [9, 9, "allow", 60000, None]),
    (23, "set_master", "c", [9, 3]),
    (24, "master_set", "r", [0, 9, 0]),
    (25, "set_lifetime", "c", [9, "persistent"]),
    (26, "lifetime_set", "r", [0, 9, "with-master"]),
    (27, "set_parent", "c", [9, 8, PLACED, [8, 0]]),
    (28, "parent_set", "r", [0, 9, 0, 255, 77, PLACED]),
    (29, "set_attach_rule", "c", [9, "deny"]),
    (30, "attach_rule_set", "r", [0, 9, "owner"]),
    (31, "set_properties", "c", [9, {"text": None}]),
    (32, "properties_set", "r", [0, 9, PROPERTIES]),
    (33, "send_event", "c", ["chat", {"text": "hi", "deep": [[1], b"\x00"]}, -2, 0, None]),
    (33, "send_event", "c", ["shoot", None, 0, 9, [9, 4]]),
    (34, "event", "r", [0, 2, "chat", [1, 2.5, "x"], 0]),
    (35, "send_data", "c", [0, b"\x01\x02"]),
    (36, "data", "r", [2, b""]),
    (37, "view", "c", [1.0, -2.5, 1e10, 160.0]),
    (38, "budget", "c", [256]),
    (39, "done", "r", [77]),
    (40, "group", "c", [[[12, 0, 9, "along"], [31, 0, 8, {"text": "ü"}], [20, 0, 7]]]),
    (40, "group", "r", [[[13, 0, 0, 9, "sight"]]]),
    (42, "set_audience", "c", [31, [2, 2147483615]]),
    (42, "set_audience", "c", [0, []]),
    (35, "send_data", "c", [-2147483617, bytes(12288)]),
]


def jsonable(value: Any) -> Any:
    """Bytes as {"bytes": hex}, all else as it is."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, list):
        return [jsonable(item) for item in value]
    if isinstance(value, dict):
        return {key: jsonable(item) for key, item in value.items()}
    return value


def control_cases() -> Iterator[Case]:
    """Every message, packed by an independent MessagePack library."""
    for n, (number, name, origin, fields) in enumerate(CONTROL):
        data = msgpack.packb([number, n, *fields])
        yield {"name": name, "hex": data.hex(), "type": number, "n": n, "from": origin, "fields": jsonable(fields)}


def malformed_cases() -> Iterator[Case]:
    """What must be refused."""
    control: dict[str, bytes] = {
        "nothing": b"",
        "not an array": msgpack.packb({"type": 1}),
        "empty array": msgpack.packb([]),
        "type is no number": msgpack.packb(["hello", 1]),
        "too few fields": msgpack.packb([14, 1, 5]),
        "trailing bytes": msgpack.packb([20, 1, 5]) + b"\x00",
        "truncated": msgpack.packb([14, 1, 5, 0, "note"])[:-1],
        "nested without end": b"\x91" * 2000,
        "length beyond the end": b"\xdd\xff\xff\xff\xff",
    }
    state: dict[str, bytes] = {
        "nothing": b"",
        "type 0": bytes(28),
        "type 9": b"\x09" + bytes(27),
        "short header": b"\x01" + bytes(26),
        "section cut short": b"\x01" + bytes(27) + b"\x01\x01" + bytes(17),
        "section header cut short": b"\x01" + bytes(27) + b"\x01",
        "unknown section": b"\x01" + bytes(27) + b"\x08\x00",
        "props run past the end": b"\x01" + bytes(27) + b"\x05\x01\x01\x00\x00\x05abc",
        "section after props": b"\x01" + bytes(27) + b"\x05\x00\x02\x00",
        "too long": b"\x01" + bytes(1152),
        "short ping": b"\x03" + bytes(18),
        "data too long": b"\x02" + bytes(5 + 1025),
    }
    for stream, cases in (("control", control), ("state", state)):
        for name, data in cases.items():
            yield {"name": name, "stream": stream, "hex": data.hex()}


def placed_cases() -> Iterator[Case]:
    """Placed records of roots and children, with one and three slots."""
    street = TRANSFORMS["street"]
    base = r.base_for(street.position)
    upright = r.PlacedRecord(Section.UPRIGHT, r.encode_upright(0, street))
    pose = r.PlacedRecord(Section.POSE, r.encode_pose(0, POSES["all tracked"]))
    props = r.PlacedRecord(Section.PROPS, r.encode_props(0, b"xyz"))
    child = r.PlacedRecord(Section.CHILD, r.encode_child(0, 0, Transform((1.0, 2.0, 3.0))))
    for name, slots in {
        "upright, pose, props": {Slot.TRANSFORM: upright, Slot.POSE: pose, Slot.PROPS: props},
        "child": {Slot.TRANSFORM: child},
        "upright, props": {Slot.TRANSFORM: upright, Slot.PROPS: props},
    }.items():
        placed = r.Placed(base, slots)
        kind, record = placed.records[Slot.TRANSFORM]
        yield {
            "name": name,
            "hex": r.pack_placed(placed).hex(),
            "base": list(base),
            "sections": [p.kind for p in slots.values()],
            "position": list(r.decode_transform(kind, record, base).position),
        }


FILES = {
    "records.json": ("Records of every section kind", record_cases),
    "frames.json": ("Messages of the state stream", frame_cases),
    "control.json": ("Control messages, packed by an independent MessagePack library", control_cases),
    "malformed.json": ("What every decoder refuses", malformed_cases),
    "placed.json": ("Placed records, the `state` of spawn, spawned, set_parent and parent_set", placed_cases),
}


def text_of(name: str) -> str:
    """The content of one vector file."""
    description, cases = FILES[name]
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases())
    return f'{{"description": {json.dumps(description)}, "cases": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    for file_name in FILES:
        (HERE / file_name).write_text(text_of(file_name), encoding="utf-8")
