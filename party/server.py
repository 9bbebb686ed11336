"""The whole server in one process: homeserver and relay, joined by direct calls, behind one port."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from party import turning
from party.announce import announce, lobby_url, webrtc_words
from party.config import PartyConfig
from party.demo.opening import opening
from relay.config import RelayConfig
from relay.service import RelayService
from relay.whereabouts import located
from signalling.app import make_app
from signalling.ice import IceServers, configured_ice_servers
from signalling.keys import load_secret
from signalling.operations import DOOR, HOME
from soiree.ticket import TicketIssuer
from turn.metrics import TurnMetrics
from turn.server import TurnServer

log = logging.getLogger("soiree.party")

GOODBYE_S = 3.0
"""How long open requests may take to end once the server stops."""


class PartyServer:
    """A party: `await start()`, then `await stop()`; or `await run()` until a signal."""

    def __init__(self, config: PartyConfig) -> None:
        self.config = config
        self.url = ""
        """The lobby's address, known once started."""
        self._closing = AsyncExitStack()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT. Raises what `start` raises."""
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        await self.start()
        try:
            await stopping.wait()
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen, and say so.

        Raises:
            soiree.settings.SettingError: the secret can neither be read nor kept, or an address cannot be looked up.
            soiree.rtc.EngineUnavailableError: the engine that was asked for is not installed.
            turn.errors.ListenError: the TURN server cannot listen, or finds no address to relay from.
            OSError: the port is taken.
        """
        try:
            await self._start()
        except BaseException:
            await self._closing.aclose()
            raise

    async def stop(self) -> None:
        """Tell everybody, then close everything."""
        await self._closing.aclose()

    async def _start(self) -> None:
        issuer = TicketIssuer(load_secret(self.config.home))
        config = await located(self.config.relay)
        relay = RelayService(config, issuer.verifier())
        await relay.start()
        self._closing.push_async_callback(relay.stop)
        turn = await self._start_turn(relay, config)
        app = make_app(self.config.home, relay, issuer, lobbies=relay.lobbies, ice_servers=self._ice_servers(turn))
        app.router.add_get("/ws", relay.websocket)
        app.router.add_get("/metrics", partial(_metrics, relay))
        port = await self._listen(app)
        # Last in is first out: peers hear why before the server closes their sockets.
        self._closing.push_async_callback(relay.stop)
        self.url = lobby_url(self.config.home.public_url, self.config.home.host, port)
        room = await self._begin_demo(app, relay, port) if self.config.demo != "none" else None
        announce(self.url, room, self._serving(relay))

    async def _start_turn(self, relay: RelayService, config: RelayConfig) -> TurnServer | None:
        if not turning.wanted(self.config) or relay.describe().engine is None:
            return None
        public = tuple(public.address for public in config.rtc.public_addresses)
        plan = turning.plan(self.config, dict(os.environ), public)
        turn = await turning.start(plan, turning.IcePorts(relay.listens_at))
        self._closing.push_async_callback(turn.stop)
        relay.metrics.registry.register(TurnMetrics(turn))
        return turn

    def _ice_servers(self, turn: TurnServer | None) -> IceServers | None:
        if turn is None:
            return None
        return configured_ice_servers(self.config.home, turning.urls_of(turn), turn.config.secret)

    def _serving(self, relay: RelayService) -> str:
        asked = self.config.relay
        named = asked.rtc.port is not None or asked.rtc.port_range is not None
        wished_port = None if named else asked.wished_port
        why_none = self.config.why_no_webrtc or "no WebRTC engine is installed"
        return webrtc_words(relay.describe().engine, relay.udp_port, wished_port, why_none)

    async def _listen(self, app: web.Application) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=GOODBYE_S)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self.config.home.host, self.config.home.port).start()
        port: int = runner.addresses[0][1]
        return port

    async def _begin_demo(self, app: web.Application, relay: RelayService, port: int) -> str:
        url = lobby_url(None, self.config.home.host, port)
        room, life = await opening(self.config, app[HOME], app[DOOR], relay, url)
        task = asyncio.create_task(_live(life))

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._closing.push_async_callback(end)
        return f"{self.url}r/{room.code}"


async def _live(life: Coroutine[None, None, None]) -> None:
    """The party goes on without its demo."""
    try:
        await life
    except Exception:
        log.exception("the demo has failed")


async def _metrics(relay: RelayService, _request: web.Request) -> web.Response:
    return web.Response(body=generate_latest(relay.metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
