"""The libdatachannel engine: C++ threads below, one event loop above.

Received messages stay in libdatachannel's own queue (1024 messages a channel, then SCTP's receive window closes), and the loop fetches
them after one wake-up for each burst. A callback for each message would cost three times as much, since every one takes the GIL on a C++
thread. Nor are even bursts told of where the user collects (`EngineConfig.collect_s`): Python makes and unmakes a state for every visit of
such a thread. Calls that may block (name look-ups; closing, which waits for the other side) run on a thread each.

Never call into libdatachannel from a callback, and never reset or drop what C++ may still be calling: bindings hold the GIL while they
wait for C++'s own locks, under which C++ waits for the GIL to let go of a callback, and the process would stand still for ever. C++ lets
go of all callbacks by itself once a connection is closed; each tells when it has (`_Hook`), and only then is the connection dropped.
"""

import asyncio
import functools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import libdatachannel as rtc

from soiree.channels import SOIREE, Channel, Layout
from soiree.connections import Connection, ConnectionTable, Phase
from soiree.rtc.announce import announce, endpoints
from soiree.rtc.certificate import process_certificate
from soiree.rtc.endpoints import Endpoints
from soiree.rtc.engine import Candidate, Engine, EngineConfig, EngineSink
from soiree.rtc.errors import EngineUnavailableError, RtcError, SdpError
from soiree.rtc.held_port import HeldPort
from soiree.rtc.juice_servers import juice_servers
from soiree.rtc.ladder import HOST, PEER_REFLEXIVE, RELAYED, SERVER_REFLEXIVE, rung_of
from soiree.rtc.own_thread import in_own_thread
from soiree.rtc.sdp import RemoteCandidates, admit, candidates_of, has_all_candidates
from soiree.transport import CloseReason, Rung

MAX_MESSAGE_BYTES = 64 * 1024
"""Advertised in the SDP, or more where a channel takes more. Above the limits of our own streams, so that a message over those is seen, and
its sender told why it is closed."""
SOON_S = 0.001
"""A visit to all channels that is due within so little may as well be made now."""
MAX_BATCH = 1024
"""Messages fetched from one channel before the others have their turn."""
MAX_EXTRA_CHANNELS = 8
"""Channels beside those agreed that a peer may open (each is closed at once) before the connection is."""
SCTP_SEND_BUFFER_BYTES = 1024 * 1024
"""What SCTP takes before `buffered_amount` rises above 0; the binding cannot make it smaller. So a path that stands still takes in this
much stale state unseen: only the user, who hears the peer's acknowledgements, can hold it back."""
ACLOSE_TIMEOUT_S = 1.5
"""How long `aclose` waits for peers that do not answer; C++ gives up on them after some 12 s, on threads of its own."""
LET_GO_TIMEOUT_S = 30.0
"""How long C++ may take to let go of a closed connection's callbacks; what it still holds then is left to it."""

Description = rtc.Description  # type: ignore[attr-defined]  # its stub imports a module of the same name, by mistake
log = logging.getLogger("soiree.rtc.libdatachannel")

_TYPES = {
    rtc.Candidate.Type.Host: HOST,
    rtc.Candidate.Type.ServerReflexive: SERVER_REFLEXIVE,
    rtc.Candidate.Type.PeerReflexive: PEER_REFLEXIVE,
    rtc.Candidate.Type.Relayed: RELAYED,
}


class _Hook:
    """A callback as C++ holds it; it tells, on whatever thread, when C++ has let go of it."""

    __slots__ = ("_call", "_let_go")

    def __init__(self, call: Callable[..., None], let_go: Callable[[], None]) -> None:
        self._call = call
        self._let_go = let_go

    def __call__(self, *what: Any) -> None:
        self._call(*what)

    def __del__(self) -> None:
        self._let_go()


