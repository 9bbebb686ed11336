"""Pure core: why a lobby's socket is closed, in the words and with the codes of the official servers, and some of our own."""

from enum import StrEnum
from typing import Final

REFUSED: Final = 4000
"""Close code of everything that went wrong."""
COMPLETE: Final = 1000
GOING_AWAY: Final = 1001


class Words(StrEnum):
    """Reasons of close frames; games may compare them, so the spelling is the official servers', mistakes included."""

    NO_LOBBY = "Have not joined lobby yet"
    HOST_DISCONNECTED = "Room host has disconnected"
    ONLY_HOST_CAN_SEAL = "Only host can seal the lobby"
    SEAL_COMPLETE = "Seal complete"
    TOO_MANY_LOBBIES = "Too many lobbies open, disconnecting"
    ALREADY_IN_LOBBY = "Already in a lobby"
    LOBBY_DOES_NOT_EXIST = "Lobby does not exists"
    LOBBY_IS_SEALED = "Lobby is sealed"
    INVALID_FORMAT = "Invalid message format"
    NEED_LOBBY = "Invalid message when not in a lobby"
    INVALID_DEST = "Invalid destination"
    INVALID_CMD = "Invalid command"
    TOO_MANY_PEERS = "Too many peers connected"
    INVALID_TRANSFER_MODE = "Invalid transfer mode, must be text"

    LOBBY_IS_FULL = "Lobby is full"
    TOO_MANY_MESSAGES = "Too many messages"
    TOO_LONG = "Message is too long"
    BAD_SDP = "Session description cannot be used"
    NO_RELAY = "This server cannot relay now"
    SHUTDOWN = "Server is stopping"


class LobbyError(Exception):
    """A client's socket is to be closed.

    Attributes:
        words: the reason that it is told.
        code: the close code.
    """

    def __init__(self, words: Words, code: int = REFUSED) -> None:
        super().__init__(words)
        self.words = words
        self.code = code
