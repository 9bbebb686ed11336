"""The relay as a running thing: joins rooms, transports and the clock, and answers the homeserver (`soiree.link.RelayLink`).

Decisions are made in the cores; here rooms are opened and closed, tokens let connections in, and time is read.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from aiohttp import web

from relay import compiled
from relay.admission import Admission
from relay.alarm import alarm
from relay.config import RelayConfig
from relay.connections import Connection
from relay.godot.service import LobbyService
from relay.heap import keep_freed
from relay.hosted import HostedRoom, waits_for_a_tick
from relay.metrics import Metrics
from relay.pacing import Pacing
from relay.planting import Plant
from relay.switchboard import Switchboard
from relay.transports.webrtc import webrtc_transport
from relay.transports.websocket import WebSocketServer
from soiree.link import Accepted, HomeLink, LinkError, RelayInfo, RelayLoad, RoomSpec
from soiree.rtc import Candidate, RtcError, SdpError
from soiree.ticket import TicketVerifier
from soiree.transport import Sink, Transport
from soiree.websocket import close_frame
from soiree.wire import control
from soiree.wire.messages import Error
from soiree.wire.state import TICK_HZ

LAST_WORDS = {"oversized": "A message was above its limit."}
"""What a client is told when a transport ends its connection."""
log = logging.getLogger("soiree.relay")
PLANTED_AT_ONCE = 128
"""Things planted in one go, a few milliseconds' work."""
COLLECT_S = 0.5 / TICK_HZ
"""How often is looked at what came over WebRTC on state streams: what is passed on at once waits 4 ms longer on average."""
SWEEP_S = 1.0
"""How often connections that do not say hello are looked for."""