class _Peer(Connection):
    """A `PeerConnection` with its channels."""

    def __init__(
        self, conn: int, layout: Layout, configuration: rtc.Configuration, remote: RemoteCandidates, *, offering: bool
    ) -> None:
        super().__init__(conn, layout)
        self.offering = offering
        self.described = ""
        """Our description as it was handed out. What was gathered before is in it, so that only later candidates trickle."""
        self.remote = remote
        self.extra_channels = 0
        self.pc = rtc.PeerConnection(configuration)
        self.channels = {stream: self._channel(channel) for stream, channel in layout.items()}
        self._hooks = 0
        self._lock = threading.Lock()
        self._quiet = threading.Event()
        """Set when C++ holds no callback any more."""

    def _channel(self, channel: Channel) -> rtc.DataChannel:
        init = rtc.DataChannelInit()
        init.negotiated = True
        init.id = channel.stream
        reliability = rtc.Reliability()
        reliability.unordered = not channel.ordered
        if channel.lossy:
            reliability.max_retransmits = 0
        init.reliability = reliability
        return self.pc.create_data_channel(channel.label, init)

    def buffered(self, stream: int) -> int:
        waiting = self.channels[stream].buffered_amount()
        return waiting + SCTP_SEND_BUFFER_BYTES if waiting and not self.layout[stream].lossy else waiting

    def transmit(self, stream: int, payload: bytes) -> bool:
        try:
            self.channels[stream].send(payload)
        except (
            RuntimeError,
            ValueError,
        ):  # closed on a C++ thread, of which the loop has not heard yet; or too long for the other side
            return False
        return True

    def flushed(self) -> bool:
        reliable = (channel for stream, channel in self.channels.items() if not self.layout[stream].lossy)
        return all(channel.is_closed() or channel.buffered_amount() == 0 for channel in reliable)

    def rung(self) -> Rung | None:
        local, remote = rtc.Candidate(), rtc.Candidate()
        if not self.pc.get_selected_candidate_pair(local, remote):
            return None
        kind = self.remote.kind(remote.address(), remote.port(), _TYPES.get(remote.type(), HOST))
        return rung_of(_TYPES.get(local.type(), HOST), kind, offering=self.offering)

    def awaits_trickle(self) -> bool:
        """Whether a candidate found now is news to the other side."""
        return self.described != "" and self.phase is not Phase.CLOSED

    async def shut(self) -> None:
        await in_own_thread(self._release)

    def hook(self, call: Callable[..., None]) -> _Hook:
        """Make a callback for C++ to hold."""
        with self._lock:
            self._hooks += 1
        return _Hook(call, self._let_go)

    def _let_go(self) -> None:
        with self._lock:
            self._hooks -= 1
            if not self._hooks:
                self._quiet.set()

    def _release(self) -> None:
        """Close for good: blocks until C++ has let go."""
        self.pc.close()
        if not self._quiet.wait(LET_GO_TIMEOUT_S):
            log.warning("connection %d is closed, and libdatachannel has not let go of it", self.conn)


