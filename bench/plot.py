"""Curves of the relay job."""

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from bench.rows import Row
from bench.stacks import STACKS

SIZE_INCHES = (12.0, 5.0)
DPI = 110
MARKERS = "osD^v<>P"
Value = Callable[[Row], float | None]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw CPU time per delivered update, and latency, against clients into a PNG; both axes are logarithmic.

    Open markers are rows whose load was saturated.
    """
    figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
    cpu, latency = figure.subplots(1, 2)
    _curves(cpu, rows, lambda row: row.cpu_us_per_delivered_update, "server CPU per delivered update, µs")
    _curves(latency, rows, lambda row: row.latency_ms.p99, "latency, 99th percentile, ms")
    figure.legend(*cpu.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, format="png")


def _curves(axes: Axes, rows: Sequence[Row], value: Value, title: str) -> None:
    colours = mpl.colormaps["tab10"]
    for at, stack in enumerate(STACKS):
        points = [(row.clients, y, row.saturated) for row in rows if row.stack == stack.name and (y := value(row))]
        if not points:
            continue
        points.sort()
        x, heights = [point[0] for point in points], [point[1] for point in points]
        colour, marker, line = colours(at), MARKERS[at], "-" if stack.ours else "--"
        axes.plot(x, heights, line, color=colour, marker=marker, label=stack.name, linewidth=2 if stack.ours else 1.2)
        full = [(clients, height) for clients, height, was in points if was]
        axes.plot([c for c, _ in full], [h for _, h in full], marker, color=colour, markerfacecolor="white")
    axes.set(xscale="log", yscale="log", xlabel="clients in the room", title=title)
    clients = sorted({row.clients for row in rows})
    axes.set_xticks(clients, [str(count) for count in clients])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.grid(visible=True, which="both", alpha=0.25)
