"""The one error of the wire format."""


class WireError(Exception):
    """Bytes that are not what docs/PROTOCOL.md describes, or values that it has no bytes for.

    Decoders raise nothing else, whatever they are given; the message says what is wrong and never repeats the peer's bytes.

    Attributes:
        n: number of the malformed control message where it could still be read, so that the receiver can count and refuse
            it; None otherwise.
    """

    def __init__(self, message: str, n: int | None = None) -> None:
        super().__init__(message)
        self.n = n
