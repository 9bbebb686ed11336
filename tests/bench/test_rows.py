"""A row is what the load told, divided as its heading says."""

import msgspec
import pytest

from bench.load.report import LoadReport
from bench.rows import median, row

REPORT = LoadReport(
    seconds=4.0,
    expected=1000,
    delivered=800,
    repeated=0,
    p50_ms=12.0,
    p99_ms=30.0,
    payload_bytes=16_000,
    payloads=100,
    loopback_bytes=24_000,
    server_cpu_s=0.4,
    load_cpu_s=0.8,
    server_rss_bytes=90_000_000,
)


def test_the_arithmetic() -> None:
    made = row("ws-batch", 5, 20, REPORT)
    assert made.cpu_us_per_delivered_update == pytest.approx(500.0)
    assert made.bytes_per_delivered_update == pytest.approx(20.0)
    assert made.loopback_bytes_per_delivered_update == pytest.approx(30.0)
    assert made.delivered_ratio == pytest.approx(0.8)
    assert (made.server_cpu, made.load_cpu) == pytest.approx((0.1, 0.2))
    assert (made.rss_mb, made.saturated) == (90.0, False)


def test_a_load_that_filled_its_core_is_told() -> None:
    assert row("ws-batch", 5, 20, msgspec.structs.replace(REPORT, load_cpu_s=3.7)).saturated


def test_nothing_delivered_is_no_number() -> None:
    made = row("ws-batch", 5, 20, msgspec.structs.replace(REPORT, delivered=0, expected=0, p50_ms=None, p99_ms=None))
    assert made.cpu_us_per_delivered_update is None
    assert made.delivered_ratio == 0.0
    assert b'"p50":null' in msgspec.json.encode(made)


def test_the_run_in_the_middle_stands_for_all() -> None:
    rows = [row("ws-batch", 5, 20, msgspec.structs.replace(REPORT, server_cpu_s=cpu_s)) for cpu_s in (0.9, 0.4, 0.5)]
    rows.append(row("ws-batch", 5, 20, msgspec.structs.replace(REPORT, delivered=0)))
    assert median(rows) is rows[2]
