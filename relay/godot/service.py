"""Lobbies of Godot games as a running thing (`soiree.link.LobbyLink`): joins their carriers, the WebRTC engine and the clock."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Sequence

from relay.godot.carrier import HangUp, LegId, Send
from relay.godot.legs import STATE_CAP_BYTES, Carried, Leg
from relay.metrics import Metrics
from soiree.link import Bridged, LinkError, LobbyHome, LobbyMode, LobbySpec, PeerTraffic
from soiree.rtc import Candidate, Engine, EngineSink, RtcError, SdpError
from soiree.transport import Packet

log = logging.getLogger("soiree.relay.godot")

MAX_LEGS = 4096
"""Of all lobbies together."""
MAX_LEGS_PER_LOBBY = 32 * 31
"""A bridge of 32 peers in a mesh."""


class LobbyService:
    """The lobbies of one relay. Make it in the running event loop."""

    def __init__(self, make_engine: Callable[[EngineSink], Engine | None], metrics: Metrics) -> None:
        """Args: `make_engine` gives an engine of this service's own, or None where there is no WebRTC."""
        self._loop = asyncio.get_running_loop()
        self._engine = make_engine(self)
        self._metrics = metrics
        self._home: LobbyHome | None = None
        self._numbers = itertools.count(1)
        self._legs: dict[int, Leg] = {}
        self._lobbies: dict[str, Carried] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._draining = False

    def drain(self) -> None:
        """Take no further lobbies; games go on."""
        self._draining = True

    async def stop(self) -> None:
        """Close every leg; returns when nothing is left."""
        self._draining = True
        for lobby in list(self._lobbies.values()):
            self._end(lobby)
        if self._engine is not None:
            await self._engine.aclose()

    def listens_at(self, address: str, port: int) -> bool:
        """Whether packets to there come to a leg."""
        return self._engine is not None and self._engine.listens_at(address, port)

    # LobbyLink

    def listen_lobbies(self, home: LobbyHome) -> None:
        self._home = home

    async def connect(self, spec: LobbySpec, peer: int, other: int, sdp: str) -> Bridged:
        engine = self._engine
        if engine is None:
            raise LinkError("unavailable", "This relay takes no WebRTC connections.")
        lobby = self._lobby(spec)
        ours = LegId(peer, other)
        self._hang_up(lobby, ours, "superseded")
        self._hang_up(lobby, ours.counterpart, "superseded")
        leg = self._leg(lobby, ours)
        try:
            answer = await engine.accept(leg.conn, sdp, lobby.layout)
            offer = None if spec.mode is LobbyMode.RELAY else await self._offer(engine, lobby, ours.counterpart)
        except SdpError as error:
            self._forget(leg)
            raise LinkError("bad-sdp", f"The offer cannot be used: {error}") from error
        except RtcError as error:
            self._hang_up(lobby, ours, "superseded")
            raise LinkError("busy", "The connection was closed while it was negotiated.") from error
        return Bridged(answer, offer)

    async def answered(self, lobby_id: str, peer: int, other: int, sdp: str) -> None:
        leg = self._find(lobby_id, LegId(peer, other))
        if leg is not None and self._engine is not None:
            try:
                await self._engine.answered(leg.conn, sdp)
            except SdpError as error:
                raise LinkError("bad-sdp", f"The answer cannot be used: {error}") from error

    async def leg_candidate(self, lobby_id: str, peer: int, other: int, candidate: Candidate) -> None:
        leg = self._find(lobby_id, LegId(peer, other))
        if leg is not None and self._engine is not None:
            await self._engine.add_candidate(leg.conn, candidate)

    async def leave_lobby(self, lobby_id: str, peer: int) -> None:
        lobby = self._lobbies.get(lobby_id)
        for leg in lobby.of_peer(peer) if lobby is not None else ():
            self._close(leg, "left")

    async def end_lobby(self, lobby_id: str, *, when_empty: bool) -> None:
        lobby = self._lobbies.get(lobby_id)
        if lobby is None:
            if when_empty and self._home is not None:
                self._home.lobby_ended(lobby_id)
        elif when_empty and lobby.legs:
            lobby.ends_when_empty = True
        else:
            self._end(lobby)

    async def traffic(self, lobby_id: str) -> list[PeerTraffic]:
        lobby = self._lobbies.get(lobby_id)
        return [] if lobby is None else lobby.traffic()

    # EngineSink

    def opened(self, conn: int) -> None:
        leg = self._legs.get(conn)
        if leg is None or self._engine is None:
            return
        leg.opened = True
        self._engine.set_state_cap(conn, STATE_CAP_BYTES)
        leg.lobby.carrier.opened(leg.id, self._loop.time())
        self._settle(leg.lobby)

    def packets(self, packets: Sequence[Packet]) -> None:
        now = self._loop.time()
        touched: dict[Carried, None] = {}
        for conn, stream, payload in packets:
            leg = self._legs.get(conn)
            if leg is not None:
                touched[leg.lobby] = None
                self._take(leg, stream, payload, now)
        for lobby in touched:
            self._settle(lobby)

    def candidate(self, conn: int, candidate: Candidate) -> None:
        leg = self._legs.get(conn)
        if leg is not None and self._home is not None:
            self._home.leg_found(leg.lobby.spec.lobby_id, leg.id.peer, leg.id.other, candidate)

    def closed(self, conn: int, reason: str) -> None:
        leg = self._legs.get(conn)
        if leg is not None:
            log.debug("leg %d closed: %s", conn, reason)
            self._forget(leg)

    # Packets

    def _take(self, leg: Leg, stream: int, payload: bytes, now: float) -> None:
        lobby = leg.lobby
        meter = lobby.meter(leg.id.peer, now)
        self._metrics.lobby_packets_in.inc()
        if not meter.take(len(payload), now):
            meter.dropped += 1
            if not lobby.layout[stream].lossy:
                self._close(leg, "rate")  # a reliable packet cannot be left out
            return
        if not lobby.carrier.heard(leg.id, stream, payload, now):
            meter.dropped += 1

    def _settle(self, lobby: Carried) -> None:
        """Do what a carrier wants."""
        for output in lobby.carrier.drain():
            leg = lobby.legs.get(output.leg)
            if leg is None:
                continue
            if isinstance(output, HangUp):
                self._close(leg, output.reason)
            else:
                self._send(leg, output)
        self._arm(lobby)

    def _send(self, leg: Leg, send: Send) -> None:
        assert self._engine is not None
        meter = leg.lobby.meter(leg.id.peer, self._loop.time())
        try:
            sent = self._engine.send(leg.conn, send.stream, send.payload)
        except ValueError:  # six bytes longer than it came, and so too long now
            sent = False
        if sent:
            meter.gave(len(send.payload))
            self._metrics.lobby_packets_out.inc()
            return
        meter.dropped += 1
        if not leg.lobby.layout[send.stream].lossy:
            self._close(leg, "backlog")  # what follows must not be heard without it

    def _arm(self, lobby: Carried) -> None:
        lobby_id = lobby.spec.lobby_id
        due = lobby.carrier.next_at()
        if (timer := self._timers.pop(lobby_id, None)) is not None:
            timer.cancel()
        if due is not None and lobby_id in self._lobbies:
            self._timers[lobby_id] = self._loop.call_at(due, self._on_time, lobby)

    def _on_time(self, lobby: Carried) -> None:
        lobby.carrier.advance(self._loop.time())
        self._settle(lobby)

    # Legs

    async def _offer(self, engine: Engine, lobby: Carried, leg_id: LegId) -> str:
        return await engine.offer(self._leg(lobby, leg_id).conn, lobby.layout)

    def _lobby(self, spec: LobbySpec) -> Carried:
        lobby = self._lobbies.get(spec.lobby_id)
        if lobby is None:
            if self._draining:
                raise LinkError("draining", "This relay takes no more lobbies.")
            lobby = self._lobbies[spec.lobby_id] = Carried.of(spec)
        if len(self._legs) + 2 > MAX_LEGS or len(lobby.legs) + 2 > MAX_LEGS_PER_LOBBY:
            raise LinkError("busy", "This relay has as many connections as it takes.")
        self._metrics.lobbies.set(len(self._lobbies))
        return lobby

    def _leg(self, lobby: Carried, leg_id: LegId) -> Leg:
        leg = Leg(next(self._numbers), lobby, leg_id)
        self._legs[leg.conn] = lobby.legs[leg_id] = leg
        lobby.meter(leg_id.peer, self._loop.time())
        self._metrics.lobby_legs.set(len(self._legs))
        return leg

    def _find(self, lobby_id: str, leg_id: LegId) -> Leg | None:
        lobby = self._lobbies.get(lobby_id)
        return None if lobby is None else lobby.legs.get(leg_id)

    def _hang_up(self, lobby: Carried, leg_id: LegId, reason: str) -> None:
        if (leg := lobby.legs.get(leg_id)) is not None:
            self._close(leg, reason)

    def _close(self, leg: Leg, reason: str) -> None:
        """Nothing of a leg is heard from now on; its counterpart follows."""
        self._forget(leg)
        if self._engine is not None:
            self._engine.close(leg.conn, reason)

    def _forget(self, leg: Leg) -> None:
        if self._legs.pop(leg.conn, None) is None:
            return
        lobby = leg.lobby
        del lobby.legs[leg.id]
        self._metrics.lobby_legs.set(len(self._legs))
        lobby.carrier.closed(leg.id)
        self._settle(lobby)
        if not any(known.id.peer == leg.id.peer for known in lobby.legs.values()):
            lobby.meters.pop(leg.id.peer, None)
        if lobby.ends_when_empty and not lobby.legs and lobby.spec.lobby_id in self._lobbies:
            self._end(lobby)
            if self._home is not None:
                self._home.lobby_ended(lobby.spec.lobby_id)

    def _end(self, lobby: Carried) -> None:
        del self._lobbies[lobby.spec.lobby_id]
        for leg in list(lobby.legs.values()):
            self._close(leg, "closed")
        self._arm(lobby)
        self._metrics.lobbies.set(len(self._lobbies))
