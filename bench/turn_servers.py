"""The TURN servers that are measured: ours, and Debian's coturn."""

import contextlib
import shutil
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bench.errors import BenchError
from bench.server import serving
from turn import stun
from turn.stun import Class, Message, Method
from turn.values import Endpoint

READY_TIMEOUT_S = 10.0
REALM = "bench"


def free_port() -> int:
    """One that no UDP socket of loopback has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port: int = udp.getsockname()[1]
        return port


def _ours(port: int, secret: str, core: int | None) -> AbstractAsyncContextManager[tuple[int, str]]:
    command = [
        sys.executable,
        "-m",
        "turn",
        "--listen",
        f"127.0.0.1:{port}",
        "--realm",
        REALM,
        "--allow-peers",
        "127.0.0.0/8",
    ]
    settings = {"SOIREE_TURN_SECRET": secret, "SOIREE_TURN_KBIT_S": "0", "SOIREE_TURN_PER_ADDRESS": "2000"}
    return serving(command, "turn: ", environment=settings | {"PYTHONPATH": str(Path(__file__).parents[1])}, core=core)


def _coturn(port: int, secret: str, core: int | None) -> AbstractAsyncContextManager[tuple[int, str]]:
    program = shutil.which("turnserver")
    if program is None:
        raise BenchError("coturn is not installed (Debian: apt-get install coturn)")
    words = f"""-n --no-cli --no-tls --no-dtls --allow-loopback-peers --use-auth-secret --realm {REALM} --simple-log
        --listening-ip 127.0.0.1 --relay-ip 127.0.0.1 --listening-port {port} --pidfile pid --userdb db --log-file stdout"""
    command = ["stdbuf", "-oL", program, *words.split(), "--static-auth-secret", secret]
    return serving(command, "", core=core)  # its first words; it is asked for until it answers


Serve = Callable[[int, str, int | None], AbstractAsyncContextManager[tuple[int, str]]]
"""A port, the secret and a core → the server that runs so long, as `bench.server.serving` tells it."""
SERVERS: dict[str, Serve] = {
    "soiree": _ours,
    "coturn": _coturn,
}


def await_answer(server: Endpoint) -> None:
    """Until the server answers a Binding request. Raises BenchError."""
    request = stun.encode(Message(Method.BINDING, Class.REQUEST, bytes(12)))
    until = time.monotonic() + READY_TIMEOUT_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        while time.monotonic() < until:
            probe.sendto(request, server)
            with contextlib.suppress(OSError):
                probe.recv(2048)
                return
    raise BenchError(f"the TURN server does not answer within {READY_TIMEOUT_S:.0f} s")
