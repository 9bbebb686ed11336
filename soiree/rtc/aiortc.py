"""The aiortc engine: pure Python above asyncio (or uvloop, which suits it better), for where libdatachannel has no wheel.

aiortc gathers every candidate before it describes itself, so nothing trickles out of it. It has no API for what `EngineConfig` asks of
its sockets; those few places reach into the ICE and SCTP objects below it, which is why private names are allowed in this file.
"""
# ruff: noqa: SLF001

import asyncio
import contextlib
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import aiortc
from aioice import Connection as IceConnection
from aioice.candidate import Candidate as IceCandidate
from aiortc.exceptions import InvalidStateError
from aiortc.rtcicetransport import parse_stun_turn_uri
from aiortc.rtcsctptransport import Chunk
from aiortc.sdp import candidate_from_sdp

from soiree.channels import SOIREE, Channel, Layout
from soiree.connections import Connection, ConnectionTable, Phase
from soiree.rtc.announce import announce, endpoints
from soiree.rtc.endpoints import Endpoints
from soiree.rtc.engine import Candidate, Engine, EngineConfig, EngineSink, IceServer
from soiree.rtc.errors import RtcError, SdpError
from soiree.rtc.gathering import Gathering, turn_ways
from soiree.rtc.ladder import rung_of
from soiree.rtc.sdp import END_OF_CANDIDATES, RemoteCandidates, admit, has_all_candidates
from soiree.transport import CloseReason, Rung

MAX_EXTRA_CHANNELS = 8
"""Channels beside those agreed that a peer may open (each is closed at once) before the connection is."""


class _Peer(Connection):
    """An `RTCPeerConnection` with its channels."""

    def __init__(
        self,
        conn: int,
        layout: Layout,
        config: EngineConfig,
        remote: RemoteCandidates,
        *,
        offering: bool,
    ) -> None:
        super().__init__(conn, layout)
        self.offering = offering
        self.remote = remote
        self.extra_channels = 0
        self.pc = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=stun_servers(config.ice_servers)))
        self.channels = {stream: self._channel(channel) for stream, channel in layout.items()}
        sctp = self.pc.sctp
        if sctp is None:
            raise RtcError("aiortc made no SCTP transport with its first channel")
        self.sctp = sctp
        self.gathering = Gathering(
            self.ice,
            turn_ways(config.ice_servers),
            bind_address=config.bind_address,
            ports=config.port_range,
            relay_only=config.relay_only,
        )
        setattr(self.ice, "get_component_candidates", self.gathering)  # noqa: B010 (mypy forbids the assignment to a method)
        _bear_loss(sctp)

    def _channel(self, channel: Channel) -> aiortc.RTCDataChannel:
        retransmits = 0 if channel.lossy else None
        return self.pc.createDataChannel(
            channel.label, negotiated=True, id=channel.stream, ordered=channel.ordered, maxRetransmits=retransmits
        )

    @property
    def ice(self) -> IceConnection:
        connection: IceConnection = self.sctp.transport.transport._connection
        return connection

    def buffered(self, stream: int) -> int:
        return self.channels[stream].bufferedAmount

    def transmit(self, stream: int, payload: bytes) -> bool:
        try:
            self.channels[stream].send(payload)
        except (InvalidStateError, ValueError):  # closed already; or too long for the other side
            return False
        return True

    def flushed(self) -> bool:
        # Closing aborts the association, so everything must be acknowledged, not just sent.
        sctp = self.sctp
        return sctp.state == "closed" or not (sctp._data_channel_queue or sctp._outbound_queue or sctp._sent_queue)

    def rung(self) -> Rung | None:
        pair = self.ice._nominated.get(1)
        if pair is None:
            return None
        remote: IceCandidate = pair.remote_candidate
        kind = self.remote.kind(remote.host, remote.port, remote.type)
        relay_protocol = self.gathering.relayed_by.get(pair.protocol, "udp")
        return rung_of(pair.local_candidate.type, kind, offering=self.offering, relay_protocol=relay_protocol)

    async def shut(self) -> None:
        # Without close() aiortc leaks its sockets, also for a connection that has failed or was closed by the other side.
        await self.pc.close()
        # A task of its own that is still to run would find it there, and go on saying it to nobody.
        for queue in (self.sctp._data_channel_queue, self.sctp._outbound_queue, self.sctp._sent_queue):
            queue.clear()
        self.sctp._forward_tsn_chunk = None
        self.sctp._t3_cancel()


