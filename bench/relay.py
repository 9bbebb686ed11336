"""`soiree bench relay`: the same room on Soiree and on its peers, in one run."""

import asyncio
import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.contest import Cores, Job, measure
from bench.errors import BenchError
from bench.figures import Place, markdown, write
from bench.rows import Row, median
from bench.stacks import STACKS, Stack

COLUMNS = ("stack", "n", "µs", "B", "got %", "p50", "p99", "CPU %", "load %", "MB")
LEGEND = (
    "n clients; µs of the server's CPU time and bytes down for each update delivered; how many of all were; latency in ms; "
    "share of its core that the server, and the load took (! saturated: it may be what is slow); the server's memory"
)
MAX_CLIENTS = 400
"""As many as a walker's square metre and the rates of a join are made for."""
PEER_NAMES = [stack.name for stack in STACKS if not stack.ours]
OUR_NAMES = [stack.name for stack in STACKS if stack.ours]


class Names(click.ParamType[list[str]]):
    """A list of stacks, separated by commas; "none" for no one."""

    name = "list"

    def __init__(self, known: Sequence[str]) -> None:
        self._known = known

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        names = [] if value == "none" else [name.strip() for name in str(value).split(",")]
        for name in names:
            if name not in self._known:
                self.fail(f"{name!r} is none of {', '.join(self._known)}", param, ctx)
        return names


class Counts(click.ParamType[list[int]]):
    """Numbers of clients, separated by commas."""

    name = "list"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        if isinstance(value, list):
            return value
        counts = [int(text) if text.strip().isdigit() else 0 for text in str(value).split(",")]
        if not all(2 <= count <= MAX_CLIENTS for count in counts):
            self.fail(f"{value!r} is no list of numbers from 2 to {MAX_CLIENTS}", param, ctx)
        return counts


@click.command("relay")
@click.option(
    "--clients", type=Counts(), default="64", show_default=True, help="Clients in the room; several: 16,32,64."
)
@click.option(
    "--hz", type=click.FloatRange(1, 60), default=20, show_default=True, help="Updates of each client a second."
)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 300), default=8, show_default=True, help="How long each row is measured."
)
@click.option(
    "--warm-up",
    type=click.FloatRange(0, 60),
    default=3,
    show_default=True,
    help="How long all walk before they are measured: a big room finds its pace in some 8 s.",
)
@click.option(
    "--serve-hz",
    type=click.Choice(["60", "30", "20", "15", "12", "10"]),
    default="20",
    show_default=True,
    help="Frames to each client a second, of Soiree and of the peers that batch.",
)
@click.option("--peers", type=Names(PEER_NAMES), help="Which peers: a list, or none. [default: all]")
@click.option("--ours", type=Names(OUR_NAMES), help="Which of Soiree's rows: a list, or none. [default: all]")
@click.option(
    "--repeat",
    type=click.IntRange(1, 25),
    default=1,
    show_default=True,
    help="Measure so often, in turns, and show the run with the median CPU time.",
)
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw CPU time and latency against clients into this PNG.",
)
@click.option("--into", type=Place(), help="Put the table between the marks of that NAME in a document.")
def relay(
    clients: list[int],
    hz: float,
    seconds: float,
    warm_up: float,
    serve_hz: str,
    peers: list[str] | None,
    ours: list[str] | None,
    repeat: int,
    as_json: bool,
    plot: Path | None,
    into: tuple[Path, str] | None,
) -> None:
    """Measure a room in which everybody sees everybody and moves, on Soiree and on its peers.

    The server has one core, its clients another. A row that could not be measured is left out, and stderr says why.
    """
    draw = _drawing(plot)
    asked = set(OUR_NAMES if ours is None else ours) | set(PEER_NAMES if peers is None else peers)
    jobs = [Job(count, hz, seconds, int(serve_hz), warm_up) for count in clients]
    rows = asyncio.run(_measure([stack for stack in STACKS if stack.name in asked], jobs, repeat))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        _show(rows, jobs[0])
    if draw is not None:
        draw(rows)
    if not rows:
        raise click.ClickException("no row could be measured")
    if into is not None:
        write(into, _command(jobs, repeat), markdown(COLUMNS, [cells(row) for row in rows]))


