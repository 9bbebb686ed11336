"""Pure core: one signalling socket's talk, as docs/PROTOCOL.md 1.2 has it: what may be said when, and how much of it.

`now` is monotonic seconds.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from signalling.errors import SignalError
from signalling.limits import (
    MAX_CANDIDATE_CHARS,
    MAX_CANDIDATES,
    MAX_MID_CHARS,
    MAX_OFFER_CHARS,
    MAX_OFFERS,
    MAX_SIGNAL_BYTES,
    SIGNAL_BURST,
    SIGNAL_RATE_PER_S,
)
from signalling.rates import Bucket
from soiree.ticket import MAX_TOKEN_CHARS


class OfferMessage(msgspec.Struct, frozen=True, tag="offer"):
    """The client offers a connection."""

    token: Annotated[str, Meta(max_length=MAX_TOKEN_CHARS)]
    sdp: Annotated[str, Meta(max_length=MAX_OFFER_CHARS)]


class CandidateMessage(msgspec.Struct, frozen=True, tag="candidate"):
    """A trickled candidate, either way; an empty one ends the gathering."""

    candidate: Annotated[str, Meta(max_length=MAX_CANDIDATE_CHARS)]
    mid: Annotated[str, Meta(max_length=MAX_MID_CHARS)] = "0"


class AnswerMessage(msgspec.Struct, frozen=True, tag="answer"):
    """The relay's answer."""

    sdp: str
    connection: str


class ClosedMessage(msgspec.Struct, frozen=True, tag="closed"):
    """The connection is gone."""

    connection: str
    reason: str


class ErrorMessage(msgspec.Struct, frozen=True, tag="error"):
    """A misuse; the socket closes after it."""

    code: str
    message: str


Heard = OfferMessage | CandidateMessage
Told = AnswerMessage | CandidateMessage | ClosedMessage | ErrorMessage

_DECODER: msgspec.json.Decoder[Heard] = msgspec.json.Decoder(OfferMessage | CandidateMessage)
_KNOWN: Final = ("offer", "candidate")


class _Typed(msgspec.Struct, frozen=True):
    type: str


class Negotiation:
    """Checks what a client says on one socket."""

    def __init__(self, now: float) -> None:
        self._bucket = Bucket(float(SIGNAL_BURST), now)
        self._offers = 0
        self._candidates = 0
        self._session: tuple[str, str] | None = None

    def hear(self, text: str, now: float) -> Heard:
        """One text frame. Raises SignalError: "oversized", "rate", "malformed" or "protocol"."""
        if self._bucket.take(SIGNAL_RATE_PER_S, SIGNAL_BURST, now):
            raise SignalError("rate", "Too many messages on the signalling socket.")
        data = text.encode("utf-8", "surrogatepass")
        if len(data) > MAX_SIGNAL_BYTES:
            raise SignalError("oversized", f"A signalling message has at most {MAX_SIGNAL_BYTES} bytes.")
        message = _decoded(data)
        if isinstance(message, OfferMessage):
            self._offers += 1
            self._candidates = 0
            if self._offers > MAX_OFFERS:
                raise SignalError("rate", f"One signalling socket takes at most {MAX_OFFERS} offers.")
            return message
        if not self._offers:
            raise SignalError("protocol", "An offer must come before candidates.")
        self._candidates += 1
        if self._candidates > MAX_CANDIDATES:
            raise SignalError("rate", f"One connection takes at most {MAX_CANDIDATES} candidates.")
        return message

    def belongs(self, room: str, session: str) -> None:
        """Note whose session an offer's token names. Raises SignalError when it is not the one of the offers before."""
        if self._session is not None and self._session != (room, session):
            raise SignalError("protocol", "One signalling socket carries the negotiation of one session.")
        self._session = (room, session)


def _decoded(data: bytes) -> Heard:
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        said: str | Literal[False] = msgspec.json.decode(data, type=_Typed).type
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = False
    if said is False or said in _KNOWN:
        raise SignalError("malformed", "A signalling message is a JSON object with a type and that type's fields.")
    raise SignalError("protocol", "A client sends offers and candidates, nothing else.")
