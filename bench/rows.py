"""Pure core: rows of the relay job's table."""

import statistics
from collections.abc import Sequence
from typing import Final

import msgspec

from bench.load.report import LoadReport

SATURATED: Final = 0.9
"""Share of its core above which the load itself may be what is slow."""


class Latency(msgspec.Struct, frozen=True):
    """From sending an update to its arrival, milliseconds; None when nothing arrived."""

    p50: float | None
    p99: float | None


class Row(msgspec.Struct, frozen=True):
    """One stack with one number of clients."""

    stack: str
    clients: int
    serve_hz: int
    cpu_us_per_delivered_update: float | None
    """Time of all the server's threads; None when nothing was delivered."""
    bytes_per_delivered_update: float | None
    """Bytes of all messages that came down, without headers of their transport, over updates delivered."""
    loopback_bytes_per_delivered_update: float | None
    """Bytes of all packets, up and down, headers included: true only while nothing else uses the loopback interface."""
    delivered_ratio: float
    """Of the updates that were sent, each to each other client."""
    latency_ms: Latency
    server_cpu: float
    """Share of its core."""
    load_cpu: float
    """Share of its core that the clients took."""
    rss_mb: float
    """The server's resident memory at the end."""
    saturated: bool
    """Whether the clients took so much of their core that they may be what is slow."""


def row(stack: str, clients: int, serve_hz: int, report: LoadReport) -> Row:
    """The row for what the load told."""

    def per_update(amount: float) -> float | None:
        return amount / report.delivered if report.delivered else None

    load_cpu = report.load_cpu_s / report.seconds
    return Row(
        stack=stack,
        clients=clients,
        serve_hz=serve_hz,
        cpu_us_per_delivered_update=per_update(1e6 * report.server_cpu_s),
        bytes_per_delivered_update=per_update(report.payload_bytes),
        loopback_bytes_per_delivered_update=per_update(report.loopback_bytes),
        delivered_ratio=report.delivered / report.expected if report.expected else 0.0,
        latency_ms=Latency(report.p50_ms, report.p99_ms),
        server_cpu=report.server_cpu_s / report.seconds,
        load_cpu=load_cpu,
        rss_mb=report.server_rss_bytes / 1e6,
        saturated=load_cpu > SATURATED,
    )


def median(rows: Sequence[Row]) -> Row:
    """Of several runs of the same, the one whose CPU time per update is in the middle (the lower of two)."""

    def cost(row: Row) -> float:
        return float("inf") if row.cpu_us_per_delivered_update is None else row.cpu_us_per_delivered_update

    middle = statistics.median_low([cost(row) for row in rows])
    return next(row for row in rows if cost(row) == middle)
