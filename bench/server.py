"""A server in a process of its own, on loopback, measured from outside."""

import asyncio
import functools
import os
import secrets
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.errors import ServerError
from bench.usage import Usage, usage_of

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
ERROR_LINES = 8
"""Of a server that did not come up, that are shown."""
READY_PREFIX = "lobby: "
"""Begins the line on a party's stdout that tells the link, once the server serves."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    """Where it is reached, without a slash at its end."""
    pid: int

    def usage(self) -> Usage:
        """What its process used so far."""
        return usage_of(self.pid)


async def _ready(process: Process, prefix: str, errors: Path) -> str:
    """What follows `prefix` on the line that says so; `errors`: where its stderr goes."""
    assert process.stdout is not None
    async for line in process.stdout:
        text = line.decode().strip()
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    code = await process.wait()
    raise ServerError(f"the server ended with code {code} before it was ready\n{_last_lines(errors)}".rstrip())


def _last_lines(errors: Path) -> str:
    return "\n".join(errors.read_text(errors="replace").splitlines()[-ERROR_LINES:])


async def _drain(process: Process) -> None:
    """Read on, so that a talkative server never waits for a full pipe."""
    assert process.stdout is not None
    async for _ in process.stdout:
        pass


async def stop(process: Process) -> None:
    """End a process: in order, and after a while without."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def pinned(core: int | None) -> functools.partial[None] | None:
    """What a new process does first to stay on `core`; None for any."""
    return None if core is None else functools.partial(os.sched_setaffinity, 0, {core})


@asynccontextmanager
async def serving(
    command: Sequence[str], ready: str, *, environment: Mapping[str, str] | None = None, core: int | None = None
) -> AsyncIterator[tuple[int, str]]:
    """Run a server until the block ends: its process id, and what followed `ready` on a line of its stdout.

    Args:
        command: run in an empty folder.
        ready: what begins the line that tells that it serves.
        environment: added to ours.
        core: the one that it may use; None for all.

    Raises:
        ServerError: it ended, or was not ready within `READY_TIMEOUT_S`.
    """
    with TemporaryDirectory(prefix="soiree-bench-") as folder:
        errors = Path(folder) / ".stderr"
        with errors.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdout=PIPE,
                stderr=stderr,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                preexec_fn=pinned(core),
            )
        try:
            told = await asyncio.wait_for(_ready(process, ready, errors), READY_TIMEOUT_S)
            reader = asyncio.create_task(_drain(process))
            yield process.pid, told
            await stop(process)
            await reader
        except TimeoutError as error:
            raise ServerError(f"the server was not ready within {READY_TIMEOUT_S:.0f} s") from error
        finally:
            await stop(process)


@asynccontextmanager
async def party(
    engine: str, *, environment: Mapping[str, str] | None = None, core: int | None = None
) -> AsyncIterator[Server]:
    """Run `soiree party` with WebRTC `engine` on a free port until the block ends. As `serving`.

    Raises:
        ServerError: it ended, or told no link within `READY_TIMEOUT_S`.
    """
    command = [sys.executable, "-m", "party", "party", "--host", "127.0.0.1", "--port", "0", "--engine", engine]
    settings = {"SOIREE_SECRET": secrets.token_hex(32), **(environment or {})}
    async with serving(command, READY_PREFIX, environment=settings, core=core) as (pid, url):
        yield Server(url.rstrip("/"), pid)
