"""Pure core: the C source of the compiled core, and what tells it from older source. `hatch_build.py` runs it: no imports of ours."""

import hashlib
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("core")


def source_hash(folder: Path = FOLDER) -> str:
    """Of all C source and headers in a folder; a compiled module carries that of the source that it was made of. Empty without any."""
    files = sorted(path for path in folder.glob("*.[ch]"))
    told = hashlib.sha256()
    for path in files:
        told.update(path.name.encode() + b"\0" + path.read_bytes())
    return told.hexdigest() if files else ""
