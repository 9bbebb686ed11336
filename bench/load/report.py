"""What the load tells of a run."""

import msgspec


class LoadReport(msgspec.Struct, frozen=True):
    """One room on one server, seen from its clients."""

    seconds: float
    """How long it was measured."""
    expected: int
    """Updates that were sent while it was measured, once to each other client."""
    delivered: int
    """Of these, those that came."""
    repeated: int
    """Arrivals of what had come before."""
    p50_ms: float | None
    """Latency from sending to arriving."""
    p99_ms: float | None
    payload_bytes: int
    """Bytes of messages that came down while it was measured, without the headers of their transport."""
    payloads: int
    loopback_bytes: int
    """Bytes of all packets on the loopback interface, whoever sent them, up and down."""
    server_cpu_s: float
    load_cpu_s: float
    server_rss_bytes: int
    """At the end."""


class Told(msgspec.Struct, frozen=True, tag_field="told", tag="stage"):
    """A line on stdout: what the load does now."""

    words: str


class Done(msgspec.Struct, frozen=True, tag_field="told", tag="report"):
    """A line on stdout: what came of it."""

    report: LoadReport


class Failed(msgspec.Struct, frozen=True, tag_field="told", tag="failed"):
    """A line on stdout: it could not be done."""

    words: str


Line = Told | Done | Failed