class RelayService:
    """One relay in the running event loop: `await start()`, and `await stop()` frees everything."""

    def __init__(self, config: RelayConfig, verifier: TicketVerifier, metrics: Metrics | None = None) -> None:
        self.metrics = metrics or Metrics()
        self._config = config
        self._admission = Admission(verifier)
        self._relay_id = secrets.token_hex(4)
        self._rooms: dict[str, HostedRoom] = {}
        self._home: HomeLink | None = None
        self._draining = False

    async def start(self) -> None:
        """Open the transports and start the clock.

        Raises:
            soiree.rtc.EngineUnavailableError: the engine that was asked for is not there.
        """
        keep_freed()
        if not compiled.use(self._config.compiled) and self._config.compiled:
            log.warning(
                "rooms are served by NumPy alone, at a multiple of the CPU, since the core cannot be used: %s",
                compiled.why_not,
            )
        self._loop = asyncio.get_running_loop()
        self._switchboard = Switchboard(self.metrics, self._fail)
        self._switchboard.home = self._home
        rtc = replace(self._config.rtc, collect_s=COLLECT_S, may_wait=waits_for_a_tick)
        self._rtc = webrtc_transport(self._config.engine, rtc, self._switchboard, wished_port=self._config.wished_port)
        self._websocket = WebSocketServer(self._switchboard, waits_for_a_tick)
        self.lobbies = LobbyService(partial(webrtc_transport, self._config.engine, self._config.rtc), self.metrics)
        if self._rtc is not None:
            # A data channel has no close codes. WebSockets have, and on them nothing follows a message that was too long.
            self._rtc.last_words = lambda reason: control.encode(Error(0, reason, LAST_WORDS.get(reason, "")))
        self._started_at = self._loop.time()
        self._tick = 0
        self._pacing = Pacing(self._started_at, time.process_time(), TICK_HZ // self._config.serve_hz)
        self._clock = alarm(self._on_tick)
        self._clock.set(self._started_at + 1 / TICK_HZ)
        self._sweeper = self._loop.call_later(SWEEP_S, self._on_sweep)

    async def stop(self, reason: str = "shutdown") -> None:
        """Tell every peer why, close everything, and return when nothing is left. A second call does nothing."""
        self._draining = True
        for room_id in list(self._rooms):
            await self.close_room(room_id, reason)
        self._clock.cancel()
        self._sweeper.cancel()
        if self._rtc is not None:
            await self._rtc.aclose()
        await self.lobbies.stop()
        await self._websocket.aclose()

    # What the homeserver asks (RelayLink)

    def listen(self, home: HomeLink) -> None:
        self._home = home
        self._switchboard.home = home

    def describe(self) -> RelayInfo:
        names = ("webrtc", "websocket") if self._rtc is not None else ("websocket",)
        return RelayInfo(self._relay_id, names, None if self._rtc is None else self._rtc.name)

    @property
    def udp_port(self) -> int | None:
        """The one UDP port of all WebRTC connections, None where each has its own, or there are none."""
        return None if self._rtc is None else self._rtc.port

    def listens_at(self, address: str, port: int) -> bool:
        """Whether packets to there come to a WebRTC connection of this relay."""
        here = self._rtc is not None and self._rtc.listens_at(address, port)
        return here or self.lobbies.listens_at(address, port)

    def load(self) -> RelayLoad:
        peers = sum(len(hosted.sessions) for hosted in self._rooms.values())
        return RelayLoad(len(self._rooms), peers, self._pacing.cpu_share)

    async def drain(self) -> None:
        self._draining = True
        self.lobbies.drain()

    async def open_room(self, spec: RoomSpec) -> None:
        hosted = self._rooms.get(spec.room_id)
        if hosted is not None:
            hosted.room.change(spec)
            return
        if self._draining:
            raise LinkError("draining", "This relay takes no more rooms.")
        hosted = HostedRoom(spec, self._config.room, self.metrics, self._loop.time())
        hosted.home = self._home
        self._rooms[spec.room_id] = hosted
        self.metrics.rooms.set(len(self._rooms))

    async def close_room(self, room_id: str, reason: str) -> None:
        self._close(room_id, reason)

    def _close(self, room_id: str, reason: str) -> None:
        hosted = self._rooms.pop(room_id, None)
        if hosted is None:
            return
        self.metrics.rooms.set(len(self._rooms))
        hosted.room.close(reason, self._loop.time())
        hosted.flush()
        self._switchboard.dismiss(hosted, reason)

    def _fail(self, hosted: HostedRoom, error: Exception) -> None:
        """The state of a room that has raised is not to be trusted any more; that of the others is."""
        room_id = hosted.room.spec.room_id
        log.error("room %s failed, and is closed", room_id, exc_info=error)
        self._close(room_id, "closed")

    async def kick(self, room_id: str, peer_id: int, reason: str) -> bool:
        hosted = self._rooms.get(room_id)
        if hosted is None:
            return False
        kicked = hosted.room.kick(peer_id, reason, self._loop.time())
        hosted.flush()
        return kicked

    async def session_alive(self, room_id: str, session_id: str) -> bool:
        hosted = self._rooms.get(room_id)
        return hosted is not None and session_id in hosted.sessions.values()

    async def offer(self, token: str, sdp: str) -> Accepted:
        if self._rtc is None:
            raise LinkError("unavailable", "This relay takes WebSocket connections only.")
        connection = self._admit(token, self._rtc)
        try:
            answer = await self._rtc.accept(connection.conn, sdp)
        except SdpError as error:
            self._switchboard.forget(connection)
            raise LinkError("bad-sdp", f"The offer cannot be used: {error}") from error
        except RtcError as error:  # it was closed while it was negotiated: hung up, or too slow
            self._switchboard.forget(connection)
            raise LinkError("unavailable", "The connection ended while it was negotiated. Try again.") from error
        return Accepted(connection.name, answer)

    async def candidate(self, connection: str, candidate: Candidate) -> None:
        known = self._switchboard.connections.by_name(connection)
        if known is not None and known.transport is self._rtc and self._rtc is not None:
            await self._rtc.add_candidate(known.conn, candidate)

    async def hang_up(self, connection: str) -> None:
        known = self._switchboard.connections.by_name(connection)
        if known is not None and not known.opened:
            known.transport.close(known.conn)

    # What lives in the relay's own process

    async def plant(self, room_id: str, plants: Sequence[Plant]) -> None:
        """Put things that are nobody's into a room, a few at a time: the clock goes on meanwhile.

        Raises:
            LinkError: `unknown-room`.
            StateError, RefusalError: as `relay.planting.plant`.
        """
        self._room(room_id).room.reserve(len(plants))
        for begin in range(0, len(plants), PLANTED_AT_ONCE):
            self._room(room_id).room.plant(plants[begin : begin + PLANTED_AT_ONCE])
            await asyncio.sleep(0)

    def connect(self, token: str, transport: Transport) -> int:
        """A connection for the session of a token, over a transport of the caller's that reports to `sink`. Raises LinkError."""
        return self._admit(token, transport).conn

    @property
    def sink(self) -> Sink:
        """Where such transports report what happens."""
        return self._switchboard

    # The data WebSocket

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Handler of the data WebSocket (PROTOCOL 1.3).

        A token that is not taken is told by a close code after the upgrade, since browsers hide the status of a refused one.
        """
        try:
            connection = self._admit(request.query.get("token", ""), self._websocket)
        except LinkError as error:
            ws = await WebSocketServer.upgrade(request)
            code, reason = close_frame(error.code)
            await ws.close(code=code, message=reason)
            return ws
        try:
            return await self._websocket.serve(connection.conn, request)
        finally:
            self._switchboard.forget(connection)

    def _admit(self, token: str, transport: Transport) -> Connection:
        """A connection for the session of a token, which a ticket opens first. Raises LinkError."""
        admitted = self._admission.admit(token, time.time(), self._session_of)
        hosted = self._room(admitted.room_id)
        if admitted.ticket is not None:
            if self._draining:
                raise LinkError("draining", "This relay takes no more sessions.")
            hosted.open_session(admitted.ticket, self._loop.time())
        return self._switchboard.connect(transport, hosted, admitted.peer)

    def _room(self, room_id: str) -> HostedRoom:
        """Raises LinkError."""
        hosted = self._rooms.get(room_id)
        if hosted is None:
            raise LinkError("unknown-room", "This room is closed.")
        return hosted

    def _session_of(self, room_id: str, peer: int) -> str | None:
        hosted = self._rooms.get(room_id)
        return None if hosted is None else hosted.sessions.get(peer)

    # Time

    def _on_tick(self) -> None:
        now = self._loop.time()
        due = max(self._tick + 1, int((now - self._started_at) * TICK_HZ))
        late = due - self._tick - 1
        if late:
            self.metrics.late_ticks.inc(late)
            self.metrics.late_streaks.observe(late)
        self._tick = due
        # Before the work: one room that fails must not stop the clock of all.
        self._clock.set(self._started_at + (due + 1) / TICK_HZ)
        if late or now >= self._pacing.due_at:
            self._pacing.measure(now, time.process_time(), late)
            self.metrics.serve_every.set(self._pacing.serve_every)
            self.metrics.budget_share.set(self._pacing.budget_share)
        began = time.perf_counter()
        self._tick_rooms(due, now)
        self.metrics.tick_seconds.observe(time.perf_counter() - began)

    def _tick_rooms(self, tick: int, now: float) -> None:
        rooms = list(self._rooms.values())
        pace = self._pacing.serve_every, self._pacing.budget_share
        served = [hosted for hosted in rooms if hosted.serves(tick, *pace)]
        if served:
            for transport in (self._rtc, self._websocket):
                if transport is not None:
                    transport.collect()
        for hosted in rooms:
            try:
                hosted.tick(tick, now)
            except Exception as error:  # noqa: BLE001 (logged there)
                self._fail(hosted, error)

    def _on_sweep(self) -> None:
        self._switchboard.close_silent()
        self._sweeper = self._loop.call_later(SWEEP_S, self._on_sweep)
