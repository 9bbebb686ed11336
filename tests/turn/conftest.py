"""A running TURN server on loopback, and coturn's own client to try it with."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from soiree.rtc.certificate import process_certificate
from turn.config import TurnConfig
from turn.limits import Quotas
from turn.server import TurnServer

SECRET = "a secret of two"
CONFIG = TurnConfig(
    SECRET,
    listen=(("127.0.0.1", 0), ("::1", 0)),
    relay_addresses=("127.0.0.1", "::1"),
    allow_peers=(ip_network("127.0.0.0/8"), ip_network("::1/128")),
    quotas=Quotas(allocations_per_user=500, bytes_per_s=0),
)
Serve = Callable[[TurnConfig], AbstractAsyncContextManager[TurnServer]]


@asynccontextmanager
async def serving(config: TurnConfig = CONFIG) -> AsyncIterator[TurnServer]:
    """A server until the block ends."""
    server = TurnServer(config)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TurnServer]:
    certificate, key = process_certificate()
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(key)
    config = replace(
        CONFIG, tls_listen=(("127.0.0.1", 0),), tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem"
    )
    async with serving(config) as made:
        yield made


async def uclient(port: int, *options: str, host: str = "127.0.0.1") -> tuple[int, str]:
    """Exit code and words of coturn's test client."""
    program = shutil.which("turnutils_uclient")
    assert program, "no turnutils_uclient: run `make setup` as root, or install the package coturn"
    command = [program, *options, "-u", "ada", "-W", SECRET, "-p", str(port), host]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")
