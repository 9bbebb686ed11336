"""`soiree bots`: fill a room, and say what it did to the guests."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self, TypeVar, cast

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from party.bots import crowd as cr
from party.bots.report import Report
from soiree.client.errors import JoinError, SoireeError
from soiree.client.ladder import Choice

T = TypeVar("T")
SHOWN_DIFFERENCES = 5
ADVICE = {
    "unknown-room": "Leave out --room to have one made, or give the code of one that is open.",
    "room-full": "Give --room another one, or leave it out to have one made.",
    "wrong-password": "Give it with --password.",
}
"""What to do when nobody could join, by the error's code."""
MARKS = {"min": "least", "p5": "5th percentile", "p50": "median", "p99": "99th percentile", "max": "most"}
"""Of distributions, in words."""
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


@click.command()
@click.option(
    "--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the party, or an invite link."
)
@click.option("--room", help="Code of the room; without it one is made.")
@click.option("--count", type=click.IntRange(1, 500), default=10, show_default=True, help="How many bots.")
@click.option(
    "--hz", type=click.FloatRange(1, 60), default=20.0, show_default=True, help="How often each sends, a second."
)
@click.option("--seconds", type=click.FloatRange(1, 86400), default=30.0, show_default=True, help="How long they play.")
@click.option(
    "--scenario", type=click.Choice(["wander", "ball", "city", "vr"]), default="wander", show_default=True,
    help="wander: they walk about; ball: they also grab, throw and hand on balls; city: they drive round blocks, "
    "in and out of sight of each other, and ride with each other; vr: they stand in groups in a hall, moving head and hands.",
)  # fmt: skip
@click.option("--transport", type=click.Choice(["auto", "webrtc", "websocket"]), default="auto", show_default=True)
@click.option("--engine", type=click.Choice(["auto", "libdatachannel", "aiortc"]), default="auto", show_default=True)
@click.option("--password", help="Of the room, if it has one.")
@click.option(
    "--budget-kbit-s", type=click.IntRange(0, 1_000_000), default=0, show_default=True,
    help="With vr: what each asks to be sent at most, headers included; 0: the relay adapts.",
)  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Of what they do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def bots(
    url: str, room: str | None, count: int, hz: float, seconds: float, scenario: str, transport: str, engine: str,
    password: str | None, budget_kbit_s: int, seed: int, as_json: bool,
) -> None:  # fmt: skip
    """Fill a room with bots, measure latency and loss, and check that all end with the same view.

    The exit code is 0 only if all joined, no control message was lost and all views agreed.
    """
    config = cr.CrowdConfig(
        url, room, count, hz, seconds, scenario, cast(Choice, transport), engine, password, seed, budget_kbit_s
    )
    console = Console(stderr=True)
    bar = None if as_json else _Bar(console)
    try:
        with cast("AbstractContextManager[Any]", bar or nullcontext()):
            report, crowd = _run(_play(config, bar))
    except JoinError as error:
        raise click.ClickException(f"{error.message} ({error.code})") from error
    except KeyboardInterrupt:
        console.print("stopped: the bots have left")
        sys.exit(INTERRUPTED)
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    elif crowd.kept_out is not None and not report.joined:
        raise click.ClickException(_kept_out(crowd.kept_out))
    else:
        _show(report, Console())
    for difference in crowd.differences[:SHOWN_DIFFERENCES]:
        click.echo(difference.words, err=True)
    if report.saturated:
        click.echo(
            f"The bots themselves were saturated ({report.cpu_share:.0%} of a core): give them another machine or core.",
            err=True,
        )
    sys.exit(0 if report.sound else 1)


async def _play(config: cr.CrowdConfig, bar: "_Bar | None") -> tuple[Report, cr.Crowd]:
    crowd = cr.Crowd(config, bar or (lambda _: None))
    return await crowd.run(), crowd


def _kept_out(error: SoireeError) -> str:
    """Why nobody came in, and what to do about it."""
    advice = ADVICE.get(error.code)
    return f"{error} {advice}" if advice else str(error)


def _run(main: Coroutine[Any, Any, T]) -> T:
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)


class _Bar:
    """A progress bar, one line for each stage."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description:>9}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, progress: cr.Progress) -> None:
        if progress.stage not in self._tasks:
            for task in self._tasks.values():
                self._progress.update(task, completed=self._progress.tasks[task].total)
            self._tasks[progress.stage] = self._progress.add_task(progress.stage, total=progress.total)
        self._progress.update(self._tasks[progress.stage], completed=progress.done)


def _show(report: Report, console: Console) -> None:
    table = Table(show_header=False, box=None)
    for name, value in report.as_dict().items():
        table.add_row(name.replace("_", " "), _in_words(value))
    console.print(table)


def _in_words(value: Any) -> str:
    if not isinstance(value, dict):
        return "unknown" if value is None else str(value)
    if value and value.keys() <= MARKS.keys():
        return ", ".join(f"{MARKS[mark]} {each}" for mark, each in value.items())
    return ", ".join(f"{key}: {count}" for key, count in value.items()) or "none"
