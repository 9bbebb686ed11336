"""Which connection to try, with which token, and when: WebRTC first, the WebSocket where that takes long, the better one kept."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Literal

from aiohttp import ClientSession

from soiree import rtc
from soiree.client.carrier import Carrier, CarrierSink, DialError, WebRtcCarrier, WebSocketCarrier
from soiree.client.errors import JoinError
from soiree.client.lobby import Admission
from soiree.rtc.engine import EngineConfig, IceServer

Choice = Literal["auto", "webrtc", "websocket"]
Kind = Literal["webrtc", "websocket"]

HEAD_START_S = 1.5
"""How long WebRTC is tried alone."""
FIRST_RETRY_S = 5.0
"""From standing on the WebSocket until WebRTC is tried again: soon for `SOON_TRIES` times, then doubled each time."""
SOON_TRIES = 12
LAST_RETRY_S = 60.0
FRESH_S = 60.0
"""How old what the homeserver told may be when WebRTC begins: credentials of TURN servers lapse after minutes."""

IcePolicy = Literal["all", "relay"]
Renew = Callable[[], Awaitable[Admission]]
"""Asks the homeserver again, as one whose session lives. Raises JoinError."""


class Ladder:
    """Ways to one session.

    Attributes:
        choice: "auto", or the one kind that may be used.
        opened: the session was opened, so the ticket is used and the resume token serves.
    """

    def __init__(
        self,
        sink: CarrierSink,
        http: ClientSession,
        admission: Admission,
        choice: Choice,
        engine: str,
        bind_address: str | None,
        *,
        ice_policy: IcePolicy = "all",
        renew: Renew | None = None,
    ) -> None:
        self.choice: Choice = choice
        self.opened = admission.ticket is None
        self._sink = sink
        self._http = http
        self._admission = admission
        self._engine = engine
        self._bind_address = bind_address
        self._relay_only = ice_policy == "relay"
        self._renew = renew
        self._admitted_at = asyncio.get_running_loop().time()
        self._rising: asyncio.Task[Carrier] | None = None
        self._offering: WebRtcCarrier | None = None
        self._shunned = False
        self._pause_s = 0.0

    def offers(self, kind: Kind) -> bool:
        """Whether both this side and the relay can do it."""
        return kind in self._admission.transports and (kind == "websocket" or bool(rtc.available()))

    async def climb(self) -> Carrier:
        """Open a connection: of the chosen kind, or the best that comes up. Raises DialError."""
        if self.choice != "auto":
            return await self.dial(self.choice)
        shunned, self._shunned = self._shunned, False
        if not self.offers("webrtc") or (shunned and self.offers("websocket")):
            return await self.dial("websocket")
        rising = self._rising = asyncio.create_task(self.dial("webrtc"))
        falling: asyncio.Task[Carrier] | None = None
        try:
            await asyncio.wait({rising}, timeout=HEAD_START_S)
            if not _came_up(rising):
                falling = asyncio.create_task(self.dial("websocket"))
                await _first(rising, falling)
        except asyncio.CancelledError:
            await _give_up(falling)
            await self.stop()
            raise
        if falling is not None and not _came_up(rising):
            # What is still rising goes on in the background, see `rise`.
            return falling.result()
        self._rising = None
        await _give_up(falling)
        return rising.result()

    def shun(self) -> None:
        """WebRTC has come up and stayed mute: the WebSocket goes first the next time, and WebRTC later, each time longer."""
        self._shunned = True
        self._pause_s = min(LAST_RETRY_S, 2 * self._pause_s or FIRST_RETRY_S)

    async def rise(self) -> Carrier:
        """From the WebSocket to WebRTC, however long it takes to come up."""
        if self._rising is None:
            await asyncio.sleep(self._pause_s)
        pause_s, tries = FIRST_RETRY_S, 0
        while True:
            rising, self._rising = self._rising or asyncio.create_task(self.dial("webrtc")), None
            try:
                return await rising
            except DialError:
                tries += 1
                await asyncio.sleep(pause_s)
                pause_s = pause_s if tries < SOON_TRIES else min(LAST_RETRY_S, 2 * pause_s)
            except asyncio.CancelledError:
                await _give_up(rising)
                raise

    async def dial(self, kind: Kind) -> Carrier:
        """Open one connection of a kind. Raises DialError."""
        if kind not in self._admission.transports:
            raise DialError("unavailable", f"this relay offers {' and '.join(self._admission.transports)}, not {kind}")
        if kind == "websocket":
            carrier: Carrier = WebSocketCarrier(self._sink, self._http, self._admission.data_url)
        else:
            await self._freshen()
            try:
                carrier = self._offering = WebRtcCarrier(
                    self._sink, self._http, self._admission.signal_url, self._engine, self._engine_config()
                )
            except rtc.EngineUnavailableError as error:
                raise DialError("unavailable", str(error)) from error
        try:
            await carrier.dial(self._token())
        except BaseException as error:
            if isinstance(error, DialError) and error.code == "unauthorized" and not self.opened:
                # Another way was faster with the ticket.
                self.opened = True
            await asyncio.shield(carrier.aclose())
            raise
        return carrier

    def _token(self) -> str:
        """The ticket opens the session, once: with the first answered offer, however long that takes to come up."""
        self.opened |= self._offering is not None and self._offering.answered
        return self._admission.resume if self.opened or self._admission.ticket is None else self._admission.ticket

    async def _freshen(self) -> None:
        """Ask for new credentials where ours may have lapsed. Raises DialError when the session is gone."""
        loop = asyncio.get_running_loop()
        if self._renew is None or not self._admission.ice_servers or loop.time() - self._admitted_at < FRESH_S:
            return
        try:
            self._admission = await self._renew()
        except JoinError as error:
            if error.code == "session-gone":
                raise DialError(error.code, str(error)) from error
            return  # the way without TURN may work all the same
        self._admitted_at = loop.time()

    def _engine_config(self) -> EngineConfig:
        servers = tuple(IceServer(tuple(ice.urls), ice.username, ice.credential) for ice in self._admission.ice_servers)
        on_loopback = self._bind_address is not None and ip_address(self._bind_address).is_loopback
        if on_loopback and not self._relay_only:
            servers = ()  # whoever is on this machine needs nobody's help to reach it
        return EngineConfig(bind_address=self._bind_address, ice_servers=servers, relay_only=self._relay_only)

    async def stop(self) -> None:
        """Give up what is under way in the background."""
        rising, self._rising = self._rising, None
        if rising is not None:
            await _give_up(rising)


def _came_up(dialling: asyncio.Task[Carrier]) -> bool:
    return dialling.done() and not dialling.cancelled() and dialling.exception() is None


async def _first(*dials: asyncio.Task[Carrier]) -> None:
    """Until one has come up, or all have failed."""
    under_way = set(dials)
    while under_way and not any(map(_came_up, dials)):
        await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
        under_way = {dialling for dialling in dials if not dialling.done()}


async def _give_up(dialling: asyncio.Task[Carrier] | None) -> None:
    """Cancel a dial, and close what it may have opened just now."""
    if dialling is None:
        return
    dialling.cancel()
    await asyncio.wait({dialling})
    if _came_up(dialling):
        await dialling.result().aclose()
