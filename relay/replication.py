"""Pure core: replication, the whole of it: owners' frames in, each client's frames out, so that all end with the owners' last states.

Steps: `relay.ingest` reads, `relay.acceptance` judges and stores; `relay.selection` picks what each client lacks within its `relay.budget`,
`relay.framing` writes it, `relay.flight` remembers it until it is acknowledged.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from relay import acceptance, compiled, framing, selection, speed
from relay.acceptance import Drop
from relay.arrivals import Received
from relay.audience import MAX_CLIENTS, Audience
from relay.budget import CEILING_KBIT_S, FRAME_OVERHEAD_BYTES, Budgets
from relay.far import ROTATIONS
from relay.flight import Flight
from relay.framing import Layout
from relay.interest import LOOK_TICKS, PATIENCE_TICKS, Interest, Sighting, look_from, radius
from relay.pairs import MAX_PAIRS, Pairs
from relay.reception import DETACHED, Ingested, Reception
from relay.selection import Choice
from relay.serving import Serving
from relay.table import Bools, Ints
from relay.world import SLOTS, World
from soiree.wire import quantise as q
from soiree.wire.limits import STATE_FRAMES_BURST, STATE_FRAMES_PER_S
from soiree.wire.state import ACK_VALID, STATE_HEADER, TICK_HZ, Section, Slot

FIRST_RTT_S: Final = 0.1
"""Assumed until the first ping is answered."""
_BYTES_PER_KBIT: Final = 125.0
CHARGED_SHARE: Final = 0.5
"""So much of a client's budget may go for control messages: who comes into a city, or hears many events, still sees it move."""
CAP_SHARE: Final = 0.99
"""Of a cap that a client asked for: what its bucket has gathered, and what is sent at once, comes on top."""
BURST_GAIN: Final = 0.1
"""How fast the count of frames in a serve follows."""
FRAME_COST: Final = STATE_HEADER.size + framing.MAX_SECTIONS * framing.SECTION_BYTES + FRAME_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class ReplicationConfig:
    """Of one room."""

    max_speed_m_s: float = 200.0
    """Faster changes of place need the teleport bit."""
    ceiling_kbit_s: float = CEILING_KBIT_S
    """What a client may be sent at most, overhead included."""
    state_frames_per_s: float = STATE_FRAMES_PER_S
    state_frames_burst: float = STATE_FRAMES_BURST
    """Frames that a client may send at once."""
    max_clients: int = MAX_CLIENTS
    max_pairs: int = MAX_PAIRS
    """Entities told to clients, summed over clients."""

    def __post_init__(self) -> None:
        if not (0 < self.max_speed_m_s < math.inf and 0 < self.ceiling_kbit_s < math.inf):
            raise ValueError("max_speed_m_s and ceiling_kbit_s are positive")


