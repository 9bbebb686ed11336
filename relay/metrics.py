"""What the relay counts, for Prometheus. Cores never import this: drivers tell it what happened."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from soiree.transport import CONTROL

_TICK_BUCKETS_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.012, 0.016, 0.033, 0.066, 0.132)
_STREAK_BUCKETS = (1, 2, 3, 4, 6, 10, 20, 60)


class Metrics:
    """The relay's counters, in a registry of their own so that many relays can live in one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self.rooms = Gauge("soiree_rooms", "Rooms hosted here", registry=self.registry)
        self.peers = Gauge("soiree_peers", "Sessions that have not left", registry=self.registry)
        self.connections = Gauge("soiree_connections", "Connections of all transports", registry=self.registry)
        self.joins = Counter("soiree_joins", "Hellos by transport", ["transport", "fresh"], registry=self.registry)
        self.leaves = Counter("soiree_leaves", "Sessions ended, by reason", ["reason"], registry=self.registry)
        self.grants = Counter("soiree_grants", "Changes of owner, by cause", ["cause"], registry=self.registry)
        self.refusals = Counter("soiree_refusals", "Commands refused, by reason", ["reason"], registry=self.registry)
        self.drops = Counter(
            "soiree_drops", "Records and frames dropped, by reason", ["reason"], registry=self.registry
        )
        self.tick_seconds = Histogram(
            "soiree_tick_seconds", "Time spent in a tick", buckets=_TICK_BUCKETS_S, registry=self.registry
        )
        self.late_ticks = Counter(
            "soiree_late_ticks", "Ticks left out since the clock was late", registry=self.registry
        )
        self.late_streaks = Histogram(
            "soiree_late_streak_ticks", "Ticks left out in a row", buckets=_STREAK_BUCKETS, registry=self.registry
        )
        self.serve_every = Gauge(
            "soiree_serve_every_ticks", "Clients are served on every n-th tick", registry=self.registry
        )
        self.budget_share = Gauge(
            "soiree_budget_share", "Share of their budgets that clients are sent", registry=self.registry
        )
        self.lobbies = Gauge("soiree_lobbies", "Lobbies of Godot games carried here", registry=self.registry)
        self.lobby_legs = Gauge("soiree_lobby_legs", "Connections of Godot games", registry=self.registry)
        lobby_packets = Counter(
            "soiree_lobby_packets", "Packets of Godot games by direction", ["direction"], registry=self.registry
        )
        self.lobby_packets_in, self.lobby_packets_out = lobby_packets.labels("in"), lobby_packets.labels("out")
        frames = Counter(
            "soiree_messages", "Messages by direction and stream", ["direction", "stream"], registry=self.registry
        )
        octets = Counter(
            "soiree_payload_bytes",
            "Payload bytes by direction and stream",
            ["direction", "stream"],
            registry=self.registry,
        )
        # Labels are looked up once: these two are on the path of every packet.
        self._in = {name: (frames.labels("in", name), octets.labels("in", name)) for name in ("control", "state")}
        self._out = {name: (frames.labels("out", name), octets.labels("out", name)) for name in ("control", "state")}

    def received(self, stream: int, count: int, size: int) -> None:
        """`count` messages of together `size` bytes came in on a stream."""
        messages, octets = self._in["control" if stream == CONTROL else "state"]
        messages.inc(count)
        octets.inc(size)

    def sent(self, stream: int, count: int, size: int) -> None:
        """`count` messages of together `size` bytes went out on a stream."""
        messages, octets = self._out["control" if stream == CONTROL else "state"]
        messages.inc(count)
        octets.inc(size)
