"""Pure core: the relay's errors, one tree.

Two branches: what a peer asked for and may not have (`RefusalError`, answered with `refused`), and what ends its connection
(`MisbehaviourError`, told with `error`). Misuse of a core by our own code is a plain ValueError or KeyError.
"""

from soiree.wire.messages import NOBODY


class RelayError(Exception):
    """Base of everything that a core of the relay raises on purpose.

    Attributes:
        code: a reason of docs/PROTOCOL.md section 9, as the peer will read it.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class RefusalError(RelayError):
    """A command that is not carried out; nothing has changed.

    Attributes:
        entity: what it was about, 0 for nothing.
        owner: owner of that entity now, 0 for nobody.
        epoch: epoch of that entity now, 0 where there is none.
    """

    def __init__(self, code: str, entity: int = 0, owner: int = NOBODY, epoch: int = 0) -> None:
        super().__init__(code)
        self.entity = entity
        self.owner = owner
        self.epoch = epoch


class StateError(RefusalError):
    """A placed record that cannot be used: code `state`, or `speed` for a jump that nothing could make."""

    def __init__(self, message: str, code: str = "state") -> None:
        super().__init__(code)
        self.args = (message,)


class MisbehaviourError(RelayError):
    """A peer broke the protocol: its connection ends with this code and these words."""
