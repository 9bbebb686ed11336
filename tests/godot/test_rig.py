"""The rig itself: the real engine runs packs of ours, and both sides hear each other."""

import struct

import pytest

from tests.godot.pack import class_list, pack
from tests.godot.rig import Godot

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_project_runs_in_the_official_engine(godot: Godot) -> None:
    game = await godot.run("hello", "one", "two words", until="engine 4.6")
    await game.line("given one two words")
    await game.ask("tests", "hello tests")


async def test_what_the_engine_complains_of_is_heard(godot: Godot) -> None:
    game = await godot.run("hello", until="given")
    await game.tell("fail")
    await game.ask("again", "hello again")
    assert [line for line in game.complaints if "as I was told" in line]
    game.errors.clear()


async def test_a_pack_lists_classes_whatever_order_they_are_declared_in() -> None:
    scripts = {
        "a.gd": b"class_name A\nextends Node\n",
        "b.gd": b"@tool\nextends A\nclass_name B\n",
        "c.gd": b"extends Node\n",
        "d.tscn": b"class_name D",
    }
    listed = class_list(scripts).decode()
    assert '"base": &"Node", "class": &"A"' in listed
    assert '"base": &"A", "class": &"B"' in listed
    assert listed.count('"class"') == 2


async def test_every_file_of_a_pack_begins_where_it_says() -> None:
    packed = pack({"main.gd": b"extends Node\n"})
    assert packed[:4] == b"GDPC"
    size = struct.unpack_from("<I", packed, 100)[0]
    offset, length = struct.unpack_from("<QQ", packed, 104 + size)
    assert packed[104 : 104 + size].rstrip(b"\0") == b"res://main.gd"
    assert packed[offset : offset + length] == b"extends Node\n"
    assert offset % 32 == 0
