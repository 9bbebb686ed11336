"""Of the matrix that `make nat-matrix` tries in full, the corners: each in a room that works, on the rung that its networks allow."""

import pytest

from tests.nat.matrix import CLIENTS, RELAYS, Cell, stay, table

HOME = "behind a NAT, TURN elsewhere"


@pytest.mark.parametrize(
    ("relay", "client", "rung"),
    [
        ("public address", "symmetric NAT", "direct"),
        (HOME, "symmetric NAT", "turn-udp"),
        (HOME, "TCP 443 alone", "turn-tcp"),
        ("one HTTP port", "UDP blocked", "websocket"),
    ],
)
def test_a_corner(relay: str, client: str, rung: str) -> None:
    assert stay(relay, client).rung == rung


def test_the_table_has_every_pair() -> None:
    cells = [Cell(relay, client, "direct", 1.0, 2.0) for relay in RELAYS for client in CLIENTS]
    lines = table(cells).splitlines()
    assert len(lines) == 2 + len(CLIENTS)
    assert all(line.count("|") == 2 + len(RELAYS) for line in lines)
