"""`soiree bench link`: the relay's core on simulated links: how soon views are right on lossy ones, and what narrow ones carry."""

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bench import narrow_link, rest_to_correct
from bench.narrow_link import BANDS_M, NarrowJob, Stage
from bench.rest_to_correct import LossJob, LossOutcome, Spread


def _show_loss(outcome: LossOutcome) -> None:
    table = Table(
        "", "p50 ms", "p99 ms", "max ms", title=f"{outcome.trials} things came to rest, {outcome.views} views"
    )

    def row(name: str, spread: Spread) -> None:
        table.add_row(name, f"{spread.p50:.0f}", f"{spread.p99:.0f}", f"{spread.max:.0f}")

    row("from rest to correct", outcome.correct_ms)
    row("owner to relay", outcome.up_ms)
    row("relay to view", outcome.down_ms)
    Console().print(table)
    Console().print(f"wrong for ever: {outcome.never}; packets lost: {outcome.frames_lost:.1%}")


def _show_stages(stages: list[Stage]) -> None:
    bands = [f"Hz to {band:.0f} m" for band in BANDS_M]
    table = Table(
        "kbit/s", "used", "queue ms", "p95", "dropped", *bands, "B/update", title="A busy scene on narrow links"
    )
    for stage in stages:
        table.add_row(
            f"{stage.kbit_s:.0f}",
            f"{stage.used:.0%}",
            f"{stage.queue_ms_mean:.0f}",
            f"{stage.queue_ms_p95:.0f}",
            f"{stage.dropped:.1%}",
            *(f"{hz:.1f}" for hz in stage.hz),
            f"{stage.bytes_per_update:.1f}",
        )
    Console().print(table)


def _profile(_context: click.Context, _parameter: click.Parameter, words: str | None) -> tuple[float, ...]:
    if words is None:
        return ()
    try:
        return narrow_link.profile(words)
    except ValueError as error:
        raise click.BadParameter("capacities in kbit/s, such as 1024,128,1024") from error


@click.command()
@click.option("--loss", default=0.0, show_default=True, type=click.FloatRange(0, 0.9), help="Share lost, each way.")
@click.option("--burst-ms", default=0.0, show_default=True, type=click.FloatRange(0), help="Mean length of an outage.")
@click.option("--rtt-ms", default=50.0, show_default=True, type=click.FloatRange(0, 2000))
@click.option("--jitter-ms", default=5.0, show_default=True, type=click.FloatRange(0, 1000), help="At most, each way.")
@click.option("--serve-every", default=1, show_default=True, type=click.IntRange(1, 6), help="Ticks of 1/60 s.")
@click.option("--trials", default=10_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--kbit-s", type=click.FloatRange(8), help="Capacity of a narrow link, instead of trials.")
@click.option("--profile", callback=_profile, help="Capacities, one after the other: 1024,128,1024.")
@click.option("--stage-s", default=20.0, show_default=True, type=click.FloatRange(1, 3600), help="Of each capacity.")
@click.option(
    "--movers", default=200, show_default=True, type=click.IntRange(1, 4000), help="Of a narrow link's scene."
)
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")
def link(
    loss: float,
    burst_ms: float,
    rtt_ms: float,
    jitter_ms: float,
    serve_every: int,
    trials: int,
    kbit_s: float | None,
    profile: tuple[float, ...],
    stage_s: float,
    movers: int,
    seed: int,
    as_json: bool,
) -> None:
    """Simulate lossy links (how soon is every view right?) or narrow ones (how much is used, how long do packets queue?).

    The relay's real core, the Python client's sending side, simulated time: the same seed gives the same figures.
    """
    rtt_s, jitter_s, burst_s = rtt_ms / 1000, jitter_ms / 1000, burst_ms / 1000
    capacities = profile or ((kbit_s,) if kbit_s else ())
    outcome: LossOutcome | list[Stage]
    if capacities:
        outcome = narrow_link.run(
            NarrowJob(capacities, stage_s, movers, rtt_s, jitter_s, loss, burst_s, serve_every=serve_every, seed=seed)
        )
    else:
        outcome = rest_to_correct.run(
            LossJob(trials, loss, rtt_s, jitter_s, burst_s, serve_every=serve_every, seed=seed)
        )
    if as_json:
        click.echo(msgspec.json.encode(outcome).decode())
    elif isinstance(outcome, LossOutcome):
        _show_loss(outcome)
    else:
        _show_stages(outcome)
