"""What does the relay job: Soiree on each transport, and its peers, whose small servers lie in `bench/peers`."""

import functools
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.server import Server, party, serving

PEERS: Final = Path(__file__).parent / "peers"
INSTALL: Final = "run `make setup`, or `npm install --no-save` in bench/peers"
LEAST_NODE: Final = 22
"""Major version of Node that Colyseus needs; all peers get the same one."""
READY: Final = "ready "
"""A peer's server prints this and its port."""
LOAD: Final = {
    # Any number of clients may come in from one address, into a room of any size.
    "SOIREE_JOINS_PER_MINUTE": "100000",
    "SOIREE_MAX_CAPACITY": "1000",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """One of them."""

    name: str
    crowd: str
    """The clients that speak to it (`bench.load`)."""
    engine: str | None = None
    """Soiree's WebRTC engine; None for a peer."""
    script: str = ""
    """A peer's server."""
    batches: bool = True
    """Whether it sends at a rate, and not for each message that comes."""
    package: str = ""
    """What npm must have installed for it."""

    @property
    def ours(self) -> bool:
        """Whether it is Soiree."""
        return self.engine is not None

    def missing(self) -> str | None:
        """Why it cannot be measured here, and what to do about it; None when it can."""
        if self.crowd.endswith("channels") and find_spec("libdatachannel") is None:
            return "its clients need libdatachannel-py, which has no wheel for this Python"
        if self.package and not (PEERS / "node_modules" / self.package).is_dir():
            return f"{self.package} is not installed: {INSTALL}"
        if self.package and node() is None:
            return f"no Node {LEAST_NODE} or newer: {INSTALL}"
        return None

    @asynccontextmanager
    async def serve(self, serve_hz: int, core: int | None) -> AsyncIterator[Server]:
        """Run its server on `core`, sending `serve_hz` times a second, until the block ends. Raises ServerError."""
        if self.engine is not None:
            environment = {**LOAD, "SOIREE_SERVE_HZ": str(serve_hz)}
            async with party(self.engine, environment=environment, core=core) as server:
                yield server
            return
        interpreter = node() if self.package else sys.executable
        assert interpreter is not None
        async with serving([interpreter, str(PEERS / self.script), str(serve_hz)], READY, core=core) as (pid, port):
            yield Server(f"http://127.0.0.1:{port}", pid)


STACKS: Final = (
    Stack("soiree-libdatachannel", "soiree-channels", engine="libdatachannel"),
    Stack("soiree-aiortc", "soiree-channels", engine="aiortc"),
    Stack("soiree-websocket", "soiree-sockets", engine="none"),
    Stack(
        "node-datachannel-forward",
        "channels",
        script="datachannel_forward.mjs",
        batches=False,
        package="node-datachannel",
    ),
    Stack("node-datachannel-batch", "channels", script="datachannel_batch.mjs", package="node-datachannel"),
    Stack("ws-batch", "sockets", script="ws_batch.mjs", package="ws"),
    Stack("colyseus", "colyseus", script="colyseus.mjs", package="@colyseus/core"),
    Stack("aiohttp-broadcast", "sockets", script="aiohttp_broadcast.py"),
)
"""In the order of the rows."""


@functools.cache
def node() -> str | None:
    """A Node that is new enough for all peers: the one that npm brought, else the system's."""
    for brought in sorted(PEERS.glob("node_modules/node-linux-*/bin/node")):
        return str(brought)
    found = shutil.which("node")
    if found is None:
        return None
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    major = version.removeprefix("v").partition(".")[0]
    return found if major.isdigit() and int(major) >= LEAST_NODE else None
