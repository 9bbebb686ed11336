"""The worked example of docs/PROTOCOL.md 5.4 is what the codec makes, byte by byte."""

import re
from pathlib import Path

from soiree.wire import control, records, state
from soiree.wire import messages as m
from soiree.wire.records import Base, Placed, PlacedRecord, Transform
from soiree.wire.state import Header, Section, Slot

DOCUMENT = (Path(__file__).parents[3] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def test_the_example_of_the_document_is_what_the_codec_makes() -> None:
    section = DOCUMENT[DOCUMENT.index("### 5.4") : DOCUMENT.index("## 6.")]
    found = re.search(r"```\n(.*?)```", section, re.DOTALL)
    assert found
    hello, spawn, frame = (bytes.fromhex(line) for line in found[1].strip().splitlines())
    assert hello == control.encode(m.Hello(0, m.VERSION, 0, True, "example", []))
    rest = PlacedRecord(Section.REST, records.encode_rest(0, Transform((1.0, 0.0, 2.0))))
    placed = records.pack_placed(Placed(Base(0, 0, 0), {Slot.TRANSFORM: rest}))
    assert spawn == control.encode(m.Spawn(1, "ball", placed, "allow", "with-master", {}, 0, "allow", None))
    header = state.pack_header(Header(state.ACK_VALID, 0, 600, 0, 0, 0, 4, 0b1111, 3))
    moved = records.encode_rest(7, Transform((1.5, 0.0, 2.0)))
    assert frame == header + state.pack_section(Section.REST, [moved])
