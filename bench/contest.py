"""Runs the relay job: one server on one core, its clients on the other, one stack after the other."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bench.errors import LoadError
from bench.load.report import Done, Failed, Line, LoadReport
from bench.rows import Row, row
from bench.server import pinned, stop
from bench.stacks import Stack

LOAD_TIMEOUT_S = 300.0
"""For coming in, warming up and reading what came; the measuring comes on top."""
MAX_LINE_BYTES = 1 << 16
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """The room."""

    clients: int
    hz: float
    """Updates of each client a second."""
    seconds: float
    serve_hz: int
    """Frames to each client a second, at most."""
    warm_up_s: float = 3.0
    """Walking before it is measured: rates climb, buffers fill, code gets hot."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where; None for anywhere."""

    server: int | None
    load: int | None

    @classmethod
    def of_this_machine(cls) -> "Cores":
        """One for the server and one for the load, if there are two."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(usable[0], usable[1]) if len(usable) > 1 else cls(None, None)


async def measure(stack: Stack, job: Job, cores: Cores, say: Say) -> Row:
    """One row, measured once.

    Raises:
        BenchError: the server or the clients could not do it.
    """
    say("starting the server")
    async with stack.serve(job.serve_hz, cores.server) as server:
        command = [sys.executable, "-m", "bench.load", "--crowd", stack.crowd, "--url", server.url]
        command += ["--server-pid", str(server.pid), "--clients", str(job.clients)]
        command += ["--hz", str(job.hz), "--warm-up", str(job.warm_up_s), "--seconds", str(job.seconds)]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=PIPE, limit=MAX_LINE_BYTES, preexec_fn=pinned(cores.load)
        )
        try:
            async with asyncio.timeout(LOAD_TIMEOUT_S + job.seconds):
                report = await _listen(process, say)
        except TimeoutError:
            raise LoadError(f"the clients were not done after {LOAD_TIMEOUT_S + job.seconds:.0f} s") from None
        finally:
            await stop(process)
    return row(stack.name, job.clients, job.serve_hz, report)


async def _listen(process: Process, say: Say) -> LoadReport:
    """What the load tells in the end."""
    assert process.stdout is not None
    async for printed in process.stdout:
        line = msgspec.json.decode(printed, type=Line)
        if isinstance(line, Done):
            return line.report
        if isinstance(line, Failed):
            raise LoadError(line.words)
        say(line.words)
    raise LoadError(f"the clients ended with code {await process.wait()} and told nothing")
