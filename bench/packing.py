"""What a tick of replication costs: a room where everybody moves and sees everybody, without transports.

python -m bench.packing --clients 50 --hz 60 --seconds 10
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from relay.replication import Replication, ReplicationConfig
from relay.world import World
from soiree.wire.acks import ReceiveWindow
from soiree.wire.records import (
    Placed,
    PlacedRecord,
    Transform,
    base_for,
    encode_props,
    encode_upright,
    pack_placed,
)
from soiree.wire.state import TICK_HZ, Header, Section, Slot, pack_header, pack_section, unpack_header

PROPS_BYTES = 12
FIRST_PEER = 2


@dataclass
class Walker:
    """A client who walks about and acknowledges what it gets."""

    peer: int
    seq: int = 0
    window: ReceiveWindow = field(default_factory=ReceiveWindow)

    def frame(self, tick: int, jitter: float) -> bytes:
        position = (self.peer + tick * 0.02, 0.0, jitter)
        base, window = base_for(position), self.window
        header = Header(int(window.seq is not None), self.seq & 0xFFFF, tick, *base, window.seq or 0, window.mask, 1)
        self.seq += 1
        walk = encode_upright(self.peer, Transform(position, velocity=(1.2, 0.0, 0.0)))
        props = encode_props(self.peer, tick.to_bytes(PROPS_BYTES, "little"))
        return pack_header(header) + pack_section(Section.UPRIGHT, [walk]) + pack_section(Section.PROPS, [props])


def crowd(clients: int) -> tuple[Replication, list[Walker]]:
    """A room in which each client owns one entity and was told of all."""
    world = World()
    replication = Replication(world, ReplicationConfig())
    peers = range(FIRST_PEER, FIRST_PEER + clients)
    for peer in peers:
        start = Transform((float(peer), 0.0, 0.0))
        records = {
            Slot.TRANSFORM: PlacedRecord(Section.UPRIGHT, encode_upright(0, start)),
            Slot.PROPS: PlacedRecord(Section.PROPS, encode_props(0, bytes(PROPS_BYTES))),
        }
        replication.join(peer, 0.0)
        world.add(peer, pack_placed(Placed(base_for(start.position), records)), 0)
        world.set_owner(peer, peer, 1, 0)
    for peer in peers:
        for entity in peers:
            replication.tell(peer, entity, 1)
        replication.set_view(peer, peer)
    return replication, [Walker(peer) for peer in peers]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--hz", type=int, default=60, help="frames of each client a second")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--serve-every", type=int, default=1, help="ticks")
    asked = parser.parse_args(argv)
    replication, walkers = crowd(asked.clients)
    replication.serve_every = asked.serve_every
    by_peer = {walker.peer: walker for walker in walkers}
    jitter = random.Random(1)
    ingest_ms, pack_ms, octets = [], [], 0
    for tick in range(1, asked.seconds * TICK_HZ + 1):
        speaking = [walker for walker in walkers if (tick + walker.peer) % (TICK_HZ // asked.hz) == 0]
        frames = [(walker.peer, walker.frame(tick, jitter.random())) for walker in speaking]
        begin = time.process_time()
        replication.ingest(frames, tick, tick / TICK_HZ)
        middle = time.process_time()
        out = replication.pack(tick, tick / TICK_HZ, dict.fromkeys(by_peer, 1))
        end = time.process_time()
        ingest_ms.append((middle - begin) * 1e3)
        pack_ms.append((end - middle) * 1e3)
        for peer, payload in out:
            by_peer[peer].window.receive(unpack_header(payload).seq)
            octets += len(payload)
    for name, values in (("ingest", ingest_ms), ("pack", pack_ms)):
        sys.stdout.write(f"{name}: {statistics.fmean(values):.2f} ms a tick, {max(values):.2f} at most\n")
    sys.stdout.write(f"payload: {octets * 8 / asked.seconds / asked.clients / 1e3:.0f} kbit/s for each client\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
