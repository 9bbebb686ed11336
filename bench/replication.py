"""`replication`: what a tick of the relay's core costs in a city, without transports."""

import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bench.city import MOST_MOVING, Census, City
from bench.city_run import Report, Run, measure
from bench.figures import Place, markdown, write
from relay import compiled
from relay.audience import MAX_CLIENTS
from soiree.wire.limits import MAX_ENTITIES_PER_ROOM

COLUMNS: Final = (
    "entities",
    "clients",
    "tick ms p50 / p99",
    "× naive",
    "ingest µs/delta",
    "pack µs/client",
    "B/update",
    "updates/client s",
    "RSS MB",
)


class Numbers(click.ParamType[list[int]]):
    """Whole numbers, separated by commas."""

    name = "list"

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        numbers = [int(text) if text.strip().isdigit() else -1 for text in str(value).split(",")]
        if not all(self._least <= number <= self._most for number in numbers):
            self.fail(f"{value!r} is no list of numbers from {self._least} to {self._most}", param, ctx)
        return numbers


def cells(report: Report) -> list[str]:
    """The cells of `COLUMNS`."""
    return [
        f"{report.entities:,}",
        f"{report.clients:,}",
        f"{report.tick_ms.p50:.1f} / {report.tick_ms.p99:.1f}",
        f"{report.naive.ratio:.0f}" if report.naive is not None else "–",
        f"{report.ingest_us_per_delta:.2f}",
        f"{report.pack_us_per_client:.0f}",
        f"{report.bytes_per_update:.1f}",
        f"{report.updates_per_client_s:.0f}",
        f"{report.rss_mb:.0f}",
    ]


def _show(reports: list[Report]) -> None:
    for report in reports:
        table = Table("what", "is", title=f"{report.entities} entities, {report.clients} clients, {report.hz} Hz")
        for name, value in msgspec.structs.asdict(report).items():
            if isinstance(value, msgspec.Struct):
                value = msgspec.structs.asdict(value)
            if isinstance(value, dict):
                value = ", ".join(f"{key} {number:.3g}" for key, number in value.items())
            elif isinstance(value, float):
                value = f"{value:.4g}"
            if value is not None:
                table.add_row(name, str(value))
        Console().print(table)


def _elsewhere(options: list[str]) -> Report:
    """One city in a process of its own, so that its memory is its own too."""
    command = [sys.executable, "-m", "bench", "replication", "--json", *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise click.ClickException(f"{' '.join(command[1:])} ended with code {done.returncode}")
    return msgspec.json.decode(done.stdout, type=Report)


@click.command()
@click.option(
    "--entities",
    default="100000",
    show_default=True,
    type=Numbers(100, MAX_ENTITIES_PER_ROOM),
    help="In the city; several: 10000,100000.",
)
@click.option(
    "--clients", default="200", show_default=True, type=Numbers(1, MAX_CLIENTS), help="Who see it; several: 200,1000."
)
@click.option(
    "--moving",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0.001, MOST_MOVING),
    help="Share of the entities that say something new in each tick.",
)
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Of the city's time."
)
@click.option("--hz", default="20", show_default=True, type=click.Choice(["10", "12", "15", "20", "30", "60"]))
@click.option("--seed", default=1, show_default=True, help="Of the city.")
@click.option("--naive", is_flag=True, help="Measure a plain-Python reference in the same run.")
@click.option("--numpy", "pure", is_flag=True, help="Measure the core in NumPy, though it is compiled.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table; of several cities, a list.")
@click.option("--into", type=Place(), help="Put a table between the marks of that NAME in a document.")
def replication(
    entities: list[int],
    clients: list[int],
    moving: float,
    seconds: float,
    hz: str,
    seed: int,
    naive: bool,
    pure: bool,
    as_json: bool,
    into: tuple[Path, str] | None,
) -> None:
    """Measure a tick of the relay's core in a city: streets, vehicles with cabins and riders, people on foot.

    Every client has a vehicle of its own and looks from it. Frames go in and out of the core without any transport; the CPU time of
    the core alone is counted; a tick is one serve of all clients.
    """
    shared = ["--moving", f"{moving:g}", "--seconds", f"{seconds:g}", "--hz", hz, "--seed", str(seed)]
    shared += ["--naive"] * naive + ["--numpy"] * pure
    if not compiled.use(not pure) and not pure:
        click.echo(f"in NumPy, as the compiled core cannot be used: {compiled.why_not}", err=True)
    both = list(product(entities, clients))
    if len(both) == 1:
        try:
            city = City(Census.of(both[0][0], moving), both[0][1], seed=seed)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        reports = [measure(Run(city, int(hz)), int(hz), seconds, naive=naive)]
    else:
        reports = [_elsewhere(["--entities", str(e), "--clients", str(c), *shared]) for e, c in both]
    if as_json:
        click.echo(msgspec.json.encode(reports if len(reports) > 1 else reports[0]).decode())
    else:
        _show(reports)
    if into is not None:
        counts = [",".join(map(str, numbers)) for numbers in (entities, clients)]
        command = f"soiree bench replication --entities {counts[0]} --clients {counts[1]} {' '.join(shared)}"
        write(into, command, markdown(COLUMNS, [cells(report) for report in reports]))


if __name__ == "__main__":
    replication()
