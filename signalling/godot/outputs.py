"""Pure core: what lobbies want done: said to sockets, and asked of the relay."""

from dataclasses import dataclass

from signalling.godot.messages import Message
from signalling.godot.words import Words
from soiree.link import LobbySpec
from soiree.rtc.engine import Candidate


@dataclass(frozen=True, slots=True)
class Say:
    """A message for a socket."""

    conn: int
    message: Message


@dataclass(frozen=True, slots=True)
class TellIce:
    """Tell a socket of ICE servers, made out for this peer."""

    conn: int
    peer: int


@dataclass(frozen=True, slots=True)
class Close:
    """Close a socket; the core has forgotten it."""

    conn: int
    code: int
    words: Words


@dataclass(frozen=True, slots=True)
class Connect:
    """Have the relay take an offer; what it answers goes to `Lobbies.bridged`."""

    conn: int
    """Whose offer it is."""
    spec: LobbySpec
    peer: int
    other: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Give the relay an answer to an offer of its."""

    conn: int
    lobby_id: str
    peer: int
    other: int
    sdp: str


@dataclass(frozen=True, slots=True)
class Found:
    """Give the relay a candidate."""

    lobby_id: str
    peer: int
    other: int
    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Leave:
    """A peer has left: its connections to the relay end."""

    lobby_id: str
    peer: int


@dataclass(frozen=True, slots=True)
class End:
    """A lobby ends at the relay."""

    lobby_id: str
    when_empty: bool


Errand = Connect | Answered | Found | Leave | End
"""What is asked of the relay."""
Output = Say | TellIce | Close | Errand
