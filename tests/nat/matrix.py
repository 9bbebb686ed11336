"""`make nat-matrix`: which rung clients of every kind of network reach, with relays of every kind, each in a room that works.

`python -m tests.nat.matrix [FILE]` prints the table, or puts it into FILE.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.nat.internet import Host, Internet, internet
from tests.system.coturn import Coturn
from tests.system.own_turn import own_turn
from tests.system.party_process import ROOMY, Party, party

SECONDS = 6
"""Bots stay so long: time enough to climb from the WebSocket to something better."""
HTTP_PORT, TURN_PORT, WEB_PORT = 8080, 3478, 443

CLIENTS: dict[str, Callable[[Internet, int], Host]] = {
    "no NAT": lambda net, n: net.host("client", n),
    "NAT that keeps ports": lambda net, n: net.behind("client", n),
    "symmetric NAT": lambda net, n: net.behind("client", n, masquerade="masquerade random"),
    "UDP blocked": lambda net, n: net.behind("client", n, only="meta l4proto tcp"),
    "TCP 443 alone": lambda net, n: net.behind("client", n, only="tcp dport 443"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where clients find a party."""

    url: str
    server: Party


@contextmanager
def public(net: Internet, folder: Path) -> Iterator[Place]:
    """A relay on a public address, with what a party brings by itself."""
    host = net.host("relay", 1)
    with party(
        "auto", folder, "--host", host.address, "--port", str(WEB_PORT), before=host.prefix, env=ROOMY
    ) as server:
        yield Place(f"http://{host.address}:{WEB_PORT}", server)


@contextmanager
def behind_nat(net: Internet, folder: Path) -> Iterator[Place]:
    """A relay at home: a router forwards HTTP alone; a TURN server stands on a public address."""
    host = net.behind("relay", 1, forward={WEB_PORT: HTTP_PORT})
    url = "http://198.51.100.1:443"
    with _turn(net, folder) as turn:
        env = (
            ROOMY
            | turn.settings("udp")
            | {"SOIREE_PUBLIC_URL": url, "SOIREE_PUBLIC_ADDRESS": f"stun:{turn.host}:{TURN_PORT}"}
        )
        # Over TCP on the one port that every network lets out: clients in Python try the first URL of each kind.
        env["SOIREE_TURN_URLS"] += f",turn:{turn.host}:{WEB_PORT}?transport=tcp"
        with party(
            "auto", folder, "--host", host.address, "--port", str(HTTP_PORT), before=host.prefix, env=env
        ) as server:
            yield Place(url, server)


@contextmanager
def one_port(net: Internet, folder: Path) -> Iterator[Place]:
    """A platform that lets one HTTP port in and nothing else: the party sees that by the platform's own variable."""
    host = net.behind("relay", 1, forward={WEB_PORT: HTTP_PORT}, only="meta l4proto tcp")
    url = "http://198.51.100.1:443"
    env = ROOMY | {"SOIREE_PUBLIC_URL": url, "DYNO": "web.1"}
    with party("auto", folder, "--host", host.address, "--port", str(HTTP_PORT), before=host.prefix, env=env) as server:
        yield Place(url, server)


RELAYS = {"public address": public, "behind a NAT, TURN elsewhere": behind_nat, "one HTTP port": one_port}


@contextmanager
def _turn(net: Internet, folder: Path) -> Iterator[Coturn]:
    """One on the usual port, and one that only who may go to port 443 alone needs."""
    host = net.host("turn", 3)
    with ExitStack() as stack:
        turns = []
        for port in (WEB_PORT, TURN_PORT):
            (folder / str(port)).mkdir()
            turns.append(stack.enter_context(own_turn(folder / str(port), host.address, host.prefix, port)))
        yield turns[-1]


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of one pair."""

    relay: str
    client: str
    rung: str
    joined_ms: float
    latency_ms: float


def stay(relay: str, client: str) -> Cell:
    """Two bots of a client's network in a room of a relay: both must be in, lose nothing and agree in the end."""
    with (
        TemporaryDirectory(prefix="soiree-nat-") as folder,
        internet() as net,
        RELAYS[relay](net, Path(folder)) as place,
    ):
        host = CLIENTS[client](net, 7)
        # Without --room they make one: nobody outside of these namespaces can call the server.
        asked = ["--url", place.url, "--count", "2", "--seconds", str(SECONDS), "--engine", "aiortc", "--json"]
        command = [*host.prefix, sys.executable, "-m", "party", "bots", *asked]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
        assert done.returncode == 0, f"{relay}, {client}: {done.stdout} {done.stderr}"
        report = json.loads(done.stdout)
        assert (report["joined"], report["control_lost"], report["converged"]) == (2, 0, True), report
        assert place.server.complaints() == []
        (rung,) = report["rung"]
        return Cell(relay, client, rung, report["join_ms"]["p50"], report["latency_ms"]["p50"])


WORDS = {
    "direct": "direct UDP",
    "stun": "UDP, by STUN",
    "turn-udp": "TURN over UDP",
    "turn-tcp": "TURN over TCP",
    "websocket": "WebSocket",
}


def table(cells: list[Cell]) -> str:
    """As docs/NAT-MATRIX.md has it."""
    lines = [
        "| client's network | " + " | ".join(f"relay: {relay}" for relay in RELAYS) + " |",
        "|---|" + "---|" * len(RELAYS),
    ]
    for client in CLIENTS:
        found = [next(cell for cell in cells if (cell.relay, cell.client) == (relay, client)) for relay in RELAYS]
        lines.append(
            f"| {client} | " + " | ".join(f"{WORDS[c.rung]}, in after {c.joined_ms:.0f} ms" for c in found) + " |"
        )
    return "\n".join(lines)


DOCUMENT = """# Which way leads in

Made by `make nat-matrix` on {day}: bots of the Python SDK in network namespaces, behind routers of nftables, with a `soiree party`
as each kind of host would run it. They use aiortc, which like a browser can do TURN over TCP. In each pair two bots came into a room,
stayed for {seconds} s, lost no control message and agreed in the end; told is the rung on which they stood then, and how long it took
to get in.

{table}

- *public address*: what a party brings by itself, HTTP on port 443 and its TURN server on port 3478.
- *behind a NAT, TURN elsewhere*: the router forwards HTTP alone; `SOIREE_TURN_URLS` names a `python -m turn` on ports 3478 and 443
  of another host, and `SOIREE_PUBLIC_ADDRESS` has its STUN asked for the router's address.
- *one HTTP port*: a platform such as Heroku, known by its variable; WebSockets alone are offered.
- *symmetric NAT*: each flow gets another port (`masquerade random`).
"""


def main() -> None:
    """Try every pair."""
    cells = []
    for relay in RELAYS:
        for client in CLIENTS:
            cell = stay(relay, client)
            print(
                f"{relay} / {client}: {cell.rung}, in after {cell.joined_ms:.0f} ms, latency {cell.latency_ms:.1f} ms",
                file=sys.stderr,
            )
            cells.append(cell)
    text = DOCUMENT.format(day=time.strftime("%Y-%m-%d"), seconds=SECONDS, table=table(cells))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
