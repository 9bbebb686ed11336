"""Pure core: the speed limit: how far things may go, the jumps past that, and the owners who are still to hear that theirs went too far.

A frame is acknowledged whatever becomes of its records, so an owner would never say a refused one again: it has to be told.
"""

from typing import Final

import numpy as np

from relay.errors import StateError
from relay.table import Bools, Floats, Ints
from relay.world import NO_SEQ, TELEPORT_BURST, World
from soiree.wire.state import TICK_HZ, Slot

CLOCK_SLACK_S: Final = 0.1
SLACK_M: Final = 1.0
"""An entity may be ahead of the speed limit by SLACK_M and CLOCK_SLACK_S at full speed: clients estimate the tick, numbers are rounded."""
TOLD_EVERY_TICKS: Final = TICK_HZ // 2
"""Of one entity an owner hears no more often; by then two of its jumps have come back."""
MAX_TOLD_PER_TICK: Final = 64
"""Refused entities of a room whose owners are told in one tick, those that have waited longest first; the others wait on."""


def may_go(
    world: World, row: Ints, away_m: Floats, elapsed_s: Floats, marked: Bools, tick: int, max_speed_m_s: float
) -> Bools:
    """Which of the entities (rows, each once) may go so far in that time; counted as gone if they may.

    Past the limit it takes the teleport mark and one of the entity's TELEPORT_BURST jumps.
    """
    ahead = np.maximum(0.0, world.overrun_m[row] + away_m - elapsed_s * max_speed_m_s)
    too_far = ahead > SLACK_M + CLOCK_SLACK_S * max_speed_m_s
    if not too_far.any():
        world.overrun_m[row] = ahead
        return ~too_far
    jumps = np.minimum(TELEPORT_BURST, world.jumps[row] + (tick - world.jumped_at[row]) * (TELEPORT_BURST / TICK_HZ))
    jumping = too_far & marked & (jumps >= 1)
    fine = ~too_far
    world.overrun_m[row[fine]] = ahead[fine]
    world.overrun_m[row[jumping]] = 0.0
    world.jumps[row[jumping]] = jumps[jumping] - 1
    world.jumped_at[row[jumping]] = tick
    return np.asarray(fine | jumping, np.bool_)


def move_to_parent(world: World, entity: int, parent: int, placed: bytes, tick: int, max_speed_m_s: float) -> None:
    """Count a change of parent to the place that `placed` says. One that is farther than the limit allows is a jump, marked or not.

    Raises:
        StateError: the record cannot be used, or (`speed`) the entity has no jump left; nothing has changed.
    """
    row = world.row(entity)
    away_m = world.away_m(entity, parent, placed)
    elapsed_s = max(0, tick - int(world.sample[row, Slot.TRANSFORM])) / TICK_HZ
    alone = np.array([row])
    if not may_go(world, alone, np.array([away_m]), np.array([elapsed_s]), np.array([True]), tick, max_speed_m_s)[0]:
        raise StateError(f"{away_m:.0f} m from where it was", "speed")


def note_refused(world: World, row: Ints, seq: Ints) -> None:
    """These transforms, of frames `seq` of their owners, were too fast. A row may come more than once."""
    np.maximum.at(world.refused, row, seq)


def tell(world: World, tick: int) -> tuple[list[int], bool]:
    """Entities whose owners are to hear now that their newest transform was refused, and whether others wait for it."""
    newest = (world.entity > 0) & (world.refused != NO_SEQ) & (world.refused >= world.seq[:, Slot.TRANSFORM])
    waiting = np.flatnonzero(newest)
    due = waiting[tick - world.refusal_told_at[waiting] >= TOLD_EVERY_TICKS]
    due = due[np.argsort(world.refusal_told_at[due], kind="stable")][:MAX_TOLD_PER_TICK]
    world.refused[due] = NO_SEQ
    world.refusal_told_at[due] = tick
    return world.entity[due].tolist(), len(due) < len(waiting)
