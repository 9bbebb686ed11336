"""The proxies of `deploy/` in front of a party, as they stand there but for addresses and certificates."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import self_signed

DEPLOY = Path(__file__).parents[2] / "deploy"
START_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy."""

    url: str
    certificate: Path
    """Which its clients are to trust."""


def free_port() -> int:
    """One that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _replaced(text: str, **changes: str) -> str:
    for old, new in changes.items():
        assert old in text, f"deploy/ no longer says {old}"
        text = text.replace(old, new)
    return text


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/bin:/usr/local/bin")
    assert found, f"no {name}: run `make setup` as root, or install the package"
    return found


@contextmanager
def nginx(folder: Path, party_port: int) -> Iterator[Proxy]:
    """nginx with deploy/nginx/soiree.conf."""
    certificate = self_signed(folder, "127.0.0.1")
    port = free_port()
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{party_port}",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/certs/party.example.org.pem": str(certificate.cert),
        "/etc/ssl/private/party.example.org.key": str(certificate.key),
    }
    site = _replaced((DEPLOY / "nginx" / "soiree.conf").read_text(), **changes)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nuser root;\npid {folder}/pid;\nerror_log {folder}/errors warn;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{site}}}\n"
    )
    with _running([_program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")], port, folder):
        yield Proxy(f"https://127.0.0.1:{port}", certificate.cert)


@contextmanager
def caddy(folder: Path, party_port: int) -> Iterator[Proxy]:
    """Caddy with deploy/caddy/Caddyfile."""
    certificate = self_signed(folder, "127.0.0.1")
    port = free_port()
    changes = {
        "127.0.0.1:8080": f"127.0.0.1:{party_port}",
        "party.example.org {": f"https://127.0.0.1:{port} {{\n\ttls {certificate.cert} {certificate.key}",
    }
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n\tgrace_period 1s\n}\n"
        + _replaced((DEPLOY / "caddy" / "Caddyfile").read_text(), **changes)
    )
    with _running([_program("caddy"), "run", "--config", str(folder / "Caddyfile")], port, folder):
        yield Proxy(f"https://127.0.0.1:{port}", certificate.cert)


@contextmanager
def _running(command: list[str], port: int, folder: Path) -> Iterator[None]:
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env={"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
        )
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not _listens(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
