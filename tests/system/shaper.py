"""A network namespace behind a shaped link: delay, jitter, loss and a bottleneck in both directions, changed at any time (needs root).

This kernel has no netem; so two TUN devices, one here and one in the namespace, are joined by a process of our own:
`python -m tests.system.shaper NAMESPACE DEVICE OUTSIDE INSIDE`. A line on its stdin is the conditions of the
two directions, into the namespace first, as JSON.
"""

import asyncio
import fcntl
import heapq
import itertools
import math
import os
import select
import struct
import subprocess
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from random import Random

import msgspec

from bench.simulated_link import Conditions, Link
from tests.system.namespace import IP
from tests.system.party_process import ROOT

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKETS_AT_ONCE = 64
UNDER_WAY = 20_000
"""Packets that the process holds at most; more are lost."""
IDLE_S = 0.2
UP_TIMEOUT_S = 10.0
_TURNS = itertools.count()


def _ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True)


def _tun(name: str) -> int:
    """Descriptor of a new device for IP packets."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


class Shaper:
    """The process: packets read from one device are written to the other when their time has come."""

    def __init__(self, outside: int, inside: int) -> None:
        random = Random(1)
        self.links = {outside: Link(Conditions(), random), inside: Link(Conditions(), random)}
        self._other = {outside: inside, inside: outside}
        self._under_way: list[tuple[float, int, int, bytes]] = []
        self._turns = itertools.count()

    def run(self) -> None:
        """Until stdin ends."""
        poll = select.epoll()
        stdin = sys.stdin.fileno()
        for descriptor in (*self.links, stdin):
            poll.register(descriptor, select.EPOLLIN)
        while True:
            self._deliver()
            ready = [descriptor for descriptor, _ in poll.poll(self._patience_s())]
            if stdin in ready:
                line = sys.stdin.readline()
                if not line:
                    return
                self._obey(line)
            for descriptor in ready:
                if descriptor in self.links:
                    self._read(descriptor)

    def _obey(self, line: str) -> None:
        both = msgspec.json.decode(line, type=tuple[Conditions, Conditions])
        for link, conditions in zip(self.links.values(), both, strict=True):
            link.conditions = conditions
        print("shaped", flush=True)

    def _patience_s(self) -> float:
        return max(0.0, self._under_way[0][0] - time.monotonic()) if self._under_way else IDLE_S

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            _, _, to, packet = heapq.heappop(self._under_way)
            try:
                os.write(to, packet)
            except BlockingIOError:
                continue  # its queue is full: lost, as on any other link

    def _read(self, descriptor: int) -> None:
        link = self.links[descriptor]
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet = os.read(descriptor, 65536)
            except BlockingIOError:
                return
            arrives = link.carry(len(packet), time.monotonic())
            link.waits.clear()
            if arrives is not None and len(self._under_way) < UNDER_WAY:
                heapq.heappush(self._under_way, (arrives, next(self._turns), self._other[descriptor], packet))


@dataclass(frozen=True, slots=True)
class Shaped:
    """A namespace and the link to it, perfect at first."""

    name: str
    outside: str
    """Address of this side."""
    inside: str
    _process: Process

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to put before a command to run it inside."""
        return (IP, "netns", "exec", self.name)

    async def shape(self, inwards: Conditions, outwards: Conditions) -> None:
        """From now on the two directions are like this, each for itself."""
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode((_said(inwards), _said(outwards))) + b"\n")
        await self._hear("shaped")

    async def _hear(self, word: str) -> None:
        assert self._process.stdout is not None
        async with asyncio.timeout(UP_TIMEOUT_S):
            line = await self._process.stdout.readline()
        assert line.decode().strip() == word, "the shaper has failed: are we root?"


def _said(conditions: Conditions) -> dict[str, float]:
    """JSON knows no infinity: what is not said is as in the best of links."""
    return {name: value for name, value in asdict(conditions).items() if math.isfinite(value)}


@asynccontextmanager
async def shaped() -> AsyncIterator[Shaped]:
    """Make a namespace behind a shaped link, and remove both after the block."""
    turn = next(_TURNS)
    number = (os.getpid() + turn) % 16384
    third, fourth = number // 64, number % 64 * 4
    name, device = f"soiree-shaped-{os.getpid()}-{turn}", f"sh{os.getpid()}-{turn}"
    outside, inside = f"10.214.{third}.{fourth + 1}", f"10.214.{third}.{fourth + 2}"
    _ip("netns", "add", name)
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.system.shaper", name, device, outside, inside,
            stdin=PIPE, stdout=PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        link = Shaped(name, outside, inside, process)
        try:
            await link._hear("up")
            yield link
        finally:
            assert process.stdin is not None
            process.stdin.close()
            async with asyncio.timeout(UP_TIMEOUT_S):
                await process.wait()
    finally:
        _ip("netns", "del", name)


def main(namespace: str, device: str, outside: str, inside: str) -> None:
    """The process. The devices vanish with it."""
    ends = _tun(device), _tun(f"{device}i")
    _ip("addr", "add", outside, "peer", inside, "dev", device)
    _ip("link", "set", device, "up", "txqueuelen", "5000")
    _ip("link", "set", f"{device}i", "netns", namespace)
    _ip("-n", namespace, "addr", "add", inside, "peer", outside, "dev", f"{device}i")
    _ip("-n", namespace, "link", "set", f"{device}i", "up", "txqueuelen", "5000")
    _ip("-n", namespace, "link", "set", "lo", "up")
    print("up", flush=True)
    Shaper(*ends).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