class Replication:
    """State in and out of one room's World.

    Attributes:
        serve_every: ticks from one serve of a client to the next, 1…6; the service raises it under load. Clients take turns.
    """

    def __init__(self, world: World, config: ReplicationConfig) -> None:
        self.world = world
        self.config = config
        self.audience = Audience(config.max_clients, config.state_frames_per_s, config.state_frames_burst)
        self.pairs = Pairs(world, config.max_pairs)
        self.budgets = Budgets(config.max_clients, config.ceiling_kbit_s)
        self.flight = Flight(config.max_clients)
        self.interest = Interest(world, self.audience, self.pairs)
        self.serving = Serving(self.audience, self.budgets, self.flight)
        self._reception = Reception(self.audience)
        self._refusals_wait = False
        self._tick = 0
        self._charged_at = 0.0
        self._spent: list[tuple[int, int]] = []
        """(row of the audience, bytes) of what others than `pack` have sent."""

    @property
    def serve_every(self) -> int:
        """Ticks from one serve of a client to the next."""
        return self.serving.every

    @serve_every.setter
    def serve_every(self, ticks: int) -> None:
        if ticks != self.serving.every:
            self.serving.every = ticks
            # What came waits for a serve, so acknowledgements take longer or less long now, though nothing queues.
            self.budgets.forget_delays()

    def join(self, peer: int, now: float) -> None:
        """Begin to serve a client, as on a connection. Raises TableFullError past max_clients."""
        row = self.audience.join(peer, now)
        self.audience.rtt_s[row] = FIRST_RTT_S
        self.audience.radius_m[row] = radius(0)
        self.flight.open(row)
        self.budgets.open(row, now)

    def leave(self, peer: int) -> None:
        """Forget a client; nothing if it is not here."""
        if peer in self.audience:
            row = self.audience.leave(peer)
            self.pairs.forget(row)
            self.flight.open(row)

    def reset(self, peer: int) -> None:
        """Fresh hello: it was told nothing, frames count from 0 both ways, nothing is taken of it until `tell` says what it owns."""
        self.audience.reset(peer)
        row = self.audience.row(peer)
        self.pairs.forget(row)
        self.flight.open(row)
        self.world.close_fences(peer)

    def set_active(self, peer: int, active: bool, now: float) -> None:
        """Whether it has a connection: without one it is sent nothing. A new connection begins with a new budget."""
        row = self.audience.row(peer)
        if active and not self.audience.active[row]:
            cap = float(self.budgets.cap_kbit_s[row])
            self.budgets.open(row, now)
            self.budgets.set_cap(row, cap)
            self.audience.acked_s[row] = now
        self.audience.active[row] = active

    def tell(self, peer: int, entity: int, n: int) -> None:
        """Control message `n` to `peer` carries the entity's present placed record: `spawned`, `parent_set`.

        State of the entity waits until it is applied; so does state that the peer sends of it, if it is the owner.
        """
        self.pairs.tell(self.audience.row(peer), entity, n, self._tick)
        self._raise_fence(peer, entity, n)

    def tell_many(self, peer: int, entities: Ints, n: int) -> None:
        """As `tell`, of many entities of which the peer knows none."""
        row = self.world.rows(entities)
        self.pairs.tell_many(self.audience.row(peer), entities, row, n, self._tick)
        own = self.world.owner[row] == peer
        if own.any():
            self.world.fence[row[own]] = n

    def hold(self, peer: int, entity: int, n: int) -> None:
        """Control message `n` to `peer` changes what state of the entity means to it, without carrying any: `granted`."""
        self.pairs.hold(self.audience.row(peer), entity, n)
        self._raise_fence(peer, entity, n)

    def untell(self, peer: int, entity: int) -> None:
        """The peer was told that the entity is gone; nothing if it knew of none."""
        if peer in self.audience:
            self.pairs.untell(self.audience.row(peer), entity)

    def untell_many(self, peer: int, entities: Ints) -> None:
        """As `untell`, of many."""
        if peer in self.audience:
            self.pairs.untell_many(self.audience.row(peer), entities)

    def heard_s(self, peer: int) -> float:
        """When the last frame of a client came; 0 if none has, or it is not here."""
        row = self.audience.row_of.get(peer)
        return 0.0 if row is None else float(self.audience.heard_s[row])

    def on_applied(self, peer: int, number: int) -> None:
        """The peer has applied our control messages up to this full number, as `hello` says it."""
        self.audience.on_applied(peer, number)

    def set_rtt(self, peer: int, rtt_s: float) -> None:
        """Round trip as pings measure it."""
        self.audience.rtt_s[self.audience.row(peer)] = rtt_s

    def set_cap(self, peer: int, kbit_s: int) -> None:
        """What the client wants to be sent at most, overhead included; 0: adaptive."""
        self.budgets.set_cap(self.audience.row(peer), kbit_s * CAP_SHARE)

    def set_view(
        self, peer: int, entity: int = 0, position_m: q.Vec3 | None = None, radius_m: float | None = None
    ) -> None:
        """Look from an entity, wherever it goes, or from a fixed point in metres; else from where it looked last.

        Args:
            radius_m: how far it sees, 0 for the default; None: as before.
        """
        row = self.audience.row(peer)
        self.audience.view_entity[row] = entity
        if radius_m is not None:
            self.audience.radius_m[row] = radius(radius_m)
        if position_m is not None:
            x, y, z = position_m
            self.audience.view[row] = (
                q.units_of(x, q.HORIZONTAL_PER_M, q.LIMIT_UNITS),
                q.units_of(y, q.VERTICAL_PER_M, q.LIMIT_Y_UNITS),
                q.units_of(z, q.HORIZONTAL_PER_M, q.LIMIT_UNITS),
            )
        # Its turn has come, but not before those of others who have waited longer.
        self.audience.looked[row] = min(int(self.audience.looked[row]), self._tick - LOOK_TICKS - PATIENCE_TICKS)

    def look_no_longer_from(self, entity: int) -> None:
        """It goes: who looked from it goes on looking from where it was."""
        look_from(self.world, self.audience)
        self.audience.view_entity[self.audience.view_entity == entity] = 0

    def watch(self, tick: int) -> list[Sighting]:
        """What has come into the sight of clients and left it, for those whose turn to look it is."""
        return self.interest.watch(tick)

    def serves(self, tick: int) -> bool:
        """Whether it is anybody's turn at this tick. At others, what came may as well wait: it would not be sent on yet."""
        return self.serving.serves(tick)

    def charge(self, peer: int, payload_bytes: int) -> None:
        """The peer is sent something beside its frames: that comes out of its budget too."""
        if peer in self.audience:
            self._spent.append((self.audience.row(peer), payload_bytes))

    def ingest(self, frames: Sequence[tuple[int, bytes]], tick: int, now: float) -> Ingested:
        """Take in STATE frames (peer, payload), newest last, and the acknowledgements in them. Never raises for what a peer sent."""
        self._tick = max(self._tick, tick)
        self.world.tick = max(self.world.tick, tick)
        if compiled.core:
            return self._ingest_compiled(compiled.core, frames, tick, now)
        told = Ingested()
        received = self._reception.receive(frames, now, told)
        if not len(received):
            return told
        self._acknowledge(received, now)
        counts = acceptance.take(self.world, self.audience, received, tick, self.config.max_speed_m_s)
        told.drops.update({drop.reason: counts[drop] for drop in Drop if drop and counts[drop]})
        self._refusals_wait |= bool(counts[Drop.SPEED] or counts[Drop.TELEPORT_RATE])
        return Ingested(told.control_applied, told.malformed, told.drops, counts[Drop.TAKEN])

    def _ingest_compiled(
        self, core: compiled.Core, frames: Sequence[tuple[int, bytes]], tick: int, now: float
    ) -> Ingested:
        world, flight = self.world, self.flight
        tables = world, self.pairs, self.audience, flight, self.budgets
        counts, detached, applied, malformed, acknowledged, heard, news = core.ingest(
            *tables, frames, tick, now, self.config.max_speed_m_s
        )
        world.heard |= heard
        world.changes += news
        if acknowledged is not None:
            flight.recount(acknowledged)
        self._refusals_wait |= bool(counts[Drop.SPEED] or counts[Drop.TELEPORT_RATE])
        drops = Counter({drop.reason: counts[drop] for drop in Drop if drop and counts[drop]})
        if detached:
            drops[DETACHED] = detached
        return Ingested(applied, Counter(malformed or {}), drops, counts[Drop.TAKEN])

    def refused(self, tick: int) -> list[int]:
        """Entities whose owners are to hear now that the last move of theirs was refused, as it was too fast."""
        refused: list[int] = []
        if self._refusals_wait:
            refused, self._refusals_wait = speed.tell(self.world, tick)
        return refused

    def pack(self, tick: int, now: float, control_applied: Mapping[int, int]) -> list[tuple[int, bytes]]:
        """The frames (peer, payload) of this tick; `control_applied`: what the relay has applied of each peer's control stream."""
        self._tick = max(self._tick, tick)
        self.serving.packed = tick
        self._settle_charges(now)
        self.budgets.advance(now)
        if compiled.core:
            tables = self.world, self.pairs, self.audience, self.flight, self.budgets
            turns = self.serving.every, self.serving.turns()
            return compiled.core.pack(*tables, tick, now, *turns, control_applied, ROTATIONS)
        due = self.serving.due(tick, now)
        look_from(self.world, self.audience)
        self.audience.serves[due] += 1
        self.audience.served[due] = tick
        choice = self._choose(due, tick)
        frames: list[tuple[int, bytes]] = []
        if len(choice):
            layout = framing.arrange(choice, self.world, self.pairs, self.audience)
            frames = self._depart(layout, tick, now, control_applied)
        quiet = self.audience.active & self.serving.overdue(now)
        if quiet.any():
            frames += self._depart(framing.bare(np.flatnonzero(quiet), self.audience), tick, now, control_applied)
        return frames

    def on_drop(self, peer: int, frame: bytes, now: float) -> None:
        """The transport did not take a frame that `pack` gave: its records count as not sent, and the client's budget shrinks."""
        if peer not in self.audience:
            return
        row = self.audience.row(peer)
        low = STATE_HEADER.unpack_from(frame)[2]
        next_seq = int(self.audience.next_seq[row])
        records = self.flight.withdraw(row, next_seq - 1 - ((next_seq - 1 - low) & 0xFFFF))
        if records is not None:
            cells, versions = records
            sent = self.pairs.sent.reshape(-1)
            same = cells[sent[cells] == versions]
            sent[same] = 0
        self.budgets.congest(row, now)

    def _settle_charges(self, now: float) -> None:
        """Take what else was sent from the tokens of its clients; never more than CHARGED_SHARE of what comes, so that state goes on."""
        passed = min(1.0, max(0.0, now - self._charged_at))
        self._charged_at = now
        if not self._spent:
            return
        rows, payload_bytes = np.array(self._spent, np.int64).T
        self._spent.clear()
        cost = np.bincount(rows, payload_bytes + FRAME_OVERHEAD_BYTES, len(self.budgets.tokens))
        most = CHARGED_SHARE * passed * _BYTES_PER_KBIT * self.budgets.rate_kbit_s
        self.budgets.tokens -= np.minimum(cost, most)

    def _raise_fence(self, peer: int, entity: int, n: int) -> None:
        if entity in self.world and self.world.owner[self.world.row(entity)] == peer:
            self.world.set_fence(entity, n)

    def _acknowledge(self, received: Received, now: float) -> None:
        header = received.arrivals.header[received.frame]
        valid = (header["flags"] & ACK_VALID) > 0
        if not valid.any():
            return
        rows, header = received.client[valid], header[valid]
        seqs, masks = header["ack_seq"].astype(np.int64), header["ack_mask"].astype(np.int64)
        audience = self.audience
        fates = self.flight.acknowledge(
            rows, audience.next_seq, seqs, masks, self.serving.rto_s(), now, audience.high, self.pairs.acked
        )
        self.budgets.note(fates)

    def _choose(self, due: Bools, tick: int) -> Choice:
        rto_ticks = np.ceil(self.serving.rto_s() * TICK_HZ).astype(np.int64)
        choice = selection.lacking(self.world, self.pairs, self.audience, due, rto_ticks, tick)
        if not len(choice):
            return choice
        length = self.world.length.reshape(-1)[choice.row * SLOTS + choice.slot]
        allowance = np.minimum(
            self.serving.tokens(), framing.MAX_FRAMES_PER_SERVE * (framing.RECORDS_BYTES + FRAME_COST)
        )
        limits = allowance, framing.RECORDS_BYTES, FRAME_COST
        tight = selection.too_much(choice, length, *limits)
        if not tight.any():
            return choice
        hard = choice.of(tight)
        carried = selection.carried(hard, length[tight], self.world, self.pairs, self.audience, tick, *limits)
        return choice.of(~tight).and_then(carried)

    def _depart(
        self, layout: Layout, tick: int, now: float, control_applied: Mapping[int, int]
    ) -> list[tuple[int, bytes]]:
        """Write frames, and remember what went in them."""
        audience, pairs, clients = self.audience, self.pairs, layout.client
        peers = audience.peer[clients].tolist()
        applied = np.zeros(len(audience.peer), np.int64)
        applied[clients] = [control_applied.get(peer, 0) for peer in peers]
        first = np.searchsorted(clients, clients, side="left")
        seq = audience.next_seq[clients] + np.arange(len(clients)) - first
        frames = framing.write(layout, self.world, pairs, audience, tick, seq, applied)
        cells, versions = self._note_sent(layout, tick)
        self.flight.depart(clients, seq, now, layout.size, cells, versions)
        audience.next_seq[clients] = seq + 1  # of several frames of a client, the last one's stays
        count = np.bincount(clients)
        served = np.flatnonzero(count)
        audience.burst[served] += BURST_GAIN * (count[served] - audience.burst[served])
        audience.sent_s[clients] = now
        self.budgets.spend(clients, np.array([len(frame) for frame in frames], np.int64))
        return list(zip(peers, frames, strict=True))

    def _note_sent(self, layout: Layout, tick: int) -> tuple[Ints, Ints]:
        """(cells, versions) of all records in the frames, one frame after another: what their acknowledgement will mean."""
        choice, pairs = layout.choice, self.pairs
        cells, versions = choice.cell, self.world.version.reshape(-1).take(choice.row * SLOTS + choice.slot)
        anew = np.flatnonzero((choice.slot == Slot.TRANSFORM) & (versions > pairs.sent.reshape(-1).take(cells)))
        pairs.first_serve[choice.pair.take(anew)] = self.audience.serves.take(choice.client.take(anew))
        pairs.sent.reshape(-1)[cells] = versions
        pairs.sent_at.reshape(-1)[cells] = tick
        # Who has it coarsely still lacks it: if nothing newer comes, it is said exactly.
        return cells, versions - (layout.kind == Section.FAR)