class LibdatachannelEngine(ConnectionTable[_Peer], Engine):
    """WebRTC over libdatachannel, in either role. Make it in the running event loop; raises EngineUnavailableError."""

    name = "libdatachannel"

    def __init__(self, config: EngineConfig, sink: EngineSink) -> None:
        if config.relay_only:
            # Its policy only leaves out what the other side is told: checks still go out directly.
            raise EngineUnavailableError("libdatachannel cannot be kept to TURN servers: aiortc can")
        super().__init__(sink, config.may_wait)
        self._config = config
        self._rtc_sink = sink
        self._events: deque[Callable[[], None]] = deque()
        self._woken = False
        self._collector: asyncio.TimerHandle | None = None
        """Runs while there are connections to collect from."""
        self._collected_at = 0.0
        self._lossy: list[tuple[_Peer, int, rtc.DataChannel, Callable[[], bytes | str | None]]] = []
        """Channels to collect from, of connections that are open or were a moment ago; each with its `receive`."""
        self._endpoints = Endpoints()
        self._held = None if config.port is None else HeldPort(config.bind_address, config.port)
        self.port = None if self._held is None else self._held.port

    def listens_at(self, address: str, port: int) -> bool:
        return (address, port) in self._endpoints

    async def accept(self, conn: int, offer: str, layout: Layout = SOIREE) -> str:
        remote = RemoteCandidates()
        sdp, ignored = admit(offer, remote)
        self.ignored["candidate"] += ignored
        peer = self._make(conn, layout, remote, offering=False)
        return await self._describe(peer, functools.partial(self._answer, peer, sdp))

    async def offer(self, conn: int, layout: Layout = SOIREE) -> str:
        peer = self._make(conn, layout, RemoteCandidates(), offering=True)
        return await self._describe(peer, lambda: peer.pc.set_local_description(Description.Type.Offer))

    async def answered(self, conn: int, answer: str) -> None:
        peer = self._connections.get(conn)
        if peer is None:
            return
        sdp, ignored = admit(answer, peer.remote)
        self.ignored["candidate"] += ignored
        try:
            await in_own_thread(lambda: peer.pc.set_remote_description(Description(sdp, Description.Type.Answer)))
        except (RuntimeError, ValueError) as error:
            raise SdpError(f"the answer cannot be used: {error}") from error

    async def add_candidate(self, conn: int, candidate: Candidate) -> None:
        peer = self._connections.get(conn)
        if peer is None or not candidate.candidate:
            return
        if not peer.remote.take(candidate.candidate):
            self.ignored["candidate"] += 1
            return
        try:
            peer.pc.add_remote_candidate(rtc.Candidate(candidate.candidate, candidate.mid))
        except (RuntimeError, ValueError):
            self.ignored["candidate"] += 1

    async def aclose(self) -> None:
        try:
            async with asyncio.timeout(ACLOSE_TIMEOUT_S):
                await super().aclose()
        except TimeoutError:
            log.debug("left %d connections to peers that do not answer", len(self._ends))
        if self._collector is not None:
            self._collector.cancel()
        if self._held is not None:
            await self._held.aclose()

    # Negotiation.

    def _make(self, conn: int, layout: Layout, remote: RemoteCandidates, *, offering: bool) -> _Peer:
        peer = _Peer(conn, layout, self._configuration(layout), remote, offering=offering)
        self._begin(peer, self._config.connect_timeout_s)
        self._listen(peer)
        return peer

    @staticmethod
    def _answer(peer: _Peer, sdp: str) -> None:
        peer.pc.set_remote_description(Description(sdp, Description.Type.Offer))
        peer.pc.set_local_description(Description.Type.Answer)

    async def _describe(self, peer: _Peer, describe: Callable[[], None]) -> str:
        try:
            await in_own_thread(describe)
            description = peer.pc.local_description()
        except (RuntimeError, ValueError) as error:
            await self._forget(peer)
            raise SdpError(f"the description cannot be used: {error}") from error
        except asyncio.CancelledError:
            self._end(peer, CloseReason.LOCAL)
            raise
        if peer.phase is not Phase.OPENING or description is None:
            raise RtcError(f"connection {peer.conn} was closed while it was negotiated")
        peer.described = announce(str(description), self._config.public_addresses)
        self._endpoints.set(peer.conn, endpoints(peer.described))
        return peer.described

    def _remove(self, connection: _Peer) -> None:
        super()._remove(connection)
        self._lossy = [entry for entry in self._lossy if entry[0] is not connection]
        self._endpoints.forget(connection.conn)

    def _configuration(self, layout: Layout) -> rtc.Configuration:
        configuration = rtc.Configuration()
        configuration.disable_auto_negotiation = True
        configuration.max_message_size = max(MAX_MESSAGE_BYTES, *(channel.max_bytes for channel in layout.values()))
        configuration.certificate_pem_file, configuration.key_pem_file = process_certificate()
        if self._config.bind_address is not None:
            configuration.bind_address = self._config.bind_address
        if self._held is not None:
            self._held.configure(configuration)
        elif self._config.port_range is not None:
            configuration.port_range_begin, configuration.port_range_end = self._config.port_range
        configuration.ice_servers = [server for known in self._config.ice_servers for server in juice_servers(known)]
        return configuration

    # What C++ threads report: noted at once, acted upon in the loop.

    def _listen(self, peer: _Peer) -> None:
        for stream, channel in peer.channels.items():
            if not self._collects(peer, stream):
                channel.on_available(
                    peer.hook(functools.partial(self._note, functools.partial(self._fetch, peer, stream, channel)))
                )
            channel.on_open(peer.hook(functools.partial(self._note, functools.partial(self._on_open, peer))))
            channel.on_closed(
                peer.hook(functools.partial(self._note, functools.partial(self._end, peer, CloseReason.REMOTE)))
            )
        pc = peer.pc
        pc.on_state_change(peer.hook(lambda state: self._note(functools.partial(self._on_state, peer, state))))
        pc.on_local_candidate(
            peer.hook(
                lambda found: self._note(functools.partial(self._on_candidate, peer, found.candidate(), found.mid()))
            )
        )
        pc.on_gathering_state_change(
            peer.hook(lambda state: self._note(functools.partial(self._on_gathering, peer, state)))
        )
        pc.on_data_channel(
            peer.hook(lambda channel: self._note(functools.partial(self._on_extra_channel, peer, channel)))
        )
        for held in (pc, *peer.channels.values()):
            # The binding keeps each callback beside C++ too. Forgotten here, it lives as long as C++ holds it.
            vars(held).clear()

    def _note(self, event: Callable[[], None]) -> None:
        self._events.append(event)
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: an exception must not reach the C++ thread
                return

    def _drain(self) -> None:
        self._woken = False
        for _ in range(len(self._events)):
            self._events.popleft()()

    def _fetch(self, peer: _Peer, stream: int, channel: rtc.DataChannel) -> None:
        if peer.phase is Phase.OPENING:
            return  # a peer may speak before all of our channels have told that they are open: it waits in C++ until then
        receive = channel.receive
        for _ in range(MAX_BATCH):
            payload = receive()
            if payload is None:
                return
            self._fetched(peer, stream, payload)
        self._note(functools.partial(self._fetch, peer, stream, channel))

    def collect(self) -> None:
        self._visit()
        self._deliver()

    def _visit(self) -> None:
        """Ask all channels that are not told of."""
        self._collected_at = self._loop.time()
        for peer, stream, channel, receive in self._lossy:
            if peer.phase is Phase.OPEN and (payload := receive()) is not None:
                self._fetched(peer, stream, payload)
                self._fetch(peer, stream, channel)

    def _fetched(self, peer: _Peer, stream: int, payload: bytes | str) -> None:
        if isinstance(payload, str):
            self.ignored["text"] += 1
        else:
            self._received(peer, stream, payload)

    def _collects(self, peer: _Peer, stream: int) -> bool:
        """Whether messages are fetched from time to time, and not each time that C++ tells of one."""
        return self._config.collect_s is not None and peer.layout[stream].lossy

    def _collect_on(self) -> None:
        self._collector = None
        every_s = self._config.collect_s
        if every_s is None or not self._connections:
            return
        # Whoever collects at other times too need not be visited again so soon.
        waits_s = self._collected_at + every_s - self._loop.time()
        if waits_s <= SOON_S:
            self._visit()
            waits_s = every_s
        self._collector = self._loop.call_later(waits_s, self._collect_on)

    def _on_open(self, peer: _Peer) -> None:
        if peer.phase is Phase.OPENING and all(channel.is_open() for channel in peer.channels.values()):
            self._opened(peer)
            for stream, channel in peer.channels.items():
                self._fetch(peer, stream, channel)
                if self._collects(peer, stream):
                    self._lossy.append((peer, stream, channel, channel.receive))
            if self._collector is None:
                self._collect_on()

    def _on_state(self, peer: _Peer, state: rtc.PeerConnection.State) -> None:
        if state == rtc.PeerConnection.State.Failed:
            self._end(peer, CloseReason.FAILED)
        elif state == rtc.PeerConnection.State.Closed:
            self._end(peer, CloseReason.REMOTE if peer.phase is Phase.OPEN else CloseReason.FAILED)

    def _on_candidate(self, peer: _Peer, candidate: str, mid: str) -> None:
        candidate = candidate.removeprefix("a=")
        if peer.awaits_trickle() and candidate not in candidates_of(peer.described):
            self._rtc_sink.candidate(peer.conn, Candidate(candidate, mid))

    def _on_gathering(self, peer: _Peer, state: rtc.PeerConnection.GatheringState) -> None:
        complete = state == rtc.PeerConnection.GatheringState.Complete
        if complete and peer.awaits_trickle() and not has_all_candidates(peer.described):
            self._rtc_sink.candidate(peer.conn, Candidate(""))

    def _on_extra_channel(self, peer: _Peer, channel: rtc.DataChannel) -> None:
        self.ignored["channel"] += 1
        peer.extra_channels += 1
        if peer.extra_channels > MAX_EXTRA_CHANNELS:
            self._end(peer, CloseReason.FAILED)
        elif peer.phase in (Phase.OPENING, Phase.OPEN):
            task = self._loop.create_task(in_own_thread(channel.close))
            self._ends.add(task)
            task.add_done_callback(self._ends.discard)
