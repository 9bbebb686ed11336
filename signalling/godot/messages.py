"""Pure core: the messages of the lobby protocol: JSON objects `{"type": int, "id": int, "data": string}`, one in each text frame."""

from dataclasses import dataclass
from enum import IntEnum

import msgspec

from signalling.godot.words import LobbyError, Words
from soiree.rtc.engine import Candidate

MAX_ID = 2**31 - 1


class Type(IntEnum):
    """What a message is. ICE is ours: it goes only to clients that asked for it."""

    JOIN = 0
    ID = 1
    PEER_CONNECT = 2
    PEER_DISCONNECT = 3
    OFFER = 4
    ANSWER = 5
    CANDIDATE = 6
    SEAL = 7
    ICE = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message, either way."""

    type: int
    """One of `Type`, or what a client made up."""
    id: int = 0
    data: str = ""


class _Said(msgspec.Struct):
    """As it stands in the frame. Godot writes whole numbers as they are, or with a point."""

    type: int | float
    id: int | float
    data: str


_DECODER = msgspec.json.Decoder(_Said)


def decode(text: str) -> Message:
    """A client's message. Raises LobbyError for whatever is not of that form."""
    try:
        said = _DECODER.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise LobbyError(Words.INVALID_FORMAT) from None
    # As the official servers do, what has a fraction is rounded down.
    if not 0 <= said.type <= MAX_ID or not 0 <= said.id <= MAX_ID:
        raise LobbyError(Words.INVALID_FORMAT)
    return Message(int(said.type), int(said.id), said.data)


def encode(message: Message) -> str:
    """A message of ours."""
    return msgspec.json.encode({"type": int(message.type), "id": message.id, "data": message.data}).decode()


def candidate_of(data: str) -> Candidate | None:
    """The candidate in the data of CANDIDATE, which is three lines: media id, media index, candidate; None when it is not."""
    lines = [line for line in data.split("\n") if line]
    if len(lines) != 3 or not lines[1].isdecimal():
        return None
    return Candidate(lines[2], lines[0])


def candidate_data(candidate: Candidate) -> str:
    """A candidate as data of CANDIDATE. All of a data channel's are of the first media."""
    return f"\n{candidate.mid}\n0\n{candidate.candidate}"
