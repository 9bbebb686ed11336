"""A victim (`tests.system.victim`) and the pipes to it."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from tests.system.party_process import ROOT

ANSWER_TIMEOUT_S = 30.0
COMES_TO_S = 10.0


class VictimProcess:
    """A running victim.

    Attributes:
        peer: its peer id.
        resume: its resume token.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self.peer = 0
        self.resume = ""

    async def line(self) -> dict[str, Any]:
        """What it says next. Raises AssertionError when it has ended."""
        assert self.process.stdout is not None
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            raw = await self.process.stdout.readline()
        assert raw, "the victim has ended"
        answer: dict[str, Any] = json.loads(raw)
        return answer

    async def told(self, key: str) -> dict[str, Any]:
        """The next line with this key."""
        while key not in (line := await self.line()):
            pass
        return line

    def order(self, instruction: str) -> None:
        """Give it an instruction."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{instruction}\n".encode())

    async def comes_to(self, expected: dict[str, Any], *keys: str) -> dict[str, Any]:
        """Its report, once it says the same as `expected` under these keys. Raises AssertionError when it does not come to that."""
        wanted = {key: expected[key] for key in keys}
        return await self._report(lambda report: {key: report[key] for key in keys} == wanted, str(wanted))

    async def owns(self, entity: int) -> dict[str, Any]:
        """Its report, once it knows that it owns this: others may hear of that before. Raises AssertionError when that takes too long."""
        return await self._report(lambda report: entity in report["owned"], f"that it owns {entity}")

    async def _report(self, holds: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
        report: dict[str, Any] = {}
        try:
            async with asyncio.timeout(COMES_TO_S):
                while not holds(report := await self.tell()):
                    pass
        except TimeoutError:
            raise AssertionError(f"it says {report}, not {what}") from None
        return report

    async def tell(self) -> dict[str, Any]:
        """Its report."""
        self.order("tell")
        return await self.told("peer")


@asynccontextmanager
async def victim(
    url: str, code: str, way: str, resume: str = "", *, bind: str = "127.0.0.1", before: Sequence[str] = ()
) -> AsyncIterator[VictimProcess]:
    """Run a victim until the block ends; `before` are the words of a command that runs it elsewhere."""
    process = await asyncio.create_subprocess_exec(
        *before, sys.executable, "-m", "tests.system.victim", url, code, way, resume, bind,
        stdin=PIPE, stdout=PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    running = VictimProcess(process)
    try:
        ready = await running.told("ready")
        running.peer, running.resume = ready["ready"], ready["resume"]
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