class AiortcEngine(ConnectionTable[_Peer], Engine):
    """WebRTC over aiortc, in either role. Make it in the running event loop; one UDP port for each connection."""

    name = "aiortc"

    def __init__(self, config: EngineConfig, sink: EngineSink) -> None:
        super().__init__(sink, config.may_wait)
        self._config = config
        self._endpoints = Endpoints()

    def listens_at(self, address: str, port: int) -> bool:
        return (address, port) in self._endpoints

    async def accept(self, conn: int, offer: str, layout: Layout = SOIREE) -> str:
        remote = RemoteCandidates()
        sdp, ignored = admit(offer, remote)
        self.ignored["candidate"] += ignored
        peer = self._make(conn, layout, remote, offering=False)
        return await self._describe(peer, self._answer(peer, sdp))

    async def offer(self, conn: int, layout: Layout = SOIREE) -> str:
        peer = self._make(conn, layout, RemoteCandidates(), offering=True)
        return await self._describe(peer, self._offer(peer))

    async def answered(self, conn: int, answer: str) -> None:
        peer = self._connections.get(conn)
        if peer is None:
            return
        sdp, ignored = admit(answer, peer.remote)
        self.ignored["candidate"] += ignored
        await self._guarded(peer.pc.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer")))

    async def add_candidate(self, conn: int, candidate: Candidate) -> None:
        peer = self._connections.get(conn)
        if peer is None:
            return
        if candidate.candidate and not peer.remote.take(candidate.candidate):
            self.ignored["candidate"] += 1
            return
        ice = peer.sctp.transport.transport
        if candidate.candidate:
            await ice.addRemoteCandidate(candidate_from_sdp(candidate.candidate.removeprefix("candidate:")))
        elif not peer.remote.empty:
            await ice.addRemoteCandidate(None)

    # Negotiation.

    def _make(self, conn: int, layout: Layout, remote: RemoteCandidates, *, offering: bool) -> _Peer:
        peer = _Peer(conn, layout, self._config, remote, offering=offering)
        self._begin(peer, self._config.connect_timeout_s)
        for stream, channel in peer.channels.items():
            channel.on("open", functools.partial(self._on_open, peer))
            channel.on("message", functools.partial(self._on_message, peer, stream))
            channel.on("close", functools.partial(self._end, peer, CloseReason.REMOTE))
        peer.pc.on("connectionstatechange", functools.partial(self._on_state, peer))
        peer.pc.on("datachannel", functools.partial(self._on_extra_channel, peer))
        _bear_misuse(peer.sctp, functools.partial(self._on_extra_channel, peer))
        return peer

    async def _answer(self, peer: _Peer, sdp: str) -> None:
        await peer.pc.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "offer"))
        await peer.pc.setLocalDescription(await peer.pc.createAnswer())

    async def _offer(self, peer: _Peer) -> None:
        await peer.pc.setLocalDescription(await peer.pc.createOffer())

    async def _describe(self, peer: _Peer, negotiation: Coroutine[Any, Any, None]) -> str:
        try:
            await self._guarded(negotiation)
        except SdpError:
            await self._forget(peer)
            raise
        except asyncio.CancelledError:
            self._end(peer, CloseReason.LOCAL)
            raise
        if peer.phase is not Phase.OPENING:
            raise RtcError(f"connection {peer.conn} was closed while it was negotiated")
        # aiortc gathers everything first but does not say so in its description.
        sdp = announce(peer.pc.localDescription.sdp, self._config.public_addresses)
        self._endpoints.set(peer.conn, endpoints(sdp))
        return sdp if has_all_candidates(sdp) else f"{sdp}{END_OF_CANDIDATES}\r\n"

    def _remove(self, connection: _Peer) -> None:
        super()._remove(connection)
        self._endpoints.forget(connection.conn)

    @staticmethod
    async def _guarded(negotiation: Coroutine[Any, Any, None]) -> None:
        try:
            await negotiation
        except (ValueError, LookupError, AssertionError, InvalidStateError) as error:
            raise SdpError(f"the description cannot be used: {error}") from error

    # What aiortc reports, already in the loop.

    def _on_open(self, peer: _Peer) -> None:
        if all(channel.readyState == "open" for channel in peer.channels.values()):
            self._opened(peer)

    def _on_message(self, peer: _Peer, stream: int, payload: bytes | str) -> None:
        if isinstance(payload, str):
            self.ignored["text"] += 1
        else:
            self._received(peer, stream, payload)

    def _on_state(self, peer: _Peer) -> None:
        if peer.pc.connectionState == "failed":
            self._end(peer, CloseReason.FAILED)
        elif peer.pc.connectionState == "closed":
            self._end(peer, CloseReason.REMOTE if peer.phase is Phase.OPEN else CloseReason.FAILED)

    def _on_extra_channel(self, peer: _Peer, channel: aiortc.RTCDataChannel | None = None) -> None:
        """One more channel was asked for; None where there is none that could be closed."""
        self.ignored["channel"] += 1
        peer.extra_channels += 1
        if peer.extra_channels > MAX_EXTRA_CHANNELS:
            self._end(peer, CloseReason.FAILED)
        elif channel is not None:
            channel.close()


def stun_servers(servers: tuple[IceServer, ...]) -> list[aiortc.RTCIceServer]:
    """The STUN URLs that aiortc can read; it uses the first. TURN is `soiree.rtc.gathering`'s."""
    return [
        aiortc.RTCIceServer([url for url in server.urls if url.startswith("stun") and _is_readable(url)])
        for server in servers
    ]


def _is_readable(url: str) -> bool:
    try:
        parse_stun_turn_uri(url)
    except ValueError:
        return False
    return True


def _bear_loss(sctp: aiortc.RTCSctpTransport) -> None:
    """Have an association take a path that is gone for what it is: packets are lost.

    aiortc sends from tasks that nobody awaits, so that the error of a closed path would be told to the event loop only.
    """
    send = sctp._send_chunk

    async def send_or_lose(chunk: Chunk) -> None:
        with contextlib.suppress(ConnectionError):
            await send(chunk)

    setattr(sctp, "_send_chunk", send_or_lose)  # noqa: B010 (mypy forbids the assignment to a method)


def _bear_misuse(sctp: aiortc.RTCSctpTransport, misused: Callable[[], None]) -> None:
    """Have `misused` told of what in DCEP (RFC 8832) cannot be heeded: a stream in use, an answer to no offer, a broken label.

    aiortc would end the connection at the first of them, as if the other side had; and a stream may come again before it is closed here.
    """
    receive = sctp._data_channel_receive

    async def receive_or_count(stream_id: int, pp_id: int, data: bytes) -> None:
        try:
            await receive(stream_id, pp_id, data)
        except (AssertionError, ValueError):
            misused()

    setattr(sctp, "_data_channel_receive", receive_or_count)  # noqa: B010 (mypy forbids the assignment to a method)
