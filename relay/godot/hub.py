"""Pure core: peer 1 of a game, without the game: it introduces clients to each other and hands their packets on.

Whether the game authenticates its peers is not known beforehand, and a client that does hears nothing else before it is through
with it; one that does not never speaks of it. So the first peer of a lobby is given a moment, and what it does then is taken for
the custom of the game.
"""

from enum import Enum
from typing import Final

from relay.godot import packets
from relay.godot.carrier import HangUp, LegId, Output, Send
from relay.godot.packets import SERVER_ID, PacketError
from soiree.transport import CONTROL

GRACE_S: Final = 0.3
"""How long the first peer has to begin authentication."""
AUTH_TIMEOUT_S: Final = 10.0
"""A peer that has begun and is not through with it by then is let go; Godot itself gives 3 s by default."""
MALFORMED_LIMIT: Final = 64
"""Packets of one peer that make no sense, before it is let go."""


class _Stage(Enum):
    """How far a peer has come."""

    NEW = "new"
    """Nothing is known of it."""
    PENDING = "pending"
    """It is authenticating itself."""
    ADMITTED = "admitted"


class Hub:
    """One lobby with the relay as peer 1. A `Carrier` whose legs all stand for peer 1."""

    def __init__(self) -> None:
        self._stages: dict[int, _Stage] = {}
        self._due: dict[int, float] = {}
        self._malformed: dict[int, int] = {}
        self._authenticates: bool | None = None
        """The custom of the game; None until its first peer has shown it."""
        self._outputs: list[Output] = []

    def opened(self, leg: LegId, now: float) -> None:
        peer = leg.peer
        self._stages[peer] = _Stage.NEW
        self._send(peer, packets.auth_complete())
        if self._authenticates is None:
            self._due[peer] = now + GRACE_S
        elif self._authenticates:
            self._due[peer] = now + AUTH_TIMEOUT_S
        else:
            self._admit(peer)

    def heard(self, leg: LegId, stream: int, payload: bytes, now: float) -> bool:
        peer = leg.peer
        try:
            packet = packets.read(payload)
        except PacketError:
            self._count_malformed(peer)
            return False
        if isinstance(packet, packets.Auth):
            self._authenticate(peer, packet, now)
            return True
        if self._stages.get(peer) is _Stage.NEW and not self._authenticates:
            self._show_custom(authenticates=False)
            self._admit(peer)
        if self._stages.get(peer) is not _Stage.ADMITTED:
            return False
        match packet:
            case packets.Relay(to, inner):
                return self._relay(peer, to, stream, inner)
            case packets.Simplify(cache_id, has_calls):
                # What has no calls synchronizes: unconfirmed, its state is not sent to us, where it would be for nothing.
                if has_calls:
                    self._send(peer, packets.confirm_path(cache_id))
            case packets.ToServer():
                pass
        return True

    def closed(self, leg: LegId) -> None:
        peer = leg.peer
        stage = self._stages.pop(peer, None)
        self._due.pop(peer, None)
        self._malformed.pop(peer, None)
        if stage is _Stage.ADMITTED:
            for other in self._admitted():
                self._send(other, packets.del_peer(peer))

    def advance(self, now: float) -> None:
        for peer in [peer for peer, at in self._due.items() if at <= now]:
            if self._stages[peer] is _Stage.NEW and not self._authenticates:
                self._show_custom(authenticates=False)
                self._admit(peer)
            else:
                self._let_go(peer, "timeout")

    def next_at(self) -> float | None:
        return min(self._due.values(), default=None)

    def drain(self) -> list[Output]:
        outputs, self._outputs = self._outputs, []
        return outputs

    def _authenticate(self, peer: int, auth: packets.Auth, now: float) -> None:
        stage = self._stages.get(peer)
        if stage is _Stage.NEW:
            self._show_custom(authenticates=True)
            self._stages[peer] = stage = _Stage.PENDING
            self._due[peer] = now + AUTH_TIMEOUT_S
        if not auth.complete:
            return
        if stage is _Stage.PENDING:
            self._admit(peer)
        elif stage is _Stage.ADMITTED:
            # It was taken for one that does not authenticate: what it was told until now it has thrown away.
            for other in self._admitted():
                if other != peer:
                    self._send(peer, packets.add_peer(other))

    def _show_custom(self, *, authenticates: bool) -> None:
        if self._authenticates is None:
            self._authenticates = authenticates

    def _admit(self, peer: int) -> None:
        for other in self._admitted():
            self._send(other, packets.add_peer(peer))
            self._send(peer, packets.add_peer(other))
        self._stages[peer] = _Stage.ADMITTED
        self._due.pop(peer, None)

    def _admitted(self) -> list[int]:
        return [peer for peer, stage in self._stages.items() if stage is _Stage.ADMITTED]

    def _relay(self, source: int, to: int, stream: int, inner: bytes) -> bool:
        if to > 0:
            targets = [to] if to != source and self._stages.get(to) is _Stage.ADMITTED else []
        else:
            targets = [peer for peer in self._admitted() if peer not in (source, -to)]
        packet = packets.relayed(source, inner)
        for target in targets:
            self._send(target, packet, stream)
        return bool(targets) or to == SERVER_ID or to <= 0

    def _count_malformed(self, peer: int) -> None:
        self._malformed[peer] = self._malformed.get(peer, 0) + 1
        if self._malformed[peer] >= MALFORMED_LIMIT:
            self._let_go(peer, "malformed")

    def _let_go(self, peer: int, reason: str) -> None:
        leg = LegId(peer, SERVER_ID)
        self.closed(leg)
        self._outputs.append(HangUp(leg, reason))

    def _send(self, peer: int, packet: bytes, stream: int = CONTROL) -> None:
        self._outputs.append(Send(LegId(peer, SERVER_ID), stream, packet))
