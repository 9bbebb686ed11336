"""A party server in a process of its own, on loopback, measured from outside."""

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.errors import ServerError

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
READY_PREFIX = "lobby: "
"""Begins the line on stdout that tells the link, once the server serves."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process used since it began."""

    cpu_s: float
    """User and system time of all its threads."""
    rss_bytes: int
    """Resident memory now."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running party."""

    url: str
    """The lobby's, without a slash at its end."""
    pid: int

    def usage(self) -> Usage:
        """Read the process's counters (proc(5), Linux only)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


async def _lobby_url(process: Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode().strip()
        if text.startswith(READY_PREFIX):
            return text.removeprefix(READY_PREFIX).rstrip("/")
    raise ServerError(f"the party ended with code {await process.wait()} before it was ready")


async def _drain(process: Process) -> None:
    """Read on, so that a talkative server never waits for a full pipe."""
    assert process.stdout is not None
    async for _ in process.stdout:
        pass


async def _stop(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


@asynccontextmanager
async def party(engine: str) -> AsyncIterator[Server]:
    """Run `soiree party` with WebRTC `engine` on a free port until the block ends.

    Raises:
        ServerError: it ended, or told no link within `READY_TIMEOUT_S`.
    """
    with TemporaryDirectory(prefix="soiree-bench-") as folder:
        command = [sys.executable, "-m", "party", "party", "--host", "127.0.0.1", "--port", "0", "--engine", engine]
        env = {**os.environ, "SOIREE_SECRET": secrets.token_hex(32)}
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=folder, env=env)
        try:
            url = await asyncio.wait_for(_lobby_url(process), READY_TIMEOUT_S)
            reader = asyncio.create_task(_drain(process))
            yield Server(url, process.pid)
            await _stop(process)
            await reader
        except TimeoutError as error:
            raise ServerError(f"the party told no link within {READY_TIMEOUT_S:.0f} s") from error
        finally:
            await _stop(process)
