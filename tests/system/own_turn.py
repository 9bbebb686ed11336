"""Our own TURN server in a process of its own, to take the place of a coturn."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.coturn import SECRET, Coturn


@contextmanager
def own_turn(folder: Path, host: str = "127.0.0.1", before: tuple[str, ...] = (), port: int = 0) -> Iterator[Coturn]:
    """Run one until the block ends, as `coturn` does. What is private may be reached, since all that a test has is."""
    log = folder / "turn.log"
    command = [
        *before,
        sys.executable,
        "-m",
        "turn",
        "--listen",
        f"{host}:{port}",
        "--realm",
        "soiree",
        "--secret",
        SECRET,
    ]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--allow-peers", "127.0.0.0/8", "--allow-peers", "10.0.0.0/8"],
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        assert line.startswith("turn: "), log.read_text()
        yield Coturn(host, int(line.rsplit(":", 1)[1]), log)
    finally:
        process.terminate()
        assert process.wait(10) == 0, log.read_text()
        assert process.stdout is not None
        process.stdout.close()
