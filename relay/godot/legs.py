"""The legs and lobbies that a relay has, and what it counts of them."""

from dataclasses import dataclass, field

from relay.godot.bridge import Bridge
from relay.godot.carrier import Carrier, LegId
from relay.godot.hub import Hub
from relay.godot.meter import Meter
from soiree.channels import Layout, godot_layout
from soiree.link import LobbyMode, LobbySpec, PeerTraffic

STATE_CAP_BYTES = 64 * 1024
"""What may wait unreliable on a leg; more is dropped."""


@dataclass(slots=True, eq=False)
class Leg:
    """One WebRTC connection with a game."""

    conn: int
    lobby: "Carried"
    id: LegId
    opened: bool = False


@dataclass(slots=True, eq=False)
class Carried:
    """A lobby as its relay has it."""

    spec: LobbySpec
    carrier: Carrier
    layout: Layout
    legs: dict[LegId, Leg] = field(default_factory=dict)
    meters: dict[int, Meter] = field(default_factory=dict)
    """Of every peer with a leg."""
    ends_when_empty: bool = False

    @classmethod
    def of(cls, spec: LobbySpec) -> "Carried":
        """A lobby in which nobody is yet."""
        layout = godot_layout(spec.channels)
        carrier: Carrier = Hub() if spec.mode is LobbyMode.RELAY else Bridge(layout)
        return cls(spec, carrier, layout)

    def meter(self, peer: int, now: float) -> Meter:
        """What a peer has sent and got."""
        return self.meters.setdefault(peer, Meter(now))

    def of_peer(self, peer: int) -> list[Leg]:
        """The legs that reach a peer or stand for it."""
        return [leg for leg in self.legs.values() if peer in leg.id]

    def traffic(self) -> list[PeerTraffic]:
        """What its peers have sent and got, those first who came first."""
        return [
            PeerTraffic(
                peer,
                sum(leg.opened for leg in self.legs.values() if leg.id.peer == peer),
                meter.packets_in,
                meter.bytes_in,
                meter.packets_out,
                meter.bytes_out,
                meter.dropped,
            )
            for peer, meter in self.meters.items()
        ]
