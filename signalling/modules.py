"""What a page's script imports, and what that imports, so that a browser can fetch all of it at once instead of level by level.

Pure core: text in, paths out.
"""

import re
from collections.abc import Callable
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r"""^(?:import|export)\b[^;"']*?["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
"""A static import or re-export of a relative address, at the beginning of a line; not `import("…")` of a JSDoc type."""


def imports_of(entry: str, read: Callable[[str], str]) -> tuple[str, ...]:
    """The modules behind one, itself first, each once, the nearest first.

    Args:
        entry: its path, with / between the parts.
        read: the source of a module by its path.
    """
    found = [entry]
    for path in found:
        for address in _IMPORT.findall(read(path)):
            imported = normpath(join(dirname(path), address))
            if imported not in found:
                found.append(imported)
    return tuple(found)
