"""The room job judges what the bots report, and says what was missed."""

from importlib.util import find_spec

import msgspec
import pytest

from bench.errors import BotsError
from bench.room import COLUMNS, jobs, row
from bench.room_job import BotsReport, Job, Outcome, Percentiles, _run_bots, bots_command, shortfalls

GOOD = BotsReport(
    joined=50,
    failed=0,
    join_ms=Percentiles(12.0, 40.0),
    updates_sent=60_000,
    updates_received=2_900_000,
    latency_ms=Percentiles(9.0, 31.0),
    kbit_s_down_per_client=170.0,
    control_lost=0,
    converged=True,
    rung={"direct": 50},
)


def test_a_run_that_reached_every_target_has_no_shortfall() -> None:
    assert shortfalls(50, GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"joined": 48, "failed": 2}, "2 did not join"),
        ({"control_lost": 3}, "3 control messages lost"),
        ({"converged": False}, "not converged"),
        ({"latency_ms": Percentiles(9.0, 50.1)}, "p99 over 50 ms"),
        ({"latency_ms": Percentiles(None, None)}, "p99 over 50 ms"),
    ],
)
def test_each_target_that_was_missed_is_named(change: dict[str, object], words: str) -> None:
    assert shortfalls(50, msgspec.structs.replace(GOOD, **change)) == [words]


def test_every_transport_that_this_python_has_gets_a_job() -> None:
    names = [job.name for job in jobs(None)]
    libdatachannel = ["50 over libdatachannel"] if find_spec("libdatachannel") else []
    assert names == [*libdatachannel, "20 over aiortc", "50 over websocket"]
    assert {job.count for job in jobs(7)} == {7}


def test_only_webrtc_bots_are_told_an_engine() -> None:
    assert bots_command(Job("webrtc", "aiortc", 2), "http://localhost", "r", 5)[-2:] == ["--engine", "aiortc"]
    assert "--engine" not in bots_command(Job("websocket", "aiortc", 2), "http://localhost", "r", 5)


def test_a_row_has_a_cell_for_each_column() -> None:
    outcome = Outcome("50 over aiortc", GOOD, 44.0, 5.5, 120.0, [])
    cells = row(outcome)
    assert len(cells) == len(COLUMNS)
    assert cells[1] == "50/50"
    assert cells[-1] == "met"


@pytest.mark.parametrize("printed", ["", "not json", '{"joined": 1}'])
async def test_bots_that_print_no_report_are_an_error(printed: str) -> None:
    with pytest.raises(BotsError, match="code 0 and no report"):
        await _run_bots(["printf", "%s", printed])


async def test_the_report_that_bots_print_is_read() -> None:
    assert await _run_bots(["printf", "%s", msgspec.json.encode(GOOD).decode()]) == GOOD
