"""Which servers libdatachannel can use, and how they are named to it."""

import pytest

from soiree.rtc import IceServer
from soiree.rtc.juice_servers import juice_servers


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("stun:stun.example.org", [("stun.example.org", 3478)]),
        ("stun:192.0.2.7:3479", [("192.0.2.7", 3479)]),
        ("turn:turn.example.org:3480", [("turn.example.org", 3480)]),
        ("turn:turn.example.org?transport=udp", [("turn.example.org", 3478)]),
        ("turn:[2001:db8::7]:3480", [("2001:db8::7", 3480)]),
        ("turn:turn.example.org?transport=tcp", []),
        ("turns:turn.example.org", []),
        ("nonsense", []),
        ("turn:turn.example.org:99999", []),
    ],
)
def test_a_url_becomes_a_server_or_is_left_out(url: str, expected: list[tuple[str, int]]) -> None:
    servers = juice_servers(IceServer((url,), "user", "secret"))
    assert [(server.hostname, server.port) for server in servers] == expected
    assert all(server.username == "user" for server in servers if url.startswith("turn"))
