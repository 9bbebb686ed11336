"""The relay job, for real and short: Soiree on each transport and two peers; and what the command says when it cannot."""

import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from bench import stacks
from bench.__main__ import COMMANDS, main
from bench.contest import Cores, Job, measure
from bench.errors import LoadError, ServerError
from bench.plot import draw
from bench.relay import COLUMNS, OUR_NAMES, PEER_NAMES, Counts, Names, cells
from bench.rows import Latency, Row
from bench.server import serving
from bench.stacks import STACKS, Stack

SHORT = Job(clients=4, hz=20, seconds=1.0, serve_hz=20, warm_up_s=0.5)
TRIED = ["soiree-libdatachannel", "soiree-aiortc", "soiree-websocket", "ws-batch", "aiohttp-broadcast"]
POSSIBLE = [stack for stack in STACKS if stack.name in TRIED and stack.missing() is None]
A_ROW = Row("ws-batch", 16, 20, 1.5, 28.5, 30.0, 0.99, Latency(25.0, 50.0), 0.1, 0.95, 64.0, saturated=True)


def test_what_ought_to_be_tried_here_can_be() -> None:
    channels = 2 if sys.version_info >= (3, 12) else 0
    assert len(POSSIBLE) == len(TRIED) - 2 + channels


@pytest.mark.parametrize("stack", POSSIBLE, ids=lambda stack: stack.name)
async def test_everybody_hears_of_everybody(stack: Stack) -> None:
    said: list[str] = []
    row = await measure(stack, SHORT, Cores(None, None), said.append)
    assert row.delivered_ratio > 0.5
    assert row.bytes_per_delivered_update is not None
    assert 14 < row.bytes_per_delivered_update < 200
    assert row.latency_ms.p50 is not None
    assert row.latency_ms.p50 > 0
    assert row.server_cpu > 0
    assert row.rss_mb > 10
    assert "4 of 4 came in" in said


async def test_clients_that_find_no_server_say_so() -> None:
    lonely = Stack("ws-batch", "colyseus", script="aiohttp_broadcast.py")
    with pytest.raises(LoadError, match="0 of 4 came in: the matchmaker gives no seat"):
        await measure(lonely, SHORT, Cores(None, None), lambda _words: None)


async def test_a_server_that_does_not_come_up_says_why() -> None:
    with pytest.raises(ServerError, match=r"code 3 before it was ready\nno port left"):
        async with serving(
            [sys.executable, "-c", "import sys; print('no port left', file=sys.stderr); sys.exit(3)"], "ready "
        ):
            pass


def test_the_benchmarks_are_imported_when_they_are_asked_for() -> None:
    listed = CliRunner().invoke(main, ["--help"]).output
    assert all(name in listed for name in COMMANDS)
    for name in COMMANDS:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0
    assert "No such command 'rally'" in CliRunner().invoke(main, ["rally"]).output


def test_rows_are_printed_as_json_and_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(stacks, "PEERS", tmp_path)
    done = CliRunner().invoke(
        main,
        ["relay", "--clients", "2", "--seconds", "0.5", "--peers", "ws-batch", "--ours", "soiree-websocket", "--json"],
    )
    assert done.exit_code == 0, done.output
    rows = msgspec.json.decode(done.stdout, type=list[Row])
    assert [(row.stack, row.clients) for row in rows] == [("soiree-websocket", 2)]
    assert "ws-batch is left out: ws is not installed: run `make setup`" in done.stderr.replace("\n", " ")


def test_a_run_without_rows_fails() -> None:
    done = CliRunner().invoke(main, ["relay", "--peers", "none", "--ours", "none"])
    assert done.exit_code == 1
    assert "no row could be measured" in done.output


@pytest.mark.parametrize(
    "wrong",
    [
        ["--clients", "1"],
        ["--clients", "16,x"],
        ["--peers", "geckos"],
        ["--ours", "ws-batch"],
        ["--plot", "/nowhere/at/all.png"],
    ],
)
def test_what_cannot_be_run_is_refused_at_once(wrong: list[str]) -> None:
    assert CliRunner().invoke(main, ["relay", *wrong]).exit_code == 2


def test_lists_are_read() -> None:
    assert Names(PEER_NAMES).convert("none", None, None) == []
    assert Names(OUR_NAMES).convert("soiree-aiortc, soiree-websocket", None, None) == OUR_NAMES[1:]
    assert Counts().convert("16, 400", None, None) == [16, 400]


def test_a_row_has_a_cell_for_each_column_and_says_when_its_load_was_saturated() -> None:
    shown = cells(A_ROW)
    assert len(shown) == len(COLUMNS)
    assert shown[COLUMNS.index("load %")] == "95!"


def test_curves_are_drawn(tmp_path: Path) -> None:
    picture = tmp_path / "curves.png"
    nothing = msgspec.structs.replace(A_ROW, clients=32, cpu_us_per_delivered_update=None)
    draw([A_ROW, msgspec.structs.replace(A_ROW, clients=64, saturated=False), nothing], picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 10_000
