"""Pure core: one room as the directory keeps it, and the rules for its name and code."""

from dataclasses import dataclass, field
from random import Random

from signalling.errors import InvalidError
from signalling.limits import DEFAULT_CAPACITY, DEFAULT_MAX_SPEED_M_S
from signalling.passwords import PasswordHash
from soiree.link import RoomSpec
from soiree.wire.limits import MAX_NAME_CHARS

CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Nothing that is mistaken for another when read aloud or copied by hand."""
CODE_CHARS = 7
"""31⁷ codes: with 1000 rooms a guess finds one in 27 million tries."""
ID_BITS = 64


@dataclass(frozen=True, slots=True)
class RoomDraft:
    """What the creator of a room decides."""

    name: str
    capacity: int = DEFAULT_CAPACITY
    """Most peers, those expected included."""
    public: bool = True
    """Whether the lobby shows it."""
    password: PasswordHash | None = None
    max_speed_m_s: float = DEFAULT_MAX_SPEED_M_S


@dataclass(frozen=True, slots=True)
class Change:
    """What a host changes; None leaves a thing as it is."""

    name: str | None = None
    capacity: int | None = None
    public: bool | None = None
    locked: bool | None = None
    password: PasswordHash | None = None
    clear_password: bool = False


@dataclass(slots=True)
class Room:
    """A room: what was decided, who is in it, who is expected."""

    room_id: str
    code: str
    name: str
    capacity: int
    public: bool
    password: PasswordHash | None
    max_speed_m_s: float
    created_at: int
    """Unix seconds."""
    creator: str
    """Address key of whoever made it, for the bound of rooms per address; empty for the server's own."""
    permanent: bool
    """Never expires."""
    empty_since: float | None
    """Seconds of `now` since nobody is here or expected; None while somebody is."""
    locked: bool = False
    present: set[int] = field(default_factory=set)
    """Peer ids whose session was opened and has not ended."""
    expected: dict[int, float] = field(default_factory=dict)
    """Peer ids with a ticket not yet used, and when the place is given up."""
    hosts: set[int] = field(default_factory=set)
    """Which of all these came with the host key."""

    @property
    def taken(self) -> int:
        """Places taken or promised."""
        return len(self.present) + len(self.expected)

    def spec(self) -> RoomSpec:
        """The room as its relay must know it."""
        return RoomSpec(self.room_id, self.code, self.name, self.capacity, self.max_speed_m_s)


def tidy_name(name: str, field: str = "name") -> str:
    """A name without blanks around it. Raises InvalidError for an empty one, a long one, or control characters."""
    if any(character < " " or character == "\x7f" for character in name):
        raise InvalidError("A name cannot hold control characters.", field=field)
    tidy = name.strip()
    if not tidy:
        raise InvalidError("Choose a name.", field=field)
    if len(tidy) > MAX_NAME_CHARS:
        raise InvalidError(f"Choose a name of at most {MAX_NAME_CHARS} characters.", field=field)
    return tidy


def draw_code(rng: Random) -> str:
    """A code for links."""
    return "".join(rng.choices(CODE_LETTERS, k=CODE_CHARS))


def draw_id(rng: Random) -> str:
    """A room id: 16 hexadecimal digits."""
    return f"{rng.getrandbits(ID_BITS):016x}"
