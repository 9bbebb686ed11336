"""docs/PROTOCOL.md is the contract: its tables are read and compared with the code."""

import re
import typing
from pathlib import Path

import pytest

from soiree import transport
from soiree.wire import control, limits, messages, state
from soiree.wire.messages import FromClient, FromRelay

DOCUMENT = (Path(__file__).parents[3] / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the table whose header row begins with `heading`."""
    table = re.search(rf"^\| {re.escape(heading)} \|.*?\n\|[-|]+\|\n((?:\|.*\n)+)", DOCUMENT, re.MULTILINE)
    assert table, heading
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].strip().splitlines()]


MESSAGES = rows("type | name | from")
SECTIONS = rows("kind | name | bytes")
FRAMES = rows("type | name | layout")
BOUNDS = rows("name | value | unit")
CODES = {"u8": "u1", "i8": "i1", "u16": "<u2", "i16": "<i2", "u32": "<u4", "i32": "<i4", "u64": "<u8"}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Message")).lower()


@pytest.mark.parametrize("row", MESSAGES, ids=lambda row: row[1])
def test_each_message_has_the_type_name_direction_and_fields_of_the_document(row: list[str]) -> None:
    number, name, origin, fields = int(row[0].strip("| ")), row[1], row[2], row[3]
    struct = control.TYPES[number]
    assert snake(struct.__name__) == name
    assert ["n", *(f.strip().removesuffix("?") for f in fields.split(","))] == list(struct.__struct_fields__)
    optional = [f.strip().removesuffix("?") for f in fields.split(",") if f.strip().endswith("?")]
    hints = typing.get_type_hints(struct)
    assert optional == [f for f in struct.__struct_fields__ if type(None) in typing.get_args(hints[f])]
    directions = {"c": (True, False), "r": (False, True), "both": (True, True)}[origin]
    assert (struct in typing.get_args(FromClient), struct in typing.get_args(FromRelay)) == directions


def test_the_document_names_every_message() -> None:
    assert sorted(int(row[0].strip("| ")) for row in MESSAGES) == sorted(control.TYPES)


@pytest.mark.parametrize("row", SECTIONS, ids=lambda row: row[1])
def test_each_section_has_the_layout_of_the_document(row: list[str]) -> None:
    kind = state.Section[row[1]]
    assert int(row[0].strip("| ")) == kind
    assert state.SLOT_OF[kind].name.lower() == row[3]
    if kind is state.Section.PROPS:
        assert row[2] == "4+n"
        return
    fields = [field.split() for field in row[4].strip("`| ").split(", ")]
    dtype = state.DTYPE_OF[kind]
    assert [name for _, name in fields] == list(dtype.names or ())
    assert [CODES[code] for code, _ in fields] == [dtype[name].str.replace("|", "") for _, name in fields]
    assert int(row[2]) == dtype.itemsize == state.STRIDE[kind]


def test_the_document_names_every_section() -> None:
    assert {row[1] for row in SECTIONS} == set(state.Section.__members__)


@pytest.mark.parametrize("row", FRAMES, ids=lambda row: row[1])
def test_each_frame_has_the_layout_of_the_document(row: list[str]) -> None:
    layout = re.match(r"`([^`]*)`", row[2])
    assert layout
    fields = [field.split() for field in layout[1].split(", ")]
    size = sum(int(code[1:]) // 8 for code, _ in fields)
    structs = {
        "STATE": state.STATE_HEADER,
        "DATA": state.DATA_HEADER,
        "PING": state.PING_FRAME,
        "PONG": state.PONG_FRAME,
    }
    assert structs[row[1]].size == size
    assert state.FrameType[row[1]] == int(row[0].strip("| "))
    tuples = {"STATE": state.Header._fields, "PING": state.Ping._fields, "PONG": state.Pong._fields}
    if row[1] in tuples:
        names = [name for _, name in fields if name != "type" and (row[1] == "STATE" or name != "flags")]
        assert names == list(tuples[row[1]])


@pytest.mark.parametrize("row", BOUNDS, ids=lambda row: row[0].strip("| "))
def test_each_bound_has_the_value_of_the_document(row: list[str]) -> None:
    assert getattr(limits, row[0].strip("| ")) == int(row[1])


def test_the_document_names_every_bound() -> None:
    assert {row[0].strip("| ") for row in BOUNDS} == {name for name in vars(limits) if name.isupper()}


def test_the_transport_keeps_the_same_sizes() -> None:
    streams = {row[0].strip("| "): row for row in rows("stream | id")}
    assert (int(streams["control"][1]), int(streams["control"][5].strip("| "))) == (
        transport.CONTROL,
        transport.MAX_CONTROL_BYTES,
    )
    assert (int(streams["state"][1]), int(streams["state"][5].strip("| "))) == (
        transport.STATE,
        transport.MAX_FRAME_BYTES,
    )


def test_the_words_of_the_document_are_those_of_the_codec() -> None:
    for words in (messages.Rule, messages.Lifetime, messages.AttachRule, messages.Cause):
        for word in typing.get_args(words):
            assert f"`{word}`" in DOCUMENT, word
