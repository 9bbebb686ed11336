"""Pure core: one lobby: who is in it, under which id, and who knows of whom."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from signalling.godot import limits
from signalling.godot.messages import Message, decode
from signalling.godot.names import Wish
from signalling.godot.words import LobbyError, Words
from signalling.rates import Bucket
from soiree.channels import TransferMode
from soiree.link import LobbyMode, LobbySpec

HOST_ID = 1


class Member:
    """One socket, in a lobby or not yet."""

    def __init__(self, conn: int, key: str, wish: Wish, drawn_id: int, now: float) -> None:
        self.conn = conn
        self.key = key
        """Stands for its address in limits."""
        self.wish = wish
        self.drawn_id = drawn_id
        self.lobby: Lobby | None = None
        self._messages = Bucket(float(limits.MESSAGES_BURST), now)
        self._offers = Bucket(float(limits.OFFERS_BURST), now)

    def read(self, text: str, now: float) -> Message:
        """What a text frame of its says. Raises LobbyError."""
        if self._messages.take(limits.MESSAGES_PER_S, limits.MESSAGES_BURST, now):
            raise LobbyError(Words.TOO_MANY_MESSAGES)
        if len(text) > limits.MAX_MESSAGE_CHARS:
            raise LobbyError(Words.TOO_LONG)
        return decode(text)

    def count_offer(self, now: float) -> None:
        """It makes the relay open a connection. Raises LobbyError."""
        if self._offers.take(limits.OFFERS_PER_S, limits.OFFERS_BURST, now):
            raise LobbyError(Words.TOO_MANY_MESSAGES)


@dataclass(slots=True, eq=False)
class Lobby:
    """A lobby."""

    name: str
    handle: str
    """Names it where the name must not be told."""
    mode: LobbyMode
    mesh: bool
    channels: tuple[TransferMode, ...]
    creator: str
    """Address key of who made it."""
    since: float
    host: Member | None = None
    """Who may seal it, and, but for a relayed one, is peer 1."""
    members: dict[int, Member] = field(default_factory=dict)
    """By connection, in order of arrival."""
    left: "OrderedDict[int, None]" = field(default_factory=OrderedDict)
    """Ids of those who have gone, at most LEFT_REMEMBERED."""
    sealed_at: float | None = None

    @property
    def sealed(self) -> bool:
        """Whether nobody may join any more, and games go on without their sockets."""
        return self.sealed_at is not None

    @property
    def relayed(self) -> bool:
        """Whether its packets go by the relay."""
        return self.mode is not LobbyMode.DIRECT

    @property
    def full(self) -> bool:
        """Whether nobody fits in."""
        most = limits.MAX_PEERS_PER_BRIDGE if self.mode is LobbyMode.BRIDGE else limits.MAX_PEERS_PER_LOBBY
        return len(self.members) >= most

    def spec(self) -> LobbySpec:
        """As the relay must know it."""
        return LobbySpec(self.handle, self.mode, self.channels)

    def id_of(self, member: Member) -> int:
        """The id by which the others know a member."""
        hosting = member is self.host and self.mode is not LobbyMode.RELAY
        return HOST_ID if hosting else member.drawn_id

    def member(self, peer: int) -> Member | None:
        """The member that the others know by this id."""
        return next((member for member in self.members.values() if self.id_of(member) == peer), None)

    def acquaintances(self, member: Member) -> Iterator[Member]:
        """Those whom a member is to be connected with: all in a mesh, else host and guests, and nobody where the relay is peer 1."""
        if self.mode is LobbyMode.RELAY:
            return
        for other in self.members.values():
            if other is not member and (self.mesh or self.host in (member, other)):
                yield other

    def forget(self, member: Member) -> None:
        """A member is gone. Whoever still writes to it could not know."""
        self.left[self.id_of(member)] = None
        if len(self.left) > limits.LEFT_REMEMBERED:
            self.left.popitem(last=False)
        del self.members[member.conn]
        member.lobby = None
