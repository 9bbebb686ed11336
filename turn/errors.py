"""What goes wrong in the TURN server: what a client sends, and how its operator set it up."""


class TurnError(Exception):
    """All of them."""


class StunError(TurnError):
    """Bytes that are no STUN message, or a broken one (RFC 8489 section 6.3)."""


class BrokenError(StunError):
    """A message with a whole header and a broken rest. If it asks for something it is told so: it may be sent again in vain otherwise.

    Attributes:
        type_: the type of the message, with method and class.
        transaction: its id.
    """

    def __init__(self, words: str, type_: int, transaction: bytes) -> None:
        super().__init__(words)
        self.type_ = type_
        self.transaction = transaction


class RefusedError(TurnError):
    """An error response (RFC 8489 section 6.3.4, RFC 8656 section 19).

    Attributes:
        code: error code, 300…699.
        reason: its phrase.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason


class ListenError(TurnError):
    """The server cannot listen, or relay, where it was told to."""
