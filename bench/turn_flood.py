"""`soiree bench turn-flood`: what honest clients of a TURN server notice of a flood, and the same with coturn."""

import asyncio
import os
import secrets
import selectors
import socket
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from bench.contest import Cores
from bench.errors import BenchError
from bench.figures import Place, markdown, write
from bench.room_job import Percentiles
from bench.turn_client import TurnClient
from bench.turn_servers import SERVERS, await_answer, free_port
from turn.values import Endpoint

CLIENTS = 10
"""Honest ones, over each of UDP and TCP."""
HZ = 20.0
PAYLOAD_BYTES = 200
DRAIN_S = 0.5
SENT = struct.Struct("!d")
COLUMNS = ("server", "flood a second", "transport", "sent", "lost", "p50 ms", "p99 ms")


class FloodRow(msgspec.Struct, frozen=True):
    """What the clients of one transport got."""

    server: str
    flood_hz: float
    transport: str
    sent: int
    lost: int
    latency_ms: Percentiles
    """To the peer and back, twice through the server."""


async def measure(name: str, flood_hz: float, seconds: float, cores: Cores) -> list[FloodRow]:
    """The clients of one server, a quarter of the time in peace, then under the flood. Raises BenchError."""
    port, secret = free_port(), secrets.token_hex(16)
    async with SERVERS[name](port, secret, cores.server):
        server = ("127.0.0.1", port)
        return await asyncio.to_thread(_drive, name, server, secret, flood_hz, seconds, cores)


def _drive(name: str, server: Endpoint, secret: str, flood_hz: float, seconds: float, cores: Cores) -> list[FloodRow]:
    if cores.load is not None:
        os.sched_setaffinity(0, {cores.load})  # this thread, and the flooder, which is born of it
    await_answer(server)
    with ExitStack() as stack:
        peer = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        clients = []
        for number in range(2 * CLIENTS):
            client = TurnClient(server, secret, number, tcp=number >= CLIENTS)
            stack.enter_context(client.socket)
            client.bind(peer.getsockname())
            clients.append(client)
        peace = _Honest(clients, peer).run(seconds / 4)
        words = [sys.executable, "-m", "bench.flooder", *map(str, (*server, flood_hz, seconds + DRAIN_S))]
        with subprocess.Popen(
            words, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}, text=True, stdout=subprocess.PIPE
        ) as flooder:
            war = _Honest(clients, peer).run(seconds)
            told, _ = flooder.communicate(timeout=30)
        if flooder.returncode != 0:
            raise BenchError("the flood did not run to its end")
        reached_hz = int(told) / (seconds + DRAIN_S)
    return [*peace.rows(name, 0), *war.rows(name, reached_hz)]


class _Honest:
    """Clients that send at their rate, a peer that sends back, and how long it took."""

    def __init__(self, clients: list[TurnClient], peer: socket.socket) -> None:
        self._clients, self._peer = clients, peer
        self._sent = [0] * len(clients)
        self._times: list[list[float]] = [[] for _ in clients]

    def run(self, seconds: float) -> "_Honest":
        spacing_s, begun, count = 1 / (HZ * len(self._clients)), time.monotonic(), 0
        with selectors.DefaultSelector() as selector:
            selector.register(self._peer, selectors.EVENT_READ, None)
            for number, client in enumerate(self._clients):
                selector.register(client.socket, selectors.EVENT_READ, number)
            while (now := time.monotonic()) < begun + seconds + DRAIN_S:
                while count * spacing_s < min(now - begun, seconds):
                    self._send(count % len(self._clients))
                    count += 1
                for key, _ in selector.select(max(0.0, begun + count * spacing_s - now)):
                    self._echo() if key.data is None else self._take(key.data)
        return self

    def _send(self, number: int) -> None:
        self._clients[number].send(SENT.pack(time.monotonic()).ljust(PAYLOAD_BYTES, b"\0"))
        self._sent[number] += 1

    def _echo(self) -> None:
        while True:
            try:
                data, address = self._peer.recvfrom(2048)
            except BlockingIOError:
                return
            self._peer.sendto(data, address)

    def _take(self, number: int) -> None:
        now = time.monotonic()
        for payload in self._clients[number].take():
            self._times[number].append(1000 * (now - SENT.unpack_from(payload)[0]))

    def rows(self, server: str, flood_hz: float) -> list[FloodRow]:
        """One of each transport."""
        made = []
        for transport, which in (("udp", slice(CLIENTS)), ("tcp", slice(CLIENTS, None))):
            sent, times = sum(self._sent[which]), [took for times in self._times[which] for took in times]
            p50, p99 = np.percentile(times, [50, 99]).tolist() if times else (None, None)
            made.append(FloodRow(server, flood_hz, transport, sent, sent - len(times), Percentiles(p50, p99)))
        return made


def cells(row: FloodRow) -> list[str]:
    """The cells of `COLUMNS`."""
    return [
        row.server,
        f"{row.flood_hz:,.0f}",
        row.transport.upper(),
        f"{row.sent:,}",
        str(row.lost),
        *("—" if value is None else f"{value:.2f}" for value in (row.latency_ms.p50, row.latency_ms.p99)),
    ]


@click.command("turn-flood")
@click.option(
    "--hz",
    type=click.FloatRange(100, 100_000),
    default=10_000,
    show_default=True,
    help="Datagrams of the flood a second; 1 % as many TCP connections.",
)
@click.option(
    "--seconds", type=click.FloatRange(1, 600), default=60, show_default=True, help="How long the flood lasts."
)
@click.option("--alone", is_flag=True, help="Without coturn.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option("--into", type=Place(), help="Put the table between the marks of that NAME in a document.")
def turn_flood(hz: float, seconds: float, alone: bool, as_json: bool, into: tuple[Path, str] | None) -> None:
    """Flood a TURN server with garbage, Allocate requests without credentials, channel data of nobody's and oversized TCP frames, while
    honest clients send 20 packets a second to a peer and back. Server and all others have a core each."""
    names = ["soiree"] if alone else list(SERVERS)
    try:
        rows = [row for name in names for row in asyncio.run(measure(name, hz, seconds, Cores.of_this_machine()))]
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        table = Table(*COLUMNS, title="Honest clients in peace, and under a flood", box=None)
        for row in rows:
            table.add_row(*cells(row))
        Console().print(table)
    if into is not None:
        write(
            into,
            f"soiree bench turn-flood --hz {hz:g} --seconds {seconds:g}",
            markdown(COLUMNS, [cells(row) for row in rows]),
        )
