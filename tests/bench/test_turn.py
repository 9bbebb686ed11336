"""`soiree bench turn` and `turn-flood`, for a moment: the servers relay what they are sent."""

import msgspec
from click.testing import CliRunner

from bench.turn import TurnRow, turn
from bench.turn_flood import FloodRow, turn_flood


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


def test_a_flood_reaches_the_server_and_the_honest_lose_nothing() -> None:
    result = CliRunner().invoke(turn_flood, ["--hz", "2000", "--seconds", "2", "--alone", "--json"])
    assert result.exit_code == 0, result.output
    rows = msgspec.json.decode(result.output, type=list[FloodRow])
    assert [(row.transport, row.flood_hz > 1000) for row in rows] == [
        ("udp", False),
        ("tcp", False),
        ("udp", True),
        ("tcp", True),
    ]
    for row in rows:
        assert row.sent > 50
        assert row.lost == 0
