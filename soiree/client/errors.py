"""Errors of the Python client: each carries a code to decide by and words for a person."""

from collections.abc import Sequence

from soiree.wire.messages import Refused


class SoireeError(Exception):
    """Base of everything that the client raises on purpose.

    Attributes:
        code: what went wrong, as docs/PROTOCOL.md spells it ("room-full", "stale", "kicked", …).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JoinError(SoireeError):
    """The room could not be joined: the homeserver said no, cannot be reached, or no transport came up.

    Attributes:
        message: words for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.message = message


class RefusedError(SoireeError):
    """The relay refused a command.

    Attributes:
        reason: why, from docs/PROTOCOL.md section 9; the same as `code`.
        entity: id of the entity concerned, 0 where none is.
        owner: peer id of its owner as the relay knows it, 0 for nobody.
        epoch: its epoch as the relay knows it.
        outcomes: of a group, what became of each of its messages; empty for a command.
    """

    outcomes: Sequence[object] = ()

    def __init__(self, reason: str, entity: int, owner: int, epoch: int) -> None:
        about = f"entity {entity}, owned by {owner} at epoch {epoch}" if entity else "no entity concerned"
        super().__init__(reason, f"refused: {reason} ({about})")
        self.reason = reason
        self.entity = entity
        self.owner = owner
        self.epoch = epoch

    @staticmethod
    def of(refused: Refused) -> "RefusedError":
        """What the relay said."""
        return RefusedError(refused.reason, refused.entity, refused.owner, refused.epoch)


class GoneError(RefusedError):
    """The entity is not here any more, so nothing can be asked of it; the relay would call it unknown, too.

    Attributes:
        why: what it went for, as in `Despawned.reason`: "sight" means that it is only out of sight. It gets a new handle when it is back.
    """

    def __init__(self, why: str, entity: int, owner: int, epoch: int) -> None:
        super().__init__("unknown-entity", entity, owner, epoch)
        self.why = why
        self.args = (f"entity {entity} is {'out of sight' if why == 'sight' else f'gone ({why})'}",)


class RoomClosedError(SoireeError):
    """The session has ended, so nothing more can be said or heard in it.

    Attributes:
        reason: why, from docs/PROTOCOL.md section 9; the same as `code`.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(reason, message or f"the session has ended: {reason}")
        self.reason = reason


class SlowReaderError(SoireeError):
    """A reader of `Room.changes()` fell behind by more than its queue holds; what came after is lost to this reader, and only to it."""

    def __init__(self, bound: int) -> None:
        super().__init__(
            "slow-reader", f"more than {bound} changes waited unread; start anew from room.entities and room.peers"
        )
