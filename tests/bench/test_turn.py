"""`soiree bench turn`, for a moment: both servers relay what they are sent."""

import msgspec
from click.testing import CliRunner

from bench.turn import TurnRow, turn


def test_both_servers_relay_everything() -> None:
    result = CliRunner().invoke(turn, ["--clients", "4", "--hz", "50", "--seconds", "1", "--repeat", "1", "--json"])
    assert result.exit_code == 0, result.output
    rows = msgspec.json.decode(result.output, type=list[TurnRow])
    assert [row.server for row in rows] == ["soiree", "coturn"]
    for row in rows:
        assert row.allocations == 4
        assert row.lost_ratio == 0
        assert row.packets_per_s == 400
        assert row.cpu_us_per_packet > 0
