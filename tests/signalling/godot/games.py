"""A game in Python: what Godot's `WebRTCMultiplayerPeer` and the official demo's client do, from their description, over our engines."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import WSMsgType

from relay.config import RelayConfig
from relay.service import RelayService
from signalling.config import HomeConfig
from signalling.godot.messages import candidate_data, candidate_of
from soiree.channels import TransferMode, godot_layout
from soiree.rtc import Candidate, create
from soiree.ticket import TicketIssuer
from tests.relay.transports.stage import LOOPBACK, Recorder
from tests.signalling.conftest import SECRET, Lobby, running_lobby
from tests.signalling.godot.clients import (
    ANSWER,
    CANDIDATE,
    ID,
    JOIN,
    OFFER,
    PEER_CONNECT,
    PEER_DISCONNECT,
    SEAL,
    Guest,
)

WITHIN_S = 15.0


class Ears(Recorder):
    """A recorder that passes local candidates on."""

    def __init__(self, game: "Game") -> None:
        super().__init__()
        self._game = game

    def candidate(self, conn: int, candidate: Candidate) -> None:
        if candidate.candidate:
            self._game.later(self._game.guest.say(CANDIDATE, conn, candidate_data(candidate)))


@dataclass
class Game:
    """One instance of a game; a connection has the number of the peer that it leads to."""

    guest: Guest
    engine_name: str
    channels: tuple[TransferMode, ...] = ()
    peers: list[int] = field(default_factory=list)
    """Those that the lobby told of."""
    gone: list[int] = field(default_factory=list)
    sealed: bool = False
    parted: tuple[int | None, str] | None = None
    _tasks: "set[asyncio.Task[object]]" = field(default_factory=set)

    async def start(self, name: str, *, mesh: bool) -> None:
        """Join, and negotiate with whoever is there or comes."""
        self.ears = Ears(self)
        self.engine = create(self.engine_name, LOOPBACK, self.ears)
        self.layout = godot_layout(self.channels)
        self.joined = asyncio.Event()
        self.changed = asyncio.Event()
        await self.guest.say(JOIN, 0 if mesh else 1, name)
        self.later(self._listen())
        async with asyncio.timeout(WITHIN_S):
            await self.joined.wait()

    def later(self, work: Coroutine[None, None, object]) -> None:
        """Do something beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self) -> None:
        async for frame in self.guest.ws:
            assert frame.type is WSMsgType.TEXT
            await self._take(*_read(frame.data))
            self.changed.set()
        reason = getattr(self.guest.ws, "_close_reason", "")
        self.parted = self.guest.ws.close_code, str(reason)
        self.changed.set()

    async def _take(self, kind: int, peer: int, data: str) -> None:
        if kind == ID:
            self.guest.peer = peer
        elif kind == JOIN:
            self.guest.lobby = data
            self.joined.set()
        elif kind == PEER_CONNECT:
            self.peers.append(peer)
            if peer < self.guest.peer:
                await self.guest.say(OFFER, peer, await self.engine.offer(peer, self.layout))
        elif kind == PEER_DISCONNECT:
            self.gone.append(peer)
            self.engine.close(peer)
        elif kind == OFFER:
            assert peer in self.peers, "an offer from nobody that was told of"
            await self.guest.say(ANSWER, peer, await self.engine.accept(peer, data, self.layout))
        elif kind == ANSWER:
            await self.engine.answered(peer, data)
        elif kind == CANDIDATE and (candidate := candidate_of(data)) is not None:
            await self.engine.add_candidate(peer, candidate)
        elif kind == SEAL:
            self.sealed = True

    async def until_open(self, *peers: int) -> None:
        """Connected with all of these."""
        await self.ears.until(lambda: set(peers) <= set(self.ears.opens), WITHIN_S)

    def send(self, peer: int, payload: bytes, stream: int = 1) -> None:
        """A packet to a peer."""
        assert self.engine.send(peer, stream, payload)

    async def until_heard(self, *packets: tuple[int, int, bytes]) -> None:
        """All of these (peer, stream, payload) have come."""
        await self.ears.until(lambda: set(packets) <= {tuple(packet) for packet in self.ears.received}, WITHIN_S)

    def heard(self, peer: int, stream: int = 1) -> list[bytes]:
        """What a peer said on a stream so far."""
        return [said.payload for said in self.ears.received if said.conn == peer and said.stream == stream]

    async def leave(self) -> None:
        """Go, as a game that is closed."""
        await self.guest.ws.close()
        await self.engine.aclose()


def _read(text: str) -> tuple[int, int, str]:
    said = json.loads(text)
    return said["type"], said["id"], said["data"]


class Arcade:
    """Games before one server with one relay."""

    def __init__(self, lobby: Lobby, relay: RelayService, engine: str) -> None:
        self.lobby = lobby
        self.relay = relay
        self.engine = engine
        self.games: list[Game] = []

    async def game(
        self, name: str = "", *, mesh: bool = False, query: str = "", channels: Sequence[TransferMode] = ()
    ) -> Game:
        """Start one."""
        ws = await self.lobby.client.ws_connect(f"/godot{query}")
        game = Game(Guest(ws), self.engine, tuple(channels))
        self.games.append(game)
        await game.start(name, mesh=mesh)
        return game

    async def settled(self) -> None:
        """The relay has all of its connections open too: until then it does not keep what is unreliable."""
        async with asyncio.timeout(WITHIN_S):
            while not all(leg.opened for leg in self.relay.lobbies._legs.values()):  # noqa: ASYNC110 (the relay tells nobody)
                await asyncio.sleep(0.005)

    async def aclose(self) -> None:
        """All leave."""
        await asyncio.gather(*(game.leave() for game in self.games))


@asynccontextmanager
async def arcade(engine: str, config: HomeConfig | None = None) -> AsyncIterator[Arcade]:
    """A server with a relay on this engine, and games on it too."""
    relay = RelayService(RelayConfig(engine=engine, rtc=LOOPBACK), TicketIssuer(SECRET).verifier())
    await relay.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(relay.stop)
        lobby = await stack.enter_async_context(running_lobby(config, relay, lobbies=relay.lobbies))
        made = Arcade(lobby, relay, engine)
        stack.push_async_callback(made.aclose)
        yield made
