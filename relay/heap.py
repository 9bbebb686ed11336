"""The C library's heap, told to keep what a pass of the relay gives back: the next pass needs as much again.

Left alone, glibc returns large blocks to the system at once, and each pass faults them in anew, page by page: a fifth of its CPU time in a
room of 200.
"""

import ctypes
from typing import Final

KEPT_BYTES: Final = 32 << 20
"""So much may stay free at the top of the heap; blocks below this size come from it. The most that glibc takes for the latter."""
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
"""mallopt(3)"""


def keep_freed() -> bool:
    """For the whole process. False where the C library has no such setting, and where it refuses."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    trims, maps = mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES), mallopt(_M_MMAP_THRESHOLD, KEPT_BYTES)
    return bool(trims and maps)
