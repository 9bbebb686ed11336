"""`soiree bench room`: the room job on each transport and engine."""

import asyncio
from importlib.util import find_spec

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bench.errors import BenchError
from bench.room_job import Job, Outcome, run

COLUMNS = (
    "bots",
    "joined",
    "join p50/p99 ms",
    "latency p50/p99 ms",
    "kbit/s down",
    "server CPU %",
    "µs/update",
    "RSS MB",
    "targets",
)


def jobs(bots: int | None) -> list[Job]:
    """The jobs that this Python can run, with `bots` in each, or else with the number that its target names."""
    rtc = [("libdatachannel", 50)] if find_spec("libdatachannel") else []
    rtc += [("aiortc", 20)]
    over_rtc = [Job("webrtc", engine, bots or count) for engine, count in rtc]
    return [*over_rtc, Job("websocket", rtc[0][0], bots or 50)]


def _pair(p50: float | None, p99: float | None) -> str:
    return " / ".join("–" if value is None else f"{value:.1f}" for value in (p50, p99))


def row(outcome: Outcome) -> list[str]:
    """The cells of `COLUMNS`."""
    report = outcome.report
    return [
        outcome.job,
        f"{report.joined}/{report.joined + report.failed}",
        _pair(report.join_ms.p50, report.join_ms.p99),
        _pair(report.latency_ms.p50, report.latency_ms.p99),
        f"{report.kbit_s_down_per_client:.0f}",
        f"{outcome.server_cpu_percent:.0f}",
        f"{outcome.server_us_per_update:.1f}",
        f"{outcome.server_rss_mb:.0f}",
        ", ".join(outcome.shortfalls) or "met",
    ]


def _show(outcomes: list[Outcome]) -> None:
    table = Table(*COLUMNS, title="Bots in one room at 20 Hz, all see all")
    for outcome in outcomes:
        table.add_row(*row(outcome))
    Console().print(table)


@click.command("room")
@click.option(
    "--seconds",
    default=60,
    show_default=True,
    type=click.IntRange(1, 3600),
    help="How long the bots wander in each job.",
)
@click.option(
    "--bots", type=click.IntRange(2, 500), help="Bots in each job; by default the number that its target names."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
def room(seconds: int, bots: int | None, as_json: bool) -> None:
    """Measure the room job: server and bots on this machine, one transport after the other."""
    try:
        outcomes = [asyncio.run(run(job, seconds)) for job in jobs(bots)]
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(msgspec.json.encode(outcomes).decode())
    else:
        _show(outcomes)
