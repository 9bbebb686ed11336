"""Pure core: `group`: several commands as one, answered as one (docs/PROTOCOL.md 4.1)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from relay.entities import NONE, Entity
from relay.errors import RefusalError
from relay.scene import Scene
from relay.session import Session
from soiree.wire import messages as m
from soiree.wire.control import Unknown, grouped_from_client
from soiree.wire.errors import WireError

Handler = Callable[[Scene, Session, Any], Entity | None]
"""What carries out a command; of `spawn`, the entity that it made."""


def group(scene: Scene, session: Session, message: m.Group, handlers: Mapping[type[m.Message], Handler]) -> None:
    """Carry out each command; one that is refused undoes none of the others.

    Raises:
        RefusalError: `malformed`, something in it cannot be read; nothing was carried out.
    """
    try:
        commands = grouped_from_client(message)
    except WireError as error:
        raise RefusalError("malformed") from error
    spawned: list[int] = []
    with scene.together():
        for command in commands:
            if session.ending is not None:
                break
            made = None
            if isinstance(command, Unknown):
                scene.refuse(session, message.n, RefusalError("malformed"))
            else:
                made = _carry_out(scene, session, command, message.n, spawned, handlers)
            spawned.append(made.id if made is not None else NONE)


def _carry_out(
    scene: Scene,
    session: Session,
    command: m.InGroupFromClient,
    n: int,
    spawned: list[int],
    handlers: Mapping[type[m.Message], Handler],
) -> Entity | None:
    try:
        if isinstance(command, m.Spawn | m.SetParent) and command.parent < 0:
            command = msgspec.structs.replace(command, parent=_earlier(command.parent, spawned))
        return handlers[type(command)](scene, session, msgspec.structs.replace(command, n=n))
    except RefusalError as why:
        scene.refuse(session, n, why)
        return None


def _earlier(reference: int, spawned: list[int]) -> int:
    """The entity that message −reference of the group has spawned. Raises RefusalError `unknown-entity`."""
    place = -reference - 1
    if place >= len(spawned) or not spawned[place]:
        raise RefusalError("unknown-entity")
    return spawned[place]
