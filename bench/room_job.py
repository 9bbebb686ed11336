"""The room job: bots that wander in one room, every one of them seeing all the others."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from bench.errors import BotsError
from bench.server import Server, party

HZ = 20
"""States that each bot sends in a second."""
LATENCY_P99_TARGET_MS = 50.0
"""Most that the relay and both stacks may add, at the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table."""

    transport: str
    """"webrtc" or "websocket"."""
    engine: str
    """WebRTC engine of the server, and of the bots where they use it."""
    count: int
    """Bots in the room."""

    @property
    def name(self) -> str:
        """As the table shows it."""
        return f"{self.count} over {self.engine if self.transport == 'webrtc' else self.transport}"


class Percentiles(msgspec.Struct, frozen=True):
    """Of a distribution in milliseconds."""

    p50: float | None
    p99: float | None


class BotsReport(msgspec.Struct, frozen=True):
    """What `soiree bots --json` prints."""

    joined: int
    failed: int
    join_ms: Percentiles
    updates_sent: int
    updates_received: int
    latency_ms: Percentiles
    kbit_s_down_per_client: float
    control_lost: int
    """Numbered control messages that were never applied."""
    converged: bool
    """Two seconds after all stopped, every view equalled what the owners last set."""
    rung: dict[str, int]
    """Bots on each rung of the ladder."""


class Outcome(msgspec.Struct, frozen=True):
    """One job, done."""

    job: str
    report: BotsReport
    server_cpu_percent: float
    """Of one core, from the first join to the last leave."""
    server_us_per_update: float
    """Server's CPU time for each update that reached a bot."""
    server_rss_mb: float
    """Resident memory at the end."""
    shortfalls: list[str]
    """Targets that were missed, in words."""


def shortfalls(count: int, report: BotsReport) -> list[str]:
    """What of the targets `count` bots did not reach."""
    p99 = report.latency_ms.p99
    found = {
        f"{count - report.joined} did not join": report.joined < count,
        f"{report.control_lost} control messages lost": report.control_lost > 0,
        "not converged": not report.converged,
        f"p99 over {LATENCY_P99_TARGET_MS:.0f} ms": p99 is None or p99 > LATENCY_P99_TARGET_MS,
    }
    return [words for words, missed in found.items() if missed]


def bots_command(job: Job, url: str, room: str, seconds: int) -> list[str]:
    """The command line of the bots for `job`."""
    command = [sys.executable, "-m", "party", "bots", "--url", url, "--room", room, "--count", str(job.count)]
    command += [
        "--hz",
        str(HZ),
        "--seconds",
        str(seconds),
        "--scenario",
        "wander",
        "--transport",
        job.transport,
        "--json",
    ]
    return command + (["--engine", job.engine] if job.transport == "webrtc" else [])


async def _create_room(server: Server, capacity: int) -> str:
    body = {"name": "Bench", "capacity": capacity, "public": False}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/api/v1/rooms", json=body, raise_for_status=True) as answer,
    ):
        created = msgspec.json.decode(await answer.read())
        return str(created["room"]["id"])


async def _run_bots(command: Sequence[str]) -> BotsReport:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    printed, _ = await process.communicate()
    try:
        return msgspec.json.decode(printed, type=BotsReport)
    except msgspec.DecodeError as error:
        raise BotsError(f"the bots ended with code {process.returncode} and no report: {error}") from error


async def run(job: Job, seconds: int) -> Outcome:
    """Run `job` for `seconds` against a server of its own.

    Raises:
        BenchError: server or bots did not work at all.
    """
    async with party(job.engine) as server:
        room = await _create_room(server, job.count)
        before, began = server.usage(), time.monotonic()
        report = await _run_bots(bots_command(job, server.url, room, seconds))
        after, wall_s = server.usage(), time.monotonic() - began
    cpu_s = after.cpu_s - before.cpu_s
    return Outcome(
        job=job.name,
        report=report,
        server_cpu_percent=100 * cpu_s / wall_s,
        server_us_per_update=1e6 * cpu_s / max(report.updates_received, 1),
        server_rss_mb=after.rss_bytes / 1e6,
        shortfalls=shortfalls(job.count, report),
    )