def _command(jobs: Sequence[Job], repeat: int) -> str:
    """What was typed, as far as it tells what the figures mean."""
    counts, job = ",".join(str(job.clients) for job in jobs), jobs[0]
    times = f"--seconds {job.seconds:g} --warm-up {job.warm_up_s:g}"
    return f"soiree bench relay --clients {counts} --hz {job.hz:g} {times} --serve-hz {job.serve_hz} --repeat {repeat}"


def _drawing(plot: Path | None) -> Callable[[Sequence[Row]], None] | None:
    """What draws into `plot`, known to work before anything is measured."""
    if plot is None:
        return None
    try:
        from bench.plot import draw
    except ImportError:
        raise click.UsageError("--plot needs matplotlib: pip install 'soiree[bench]'") from None
    if not plot.absolute().parent.is_dir():
        raise click.UsageError(f"--plot: there is no folder {plot.absolute().parent}")
    return lambda rows: draw(rows, plot)


async def _measure(stacks: Sequence[Stack], jobs: Sequence[Job], repeat: int) -> list[Row]:
    """All rows, in the order of the jobs; stderr tells how far it is, and what was left out."""
    errors, cores = Console(stderr=True), Cores.of_this_machine()
    if cores.server is None:
        errors.print("Only one core: server and load share it, and what is measured says little.")
    possible = []
    for stack in stacks:
        if (missing := stack.missing()) is None:
            possible.append(stack)
        else:
            errors.print(f"{stack.name} is left out: {missing}", highlight=False)
    rows: list[Row] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        for job in jobs:
            rows += await _contest(possible, job, repeat, cores, progress)
    return rows


async def _contest(stacks: Sequence[Stack], job: Job, repeat: int, cores: Cores, progress: Progress) -> list[Row]:
    """One job by all, `repeat` times in turns."""
    found: dict[str, list[Row]] = {}
    for turn in range(repeat):
        for stack in stacks:
            title = f"{stack.name}, {job.clients} clients" + (f", {turn + 1} of {repeat}" if repeat > 1 else "")
            task = progress.add_task(title, total=None)
            say = functools.partial(_say, progress, task, title)
            try:
                row = await measure(stack, job, cores, say)
                found.setdefault(stack.name, []).append(row)
            except BenchError as error:
                progress.console.print(f"{title} is left out: {error}", highlight=False)
            progress.remove_task(task)
    return [median(rows) for rows in found.values()]


def _say(progress: Progress, task: TaskID, title: str, words: str) -> None:
    progress.update(task, description=f"{title}: {words}")


def cells(row: Row) -> list[str]:
    """The cells of `COLUMNS`."""

    def number(value: float | None, places: int) -> str:
        return "–" if value is None else f"{value:.{places}f}"

    return [
        row.stack,
        str(row.clients),
        number(row.cpu_us_per_delivered_update, 2),
        number(row.bytes_per_delivered_update, 1),
        f"{100 * row.delivered_ratio:.1f}",
        number(row.latency_ms.p50, 1),
        number(row.latency_ms.p99, 1),
        f"{100 * row.server_cpu:.0f}",
        f"{100 * row.load_cpu:.0f}" + ("!" if row.saturated else ""),
        f"{row.rss_mb:.0f}",
    ]


def _show(rows: Sequence[Row], job: Job) -> None:
    title = f"Avatars in one room at {job.hz:g} Hz, all see all, served at {job.serve_hz} Hz"
    table = Table(title=title, caption=LEGEND, box=None, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == COLUMNS[0] else "right", no_wrap=True)
    for row in rows:
        table.add_row(*cells(row))
    Console().print(table)
