"""A party server in a process of its own, watched from outside: what it says, what it holds, what it counts."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

READY = "lobby: "
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
ROOT = Path(__file__).parents[2]
ROOMY = {
    "SOIREE_JOINS_PER_MINUTE": "1000000",
    "SOIREE_CREATIONS_PER_MINUTE": "1000000",
    "SOIREE_MAX_ROOMS_PER_ADDRESS": "900",
}
"""All clients of a test share one address, so what one address may do is not limited here."""
_BAD = re.compile(r"Traceback|\b(ERROR|CRITICAL)\b|never (retrieved|awaited)|Exception ignored|Fatal")


PartyOf = Callable[[str], "Party"]
"""Gives the server of an engine, or of "none"."""


class CallError(Exception):
    """The server refused a call.

    Attributes:
        status: of the HTTP answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Holdings:
    """What a process holds."""

    descriptors: int
    threads: int
    rss_bytes: int


@dataclass(slots=True)
class Party:
    """A running server."""

    process: "subprocess.Popen[bytes]"
    log: Path
    """Its stderr."""
    data_dir: Path
    url: str = ""
    """The lobby's, without a slash at its end."""
    said: list[str] = field(default_factory=list)
    """Lines on stdout up to the ready line."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def complaints(self) -> list[str]:
        """Lines of its log that tell of something unforeseen."""
        return [line for line in self.log.read_text().splitlines() if _BAD.search(line)]

    def holdings(self) -> Holdings:
        """Read from proc(5)."""
        proc = Path(f"/proc/{self.pid}")
        rss_pages = int((proc / "statm").read_text().split()[1])
        descriptors, threads = len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir()))
        return Holdings(descriptors, threads, rss_pages * os.sysconf("SC_PAGE_SIZE"))

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """One call of the REST API; its decoded answer, None for an empty one. Raises CallError."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                answer = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise CallError(error.code) from None
        return json.loads(answer) if answer else None

    def room(self, name: str = "a test", capacity: int = 64, **more: object) -> str:
        """Make a room; its code."""
        return str(self.call("POST", "/rooms", {"name": name, "capacity": capacity, **more})["room"]["code"])

    def metric(self, name: str, **labels: str) -> float:
        """Sum of a metric's samples that have these labels; 0 when there are none."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as response:
            text = response.read().decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """End it; (exit code, seconds that it took)."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(STOP_TIMEOUT_S), time.monotonic() - began


def command(*options: str) -> list[str]:
    """The command line of `soiree party` on loopback, on any port."""
    return [sys.executable, "-m", "party", "party", "--host", "127.0.0.1", "--port", "0", *options]


@contextmanager
def party(
    engine: str, folder: Path, *options: str, env: Mapping[str, str] = ROOMY, before: tuple[str, ...] = ()
) -> Iterator[Party]:
    """Run a server until the block ends.

    Args:
        engine: WebRTC stack, or "none".
        folder: takes its data and its log.
        options: a later `--host` or `--port` wins.
        env: beside this process's own.
        before: what to put before the command, as to run it in a namespace.
    """
    log = folder / "stderr"
    data_dir = folder / "data"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOIREE_DATA_DIR": str(data_dir), **env}
    with log.open("ab") as stderr:
        process = subprocess.Popen(
            [*before, *command("--engine", engine, *options)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=folder,
            env=environment,
        )
    started = Party(process, log, data_dir)
    try:
        _await_ready(started)
        yield started
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _await_ready(started: Party) -> None:
    assert started.process.stdout is not None
    killer_at = time.monotonic() + START_TIMEOUT_S
    for raw in started.process.stdout:
        line = raw.decode().rstrip()
        started.said.append(line)
        if line.startswith(READY):
            started.url = line.removeprefix(READY).rstrip("/")
            return
        assert time.monotonic() < killer_at, "the server takes too long to start"
    raise AssertionError(f"the server ended before it was ready: {started.log.read_text()}")


@contextmanager
def parties(folder_of: Callable[[str], Path]) -> Iterator[PartyOf]:
    """Servers in processes of their own, each started when it is first asked for. Raises AssertionError when one ends before the block."""
    running: dict[str, Party] = {}
    with ExitStack() as stack:

        def of(engine: str) -> Party:
            if engine not in running:
                running[engine] = stack.enter_context(party(engine, folder_of(engine)))
            return running[engine]

        yield of
        for engine, server in running.items():
            assert server.process.poll() is None, f"the server with {engine} ended: {server.log.read_text()}"


@contextmanager
def blameless(of: PartyOf) -> Iterator[PartyOf]:
    """The same servers. Raises AssertionError when one that was asked for in the block has complained in its log meanwhile."""
    before: dict[Path, tuple[Party, int]] = {}

    def watched(engine: str) -> Party:
        server = of(engine)
        before.setdefault(server.log, (server, len(server.complaints())))
        return server

    yield watched
    for server, count in before.values():
        assert server.complaints()[count:] == []
