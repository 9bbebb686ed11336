"""Lobbies as a running thing: joins the core, its sockets, the relay and the clock. It is the `LobbyHome` of its relay."""

import asyncio
import itertools
import logging
import random
from collections.abc import Iterable
from typing import Protocol

import msgspec

from signalling.bodies import ice_server_view
from signalling.godot.lobbies import Lobbies
from signalling.godot.lobby import Lobby
from signalling.godot.messages import Message, Type, encode
from signalling.godot.names import Wish
from signalling.godot.outputs import Answered, Close, Connect, End, Errand, Found, Leave, Output, Say, TellIce
from signalling.godot.words import LobbyError, Words
from signalling.homeserver import Homeserver
from signalling.limits import EARLY_CANDIDATES
from soiree.link import LinkError, LobbyLink, PeerTraffic
from soiree.rtc.engine import Candidate

log = logging.getLogger("soiree.home.godot")


class Line(Protocol):
    """A socket, as the desk sees it. Calls return at once."""

    @property
    def base_url(self) -> str:
        """This server's address as the client knows it."""

    def tell(self, text: str) -> None: ...

    def hang_up(self, code: int, words: str) -> None: ...


class LobbyDesk:
    """The lobbies of a homeserver. Make it in the running event loop."""

    def __init__(self, home: Homeserver, link: LobbyLink | None) -> None:
        """Args: `link` is None where no relay carries lobbies: then all of them are direct."""
        self.home = home
        self.lobbies = Lobbies(random.SystemRandom())
        self._link = link
        self._lines: dict[int, Line] = {}
        self._numbers = itertools.count(1)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._early: dict[tuple[str, int, int], list[Candidate]] = {}
        """The relay's candidates for descriptions that are still on their way here."""
        if link is not None:
            link.listen_lobbies(self)

    # Sockets

    def arrive(self, line: Line, key: str, wish: Wish) -> int:
        """A socket has opened; gives its number."""
        conn = next(self._numbers)
        self._lines[conn] = line
        self.lobbies.arrive(conn, key, wish, self.home.monotonic())
        self._settle()
        return conn

    async def hear(self, conn: int, text: str) -> None:
        """A text frame of a socket; returns when the relay has done what it asks for."""
        self.lobbies.hear(conn, text, self.home.monotonic())
        await self._run(self._carry_out())

    def refuse(self, conn: int, error: LobbyError) -> None:
        """A client has done what the core cannot see."""
        self.lobbies.refuse(conn, error)
        self._settle()

    def depart(self, conn: int) -> None:
        """A socket has closed."""
        self._lines.pop(conn, None)
        self.lobbies.depart(conn)
        self._settle()

    def stop(self) -> None:
        """The server stops."""
        self.lobbies.stop()
        self._settle()
        if self._timer is not None:
            self._timer.cancel()

    async def traffic(self, lobby: Lobby) -> list[PeerTraffic]:
        """What the peers of a lobby have sent by the relay, and got."""
        if self._link is None or not lobby.relayed:
            return []
        return await self._link.traffic(lobby.handle)

    # What the relay tells (LobbyHome)

    def leg_found(self, lobby_id: str, peer: int, other: int, candidate: Candidate) -> None:
        early = self._early.get((lobby_id, peer, other))
        if early is not None:
            if len(early) < EARLY_CANDIDATES:
                early.append(candidate)
            return
        self.lobbies.found(lobby_id, peer, other, candidate)
        self._settle()

    def lobby_ended(self, lobby_id: str) -> None:
        self.lobbies.ended(lobby_id)
        self._settle()

    # What the core wants

    def _settle(self) -> None:
        """Carry out what the core wants, the relay's part of it beside the caller."""
        errands = self._carry_out()
        if errands:
            task = self._loop.create_task(self._run(errands))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _carry_out(self) -> list[Errand]:
        """Tell sockets, re-arm the timer; gives what is left for the relay."""
        errands = [left for output in self.lobbies.drain() if (left := self._say(output)) is not None]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.lobbies.next_at()
        if due is not None:
            self._timer = self._loop.call_later(max(0.0, due - self.home.monotonic()), self._on_time)
        return errands

    def _on_time(self) -> None:
        self._timer = None
        self.lobbies.advance(self.home.monotonic())
        self._settle()

    def _say(self, output: Output) -> Errand | None:
        match output:
            case Say(conn, message):
                self._tell(conn, message)
            case TellIce(conn, peer):
                self._tell_ice(conn, peer)
            case Close(conn, code, words):
                if (line := self._lines.pop(conn, None)) is not None:
                    line.hang_up(code, words)
            case _:
                return output
        return None

    def _tell(self, conn: int, message: Message) -> None:
        if (line := self._lines.get(conn)) is not None:
            line.tell(encode(message))

    def _tell_ice(self, conn: int, peer: int) -> None:
        if (line := self._lines.get(conn)) is not None:
            servers = self.home.ice_servers(peer_id=peer, base_url=line.base_url, now=self.home.wall())
            views = msgspec.json.encode([ice_server_view(server) for server in servers]).decode()
            line.tell(encode(Message(Type.ICE, peer, views)))

    async def _run(self, errands: Iterable[Errand]) -> None:
        for errand in errands:
            try:
                await self._ask(errand)
            except LinkError as error:
                log.debug("the relay refused: %s", error.code)
                if isinstance(errand, Connect | Answered):
                    words = Words.BAD_SDP if error.code == "bad-sdp" else Words.NO_RELAY
                    self.refuse(errand.conn, LobbyError(words))

    async def _ask(self, errand: Errand) -> None:
        link = self._link
        if link is None:
            raise LinkError("unavailable", "No relay carries lobbies.")
        match errand:
            case Connect():
                await self._connect(link, errand)
            case Answered(_, lobby_id, peer, other, sdp):
                await link.answered(lobby_id, peer, other, sdp)
            case Found(lobby_id, peer, other, candidate):
                await link.leg_candidate(lobby_id, peer, other, candidate)
            case Leave(lobby_id, peer):
                await link.leave_lobby(lobby_id, peer)
            case End(lobby_id, when_empty):
                await link.end_lobby(lobby_id, when_empty=when_empty)

    async def _connect(self, link: LobbyLink, asked: Connect) -> None:
        ways = ((asked.spec.lobby_id, asked.peer, asked.other), (asked.spec.lobby_id, asked.other, asked.peer))
        for way in ways:
            self._early[way] = []
        try:
            self.lobbies.bridged(asked, await link.connect(asked.spec, asked.peer, asked.other, asked.sdp))
        finally:
            for way in ways:
                for candidate in self._early.pop(way, ()):
                    self.lobbies.found(*way, candidate)
            self._settle()
