"""`python -m bench.flooder HOST PORT HZ SECONDS`: what an attacker without credentials sends a TURN server.

So many datagrams a second, in turns garbage, Allocate requests without credentials and channel data that nobody bound; and a hundredth as
many TCP connections, which say that a message longer than any follows.
"""

import os
import secrets
import socket
import sys
import time

from turn import stun
from turn.limits import MAX_STREAM_FRAME_BYTES
from turn.stun import Attr, Class, Message, Method
from turn.values import UDP

NICE = 19
"""Whoever is honest and on the same core goes first: the server is to be measured, not the core's queue."""
ROUND_S = 0.01
OVERSIZED = b"\x40\x01" + (MAX_STREAM_FRAME_BYTES + 1).to_bytes(2) + bytes(2000)


def _datagrams() -> list[bytes]:
    transport = (Attr.REQUESTED_TRANSPORT, bytes((UDP, 0, 0, 0)))
    allocate = stun.encode(Message(Method.ALLOCATE, Class.REQUEST, secrets.token_bytes(12), [transport]))
    return [secrets.token_bytes(64), allocate, b"\x40\x01\x00\x3c" + bytes(60)]


def flood(server: tuple[str, int], hz: float, seconds: float) -> int:
    """Returns: datagrams sent."""
    datagrams, begun, sent, connections = _datagrams(), time.monotonic(), 0, 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        udp.connect(server)
        while (elapsed_s := time.monotonic() - begun) < seconds:
            for _ in range(int(elapsed_s * hz) - sent):
                try:
                    udp.send(datagrams[sent % len(datagrams)])
                except OSError:
                    break
                sent += 1
            if connections < elapsed_s * hz / 100:
                connections += 1
                with socket.create_connection(server, timeout=1) as tcp:
                    tcp.send(OVERSIZED)
            time.sleep(ROUND_S)
    return sent


if __name__ == "__main__":
    os.nice(NICE)
    print(flood((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]), float(sys.argv[4])))
