"""The measure of packing measures a room that works."""

import pytest

from bench.packing import crowd, main


def test_it_reports_what_a_tick_costs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--clients", "4", "--seconds", "1", "--hz", "20"]) == 0
    words = capsys.readouterr().out
    assert "ingest" in words
    assert "pack" in words


def test_everybody_hears_everybody_else() -> None:
    replication, walkers = crowd(3)
    told = replication.ingest([(walker.peer, walker.frame(1, 0.5)) for walker in walkers], 1, 0.1)
    assert told.accepted == 6
    assert sorted(peer for peer, _ in replication.pack(1, 0.1, {})) == [walker.peer for walker in walkers]
