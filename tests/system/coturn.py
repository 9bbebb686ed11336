"""A coturn of a test's own on loopback, with a secret that it shares with whoever mints its credentials."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import Certificate

SECRET = "what coturn and the homeserver share"
START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Coturn:
    """A running coturn."""

    host: str
    port: int
    log: Path

    def url(self, protocol: str) -> str:
        """Its URL for "udp", "tcp" or "tls"."""
        if protocol == "tls":
            return f"turns:{self.host}:{self.port}?transport=tcp"
        return f"turn:{self.host}:{self.port}?transport={protocol}"

    def settings(self, *protocols: str) -> dict[str, str]:
        """What makes a party hand it out."""
        return {"SOIREE_TURN_URLS": ",".join(map(self.url, protocols)), "SOIREE_TURN_SECRET": SECRET}


@contextmanager
def coturn(
    folder: Path,
    host: str = "127.0.0.1",
    before: tuple[str, ...] = (),
    port: int = 0,
    certificate: Certificate | None = None,
) -> Iterator[Coturn]:
    """Run one until the block ends. `before` comes before its command, as to run it in a namespace (then with a port).

    With a certificate, its one TCP port speaks TLS too.
    """
    program = shutil.which("turnserver")
    assert program, "no turnserver: run `make setup` as root, or install the package coturn"
    port, log = port or _free_port(host), folder / "turnserver.log"
    tls = f"--cert {certificate.cert} --pkey {certificate.key} --tls-listening-port 0" if certificate else "--no-tls"
    words = f"""-n --no-cli --no-dtls {tls} --allow-loopback-peers --fingerprint --use-auth-secret --realm soiree --simple-log
        --listening-ip {host} --relay-ip {host} --listening-port {port} --pidfile {folder}/pid --userdb {folder}/db --log-file stdout"""
    with log.open("wb") as out:
        command = [*before, program, *words.split(), "--static-auth-secret", SECRET]
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=folder)
    try:
        _await_ready(process, log)
        yield Coturn(host, port, log)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as free, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as both:
        port: int = free.getsockname()[1]
        both.bind((host, port))
        return port


def _await_ready(process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Its admin thread is the last thing that it starts."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while b"(admin thread)" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
