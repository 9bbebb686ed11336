"""`python -m bench.load`: the clients of one room, in a process of their own.

Tells what it does in JSON lines on stdout (`bench.load.report`).
"""

import argparse
import gc
import sys
from collections.abc import Sequence

import msgspec
import uvloop

from bench.errors import LoadError
from bench.load.colyseus import ColyseusCrowd
from bench.load.crowd import Crowd
from bench.load.peers import ChannelCrowd, SocketCrowd
from bench.load.report import Done, Failed, Line, Told
from bench.load.run import run
from bench.load.soiree_crowds import SoireeChannelCrowd, SoireeSocketCrowd

CROWDS: dict[str, type[Crowd]] = {
    "soiree-channels": SoireeChannelCrowd,
    "soiree-sockets": SoireeSocketCrowd,
    "channels": ChannelCrowd,
    "sockets": SocketCrowd,
    "colyseus": ColyseusCrowd,
}


def _print(line: Line) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crowd", choices=CROWDS, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--server-pid", type=int, required=True)
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--hz", type=float, required=True, help="updates of each client a second")
    parser.add_argument("--warm-up", type=float, required=True, help="seconds of walking before it is measured")
    parser.add_argument("--seconds", type=float, required=True, help="how long it is measured")
    asked = parser.parse_args(argv)
    gc.disable()  # what is kept while measuring is no garbage, and looking for it takes the time of the clients
    crowd = CROWDS[asked.crowd](asked.clients, asked.hz)
    try:
        job = run(crowd, asked.url, asked.server_pid, asked.warm_up, asked.seconds, lambda words: _print(Told(words)))
        report = uvloop.run(job)
    except LoadError as error:
        _print(Failed(str(error)))
        return 1
    _print(Done(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
