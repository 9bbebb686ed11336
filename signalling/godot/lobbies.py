"""Pure core: all lobbies and their sockets, as a state machine.

A socket joins one lobby or makes one, negotiates with the others through it, and leaves it by closing. Behaviour, words and codes are those
of the official servers where those agree; where they do not, docs/PROTOCOL.md section 11 tells which one is followed. `now` is monotonic
seconds. One call is one change; then `drain` gives what is to be done.
"""

from collections.abc import Iterator
from random import Random

from signalling.godot import limits
from signalling.godot.lobby import HOST_ID, Lobby, Member
from signalling.godot.messages import MAX_ID, Message, Type, candidate_data, candidate_of
from signalling.godot.names import Asked, Wish, asked, draw_name, handle_of
from signalling.godot.outputs import Answered, Close, Connect, End, Found, Leave, Output, Say, TellIce
from signalling.godot.words import COMPLETE, GOING_AWAY, REFUSED, LobbyError, Words
from soiree.link import Bridged, LobbyMode
from soiree.rtc.engine import Candidate

FIRST_ID = 2


class Lobbies:
    """The lobbies of this server."""

    def __init__(self, rng: Random) -> None:
        """Args: `rng` draws names and ids: `random.SystemRandom` wherever strangers may guess."""
        self._rng = rng
        self._members: dict[int, Member] = {}
        self._undecided: dict[int, float] = {}
        """When those in no lobby are closed, the first first."""
        self._lobbies: dict[str, Lobby] = {}
        """By name, those that go on without sockets too."""
        self._handles: dict[str, Lobby] = {}
        self._sealed: dict[str, float] = {}
        """When the sockets of a sealed lobby, by name, are closed, the first first."""
        self._ids: set[int] = set()
        self._outputs: list[Output] = []

    def __len__(self) -> int:
        return len(self._lobbies)

    def __iter__(self) -> Iterator[Lobby]:
        return iter(self._lobbies.values())

    def find(self, key: str) -> Lobby | None:
        """The lobby of this name or handle."""
        return self._lobbies.get(key) or self._handles.get(key)

    def by_handle(self, handle: str) -> Lobby | None:
        """The lobby that is called so in public: a name is no handle."""
        return self._handles.get(handle)

    def drain(self) -> list[Output]:
        """What is to be done since the last call, in order."""
        outputs, self._outputs = self._outputs, []
        return outputs

    # Sockets

    def arrive(self, conn: int, key: str, wish: Wish, now: float) -> None:
        """A socket has opened. One too many is closed at once."""
        same = sum(member.key == key for member in self._members.values())
        if len(self._members) >= limits.MAX_PEERS or same >= limits.MAX_PEERS_PER_ADDRESS:
            self._outputs.append(Close(conn, REFUSED, Words.TOO_MANY_PEERS))
            return
        self._members[conn] = Member(conn, key, wish, self._draw_id(), now)
        self._undecided[conn] = now + limits.NO_LOBBY_TIMEOUT_S

    def hear(self, conn: int, text: str, now: float) -> None:
        """A text frame."""
        member = self._members.get(conn)
        if member is None:
            return
        try:
            self._take(member, member.read(text, now), now)
        except LobbyError as error:
            self.refuse(conn, error)

    def refuse(self, conn: int, error: LobbyError) -> None:
        """Close a socket because of what its client did."""
        member = self._members.get(conn)
        if member is not None:
            self._outputs.append(Close(conn, error.code, error.words))
            self._remove(member)

    def depart(self, conn: int) -> None:
        """A socket has closed."""
        member = self._members.get(conn)
        if member is not None:
            self._remove(member)

    def stop(self) -> None:
        """The server stops."""
        for conn in list(self._members):
            self.refuse(conn, LobbyError(Words.SHUTDOWN, GOING_AWAY))

    # Time

    def next_at(self) -> float | None:
        """When `advance` is due."""
        first = [next(iter(due.values())) for due in (self._undecided, self._sealed) if due]
        return min(first, default=None)

    def advance(self, now: float) -> None:
        """Close what has waited for too long."""
        for conn in [conn for conn, at in self._undecided.items() if at <= now]:
            self.refuse(conn, LobbyError(Words.NO_LOBBY))
        for name in [name for name, at in self._sealed.items() if at <= now]:
            self._complete(self._lobbies[name])

    def _complete(self, lobby: Lobby) -> None:
        for member in list(lobby.members.values()):
            self._outputs.append(Close(member.conn, COMPLETE, Words.SEAL_COMPLETE))
            lobby.forget(member)
            self._forget(member)
        self._end(lobby)

    # What clients say

    def _take(self, member: Member, message: Message, now: float) -> None:
        if message.type == Type.JOIN:
            self._join(member, message, now)
            return
        if member.lobby is None:
            raise LobbyError(Words.NEED_LOBBY)
        if message.type == Type.SEAL:
            self._seal(member, member.lobby, now)
        elif message.type in (Type.OFFER, Type.ANSWER, Type.CANDIDATE):
            self._pass_on(member, member.lobby, message, now)
        else:
            raise LobbyError(Words.INVALID_CMD)

    def _join(self, member: Member, message: Message, now: float) -> None:
        if member.lobby is not None:
            raise LobbyError(Words.ALREADY_IN_LOBBY)
        wanted = asked(message.data, member.wish)
        lobby = self._lobbies.get(message.data) if wanted.rest else self._make(member, wanted, message.id == 0, now)
        if lobby is None:
            raise LobbyError(Words.LOBBY_DOES_NOT_EXIST)
        if lobby.sealed:
            raise LobbyError(Words.LOBBY_IS_SEALED)
        if lobby.full:
            raise LobbyError(Words.LOBBY_IS_FULL)
        del self._undecided[member.conn]
        member.lobby = lobby
        lobby.members[member.conn] = member
        self._introduce(member, lobby)

    def _make(self, member: Member, wanted: Asked, mesh: bool, now: float) -> Lobby:
        theirs = sum(lobby.creator == member.key for lobby in self)
        if len(self._lobbies) >= limits.MAX_LOBBIES or theirs >= limits.MAX_LOBBIES_PER_ADDRESS:
            raise LobbyError(Words.TOO_MANY_LOBBIES)
        while (name := wanted.prefix + draw_name(self._rng)) in self._lobbies:
            pass
        mesh = mesh and wanted.mode is not LobbyMode.RELAY
        lobby = Lobby(name, handle_of(name), wanted.mode, mesh, wanted.channels, member.key, now, host=member)
        self._lobbies[name] = self._handles[lobby.handle] = lobby
        return lobby

    def _introduce(self, member: Member, lobby: Lobby) -> None:
        own = lobby.id_of(member)
        self._say(member, Type.ID, own, "true" if lobby.mesh else "")
        if member.wish.ice:
            self._outputs.append(TellIce(member.conn, own))
        if lobby.mode is LobbyMode.RELAY:
            self._say(member, Type.PEER_CONNECT, HOST_ID)
        for other in lobby.acquaintances(member):
            self._say(other, Type.PEER_CONNECT, own)
            self._say(member, Type.PEER_CONNECT, lobby.id_of(other))
        self._say(member, Type.JOIN, 0, lobby.name)

    def _seal(self, member: Member, lobby: Lobby, now: float) -> None:
        if member is not lobby.host:
            raise LobbyError(Words.ONLY_HOST_CAN_SEAL)
        if lobby.sealed:
            return
        lobby.sealed_at = now
        self._sealed[lobby.name] = now + limits.SEAL_CLOSE_TIMEOUT_S
        for each in lobby.members.values():
            self._say(each, Type.SEAL, 0)

    def _pass_on(self, member: Member, lobby: Lobby, message: Message, now: float) -> None:
        peer, other = lobby.id_of(member), message.id
        if lobby.mode is LobbyMode.RELAY:
            if other != HOST_ID:
                raise LobbyError(Words.INVALID_DEST)
            self._ask_relay(member, lobby, message, now)
            return
        addressee = lobby.member(other)
        if addressee is None and other in lobby.left:
            return
        if addressee is None or addressee is member:
            raise LobbyError(Words.INVALID_DEST)
        if lobby.mode is LobbyMode.DIRECT:
            self._say(addressee, Type(message.type), peer, message.data)
        elif addressee in lobby.acquaintances(member):
            self._ask_relay(member, lobby, message, now)
        else:
            raise LobbyError(Words.INVALID_DEST)

    def _ask_relay(self, member: Member, lobby: Lobby, message: Message, now: float) -> None:
        peer, other = lobby.id_of(member), message.id
        if message.type == Type.OFFER:
            member.count_offer(now)
            self._outputs.append(Connect(member.conn, lobby.spec(), peer, other, message.data))
        elif message.type == Type.ANSWER:
            self._outputs.append(Answered(member.conn, lobby.handle, peer, other, message.data))
        elif (candidate := candidate_of(message.data)) is not None:
            self._outputs.append(Found(lobby.handle, peer, other, candidate))

    # What the relay says

    def bridged(self, connect: Connect, bridged: Bridged) -> None:
        """The relay has taken an offer."""
        lobby = self._handles.get(connect.spec.lobby_id)
        if lobby is None:
            return
        if (peer := lobby.member(connect.peer)) is not None:
            self._say(peer, Type.ANSWER, connect.other, bridged.answer)
        if bridged.offer is not None and (other := lobby.member(connect.other)) is not None:
            self._say(other, Type.OFFER, connect.peer, bridged.offer)

    def found(self, lobby_id: str, peer: int, other: int, candidate: Candidate) -> None:
        """The relay has a candidate for `peer`, as if from `other`. Clients have no message for the end of candidates."""
        lobby = self._handles.get(lobby_id)
        member = lobby.member(peer) if lobby is not None else None
        if member is not None and candidate.candidate:
            self._say(member, Type.CANDIDATE, other, candidate_data(candidate))

    def ended(self, lobby_id: str) -> None:
        """The relay has nobody of this lobby any more."""
        lobby = self._handles.get(lobby_id)
        if lobby is not None and not lobby.members:
            self._drop(lobby)

    # Leaving

    def _remove(self, member: Member) -> None:
        self._forget(member)
        lobby = member.lobby
        if lobby is None:
            return
        own, others = lobby.id_of(member), list(lobby.acquaintances(member))
        lobby.forget(member)
        if lobby.mode is not LobbyMode.RELAY and member is lobby.host:
            self._abandon(lobby)
            return
        if member is lobby.host:
            lobby.host = next(iter(lobby.members.values()), None)
        if not lobby.sealed:
            for other in others:
                self._say(other, Type.PEER_DISCONNECT, own)
            if lobby.relayed:
                self._outputs.append(Leave(lobby.handle, own))
        if not lobby.members:
            self._end(lobby)

    def _abandon(self, lobby: Lobby) -> None:
        """The host is gone."""
        for other in list(lobby.members.values()):
            self._outputs.append(Close(other.conn, REFUSED, Words.HOST_DISCONNECTED))
            lobby.forget(other)
            self._forget(other)
        self._end(lobby)

    def _end(self, lobby: Lobby) -> None:
        """Nobody's socket is in the lobby any more. A sealed game that the relay carries goes on."""
        self._sealed.pop(lobby.name, None)
        if lobby.relayed:
            self._outputs.append(End(lobby.handle, lobby.sealed))
        if not (lobby.relayed and lobby.sealed):
            self._drop(lobby)

    def _drop(self, lobby: Lobby) -> None:
        del self._lobbies[lobby.name], self._handles[lobby.handle]

    def _forget(self, member: Member) -> None:
        del self._members[member.conn]
        self._undecided.pop(member.conn, None)
        self._ids.discard(member.drawn_id)

    def _say(self, member: Member, kind: Type, peer: int, data: str = "") -> None:
        self._outputs.append(Say(member.conn, Message(kind, peer, data)))

    def _draw_id(self) -> int:
        while (drawn := self._rng.randint(FIRST_ID, MAX_ID)) in self._ids:
            pass
        self._ids.add(drawn)
        return drawn
