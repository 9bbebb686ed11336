"""Godot projects as packs, without an editor: what an export writes, from files that need no import (`.gd`, `.tscn`, `.tres`, `.cfg`).

A pack (version 2, read by every Godot 4): `GDPC`, the versions of format and engine, flags, where the files begin, 16 words of nothing, the
number of files; then for each its path, offset, size, MD5 and flags; then the files.
"""

import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path

FORMAT = 2
ENGINE = (4, 0, 0)
"""Oldest engine that may read it."""
ALIGNMENT = 32
CLASS_LIST = ".godot/global_script_class_cache.cfg"
"""Where an exported game looks up what `class_name` means; the editor writes it, so here it is made from the scripts."""
_NEEDS_IMPORT = {".png", ".svg", ".jpg", ".ogg", ".wav", ".glb", ".import", ".uid"}
_CLASS = re.compile(r"^class_name\s+(\w+)(?:\s+extends\s+(\w+))?", re.MULTILINE)
_BASE = re.compile(r"^extends\s+(\w+)", re.MULTILINE)


def project(folder: Path) -> dict[str, bytes]:
    """The files of a project by their path in it; none of what the engine would first have to import, nor hidden ones."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in _NEEDS_IMPORT)
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in named.items() if not any(p[0] == "." for p in name.split("/"))}


def pack(files: Mapping[str, bytes]) -> bytes:
    """A pack of these files, by path without `res://`, and of the list of their classes."""
    everything = dict(files) | {CLASS_LIST: class_list(files)}
    names = {name: _padded(f"res://{name}".encode(), 4) for name in everything}
    head = struct.pack("<4s5IQ64xI", b"GDPC", FORMAT, *ENGINE, 0, 0, len(everything))
    begin = _up(len(head) + sum(4 + len(name) + 8 + 8 + 16 + 4 for name in names.values()), ALIGNMENT)
    index, body = bytearray(), bytearray()
    for name, data in everything.items():
        path = names[name]
        index += struct.pack("<I", len(path)) + path
        index += struct.pack(
            "<QQ16sI", begin + len(body), len(data), hashlib.md5(data, usedforsecurity=False).digest(), 0
        )
        body += _padded(data, ALIGNMENT)
    return _padded(head + index, ALIGNMENT) + body


def class_list(files: Mapping[str, bytes]) -> bytes:
    """The classes that scripts name, as the engine reads them."""
    rows = []
    for name, data in files.items():
        text = data.decode() if name.endswith(".gd") else ""
        if found := _CLASS.search(text):
            base = found[2] or (_BASE.search(text) or ("", "RefCounted"))[1]
            tool, abstract = (str(f"@{word}" in text).lower() for word in ("tool\n", "abstract\nclass_name"))
            rows.append(
                f'{{"base": &"{base}", "class": &"{found[1]}", "icon": "", "is_abstract": {abstract},'
                f' "is_tool": {tool}, "language": &"GDScript", "path": "res://{name}"}}'
            )
    return f"list=[{', '.join(rows)}]\n".encode()


def _up(size: int, to: int) -> int:
    return -(-size // to) * to


def _padded(data: bytes, to: int) -> bytes:
    return data.ljust(_up(len(data), to), b"\0")
