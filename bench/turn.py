"""`soiree bench turn`: what relaying a packet costs, beside coturn."""

import asyncio
import os
import secrets
import socket
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bench.contest import Cores
from bench.errors import BenchError
from bench.figures import Place, markdown, write
from bench.turn_client import CHANNEL, TurnClient
from bench.turn_servers import SERVERS, await_answer, free_port
from bench.usage import usage_of
from turn.values import Endpoint

BURST_S = 0.001
DRAIN_S = 0.5
COLUMNS = ("server", "allocations", "packets/s", "µs/packet", "lost %", "CPU %", "MB")


class TurnRow(msgspec.Struct, frozen=True):
    """One server under one load."""

    server: str
    allocations: int
    packets_per_s: float
    """Relayed, both ways together."""
    cpu_us_per_packet: float
    lost_ratio: float
    server_cpu: float
    """Share of a core."""
    rss_mb: float


@dataclass(frozen=True, slots=True)
class Load:
    """What the server is asked to do: so many clients each send so many packets a second to a peer that sends them back."""

    clients: int
    rate_hz: float
    seconds: float
    payload_bytes: int


async def measure(name: str, load: Load, cores: Cores) -> TurnRow:
    """Run a server and its load. Raises BenchError."""
    port, secret = free_port(), secrets.token_hex(16)
    async with SERVERS[name](port, secret, cores.server) as (pid, _):
        return await asyncio.to_thread(_drive, name, pid, ("127.0.0.1", port), secret, load, cores)


def _drive(name: str, pid: int, server: Endpoint, secret: str, load: Load, cores: Cores) -> TurnRow:
    if cores.load is not None:
        os.sched_setaffinity(0, {cores.load})  # this thread
    await_answer(server)
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    peer.bind(("127.0.0.1", 0))
    peer.setblocking(False)
    clients = [TurnClient(server, secret, number) for number in range(load.clients)]
    try:
        for client in clients:
            client.bind(peer.getsockname())
        return _measure(name, pid, clients, peer, load)
    finally:
        for client in clients:
            client.socket.close()
        peer.close()


def _measure(name: str, pid: int, clients: list[TurnClient], peer: socket.socket, load: Load) -> TurnRow:
    frame = CHANNEL.to_bytes(2) + load.payload_bytes.to_bytes(2) + bytes(load.payload_bytes)
    spacing_s = 1 / (load.rate_hz * load.clients)
    before, begun = usage_of(pid), time.monotonic()
    sent = echoed = back = 0
    while (now := time.monotonic()) < begun + load.seconds + DRAIN_S:
        due = min(int((now - begun) / spacing_s), int(load.seconds / spacing_s))
        while sent < due:
            clients[sent % load.clients].socket.send(frame)
            sent += 1
        echoed += _echo(peer)
        back += sum(map(_take, clients))
        time.sleep(BURST_S)
    after, elapsed_s = usage_of(pid), time.monotonic() - begun
    relayed = echoed + back
    if not relayed:
        raise BenchError(f"{name} relayed nothing")
    return TurnRow(
        server=name,
        allocations=load.clients,
        packets_per_s=relayed / load.seconds,
        cpu_us_per_packet=1e6 * (after.cpu_s - before.cpu_s) / relayed,
        lost_ratio=1 - back / sent,
        server_cpu=(after.cpu_s - before.cpu_s) / elapsed_s,
        rss_mb=after.rss_bytes / 1e6,
    )


def _echo(peer: socket.socket) -> int:
    count = 0
    while True:
        try:
            data, address = peer.recvfrom(2048)
        except BlockingIOError:
            return count
        peer.sendto(data, address)
        count += 1


def _take(client: TurnClient) -> int:
    count = 0
    while True:
        try:
            client.socket.recv(2048)
        except OSError:
            return count
        count += 1


def cells(row: TurnRow) -> list[str]:
    """The cells of `COLUMNS`."""
    return [
        row.server,
        str(row.allocations),
        f"{row.packets_per_s:,.0f}",
        f"{row.cpu_us_per_packet:.1f}",
        f"{100 * row.lost_ratio:.2f}",
        f"{100 * row.server_cpu:.0f}",
        f"{row.rss_mb:.0f}",
    ]


@click.command("turn")
@click.option("--clients", type=click.IntRange(1, 1000), default=10, show_default=True, help="Allocations.")
@click.option(
    "--hz", type=click.FloatRange(1, 2000), default=400, show_default=True, help="Packets of each client a second."
)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 600), default=5, show_default=True, help="How long it is measured."
)
@click.option(
    "--bytes", "payload", type=click.IntRange(1, 1200), default=200, show_default=True, help="Of each packet."
)
@click.option(
    "--repeat",
    type=click.IntRange(1, 25),
    default=3,
    show_default=True,
    help="Measure so often, in turns; medians are shown.",
)
@click.option("--alone", is_flag=True, help="Without coturn.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option("--into", type=Place(), help="Put the table between the marks of that NAME in a document.")
def turn(
    clients: int,
    hz: float,
    seconds: float,
    payload: int,
    repeat: int,
    alone: bool,
    as_json: bool,
    into: tuple[Path, str] | None,
) -> None:
    """Measure what relaying costs: clients send channel data by UDP to a peer that sends it back. Server and load have a core each."""
    load, cores = Load(clients, hz, seconds, payload), Cores.of_this_machine()
    names = ["soiree"] if alone else list(SERVERS)
    try:
        found = [asyncio.run(measure(name, load, cores)) for _ in range(repeat) for name in names]
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    rows = [_median([row for row in found if row.server == name]) for name in names]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        table = Table(*COLUMNS, title=f"Channel data of {payload} bytes, there and back", box=None)
        for row in rows:
            table.add_row(*cells(row))
        Console().print(table)
    if into is not None:
        command = f"soiree bench turn --clients {clients} --hz {hz:g} --seconds {seconds:g} --bytes {payload} --repeat {repeat}"
        write(into, command, markdown(COLUMNS, [cells(row) for row in rows]))


def _median(rows: list[TurnRow]) -> TurnRow:
    middle = statistics.median_low(row.cpu_us_per_packet for row in rows)
    return next(row for row in rows if row.cpu_us_per_packet == middle)
