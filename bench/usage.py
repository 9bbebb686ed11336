"""What processes and the loopback interface used, as the kernel counts it (proc(5), Linux only)."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used since it began."""

    cpu_s: float
    """User and system time of all its threads."""
    rss_bytes: int
    """Resident memory now."""


def usage_of(pid: int) -> Usage:
    """The counters of a running process. Raises OSError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def loopback_bytes() -> int:
    """Bytes that came over the loopback interface since it is up, whoever sent them, IP headers included."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counters = line.strip().partition(":")
        if name == "lo":
            return int(counters.split()[0])
    return 0
