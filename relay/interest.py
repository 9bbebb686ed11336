"""Pure core: interest: which entities come into each client's sight and which leave it (docs/PROTOCOL.md 4.2).

Sight is decided by where the root of what something rides in is, so that what rides together comes and goes together. It ends a cell
farther out than it begins. What a client owns or is master of, and what is always relevant, stays in its sight, with what that rides in.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.audience import Audience
from relay.cells import CELL_M, Cells
from relay.distance import away_m
from relay.pairs import Pairs
from relay.table import Bools, Floats, Ints, taken
from relay.world import World
from soiree.wire.limits import MAX_IN_SIGHT, MAX_VIEW_RADIUS_M
from soiree.wire.state import TICK_HZ, Slot

RADIUS_M: Final = 160.0
"""How far a client sees that asked for nothing else."""
MARGIN_M: Final = float(CELL_M)
"""By so much farther sight ends than it begins."""
LOOK_TICKS: Final = TICK_HZ // 2
"""From one look of a client to its next."""
STRIDE_TICKS: Final = 4
"""Looks are gathered on every so many ticks: one pass over the world serves all clients whose turn it is."""
FEWEST_LOOKS: Final = 16
"""So many may be gathered in any case. While the turn of fewer has come, they wait for others, since every pass has its price,"""
PATIENCE_TICKS: Final = 2 * STRIDE_TICKS
"""but no longer than this."""
TOGETHER: Final = 64
"""So many clients look together: who is due at half of LOOK_TICKS looks with the first, so that they come to keep step."""
MAX_NEAR_ROWS: Final = 1 << 18
"""Rows near clients that are looked at in one pass; more are looked at in several, one client's at least in each."""
FOCUS: Final = 24
"""So many of what moves, the nearest, are in a client's focus; some more than are to move smoothly, as who they are is looked up seldom."""
CROWDED_MARGIN: Final = 1.1
"""Where more than MAX_IN_SIGHT are near, sight ends so much farther than the last of them."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one look of a client found."""

    peer: int
    entering: Ints
    """Entities that it should be told of and is not, the nearest first. All of them: what waited and is not here, waits no longer."""
    leaving: Ints
    """Entities that it was told of and that are out of its sight."""


class Interest:
    """Looks for all clients of a room."""

    def __init__(self, world: World, audience: Audience, pairs: Pairs) -> None:
        self._world = world
        self._audience = audience
        self._pairs = pairs
        self.cells = Cells(world)
        self._stride = -1
        """Number of the stride in which was looked last; not its tick, as ticks may be left out."""

    def watch(self, tick: int) -> list[Sighting]:
        """Look for those whose turn has come; only those are named for whom something has changed or still waits."""
        if tick // STRIDE_TICKS == self._stride:
            return []
        self._stride = tick // STRIDE_TICKS
        audience = self._audience
        waited = tick - audience.looked
        if len(audience) <= TOGETHER:
            due = np.flatnonzero(audience.active & (waited >= LOOK_TICKS // 2))
            if not (waited[due] >= LOOK_TICKS).any():
                return []
            audience.looked[due] = tick
            return self._look_in_portions(due)
        due = np.flatnonzero(audience.active & (waited >= LOOK_TICKS))
        if len(due) < min(FEWEST_LOOKS, len(audience)) and not (waited[due] >= LOOK_TICKS + PATIENCE_TICKS).any():
            return []
        # Not all at once after a pause, or they would stay together for good.
        most = max(FEWEST_LOOKS, len(audience) * STRIDE_TICKS // LOOK_TICKS + 1)
        due = np.sort(due[np.argsort(audience.looked[due], kind="stable")[:most]])
        audience.looked[due] = tick
        return self._look_in_portions(due) if len(due) else []

    def _look_in_portions(self, due: Ints) -> list[Sighting]:
        """Look for so many clients at a time as have about MAX_NEAR_ROWS near."""
        look_from(self._world, self._audience)
        self.cells.refresh()
        count = self.cells.count(self._audience.view[due], self._audience.radius_m[due])
        portion = np.cumsum(count) // MAX_NEAR_ROWS
        return [found for part in np.unique(portion) for found in self._look(due[portion == part])]

    def look(self, peer: int, tick: int) -> Sighting:
        """Look for one client now. Its next turn comes when the others' do not."""
        row = self._audience.row(peer)
        self._audience.looked[row] = tick - STRIDE_TICKS * row % LOOK_TICKS
        nothing = np.zeros(0, np.int64)
        return next(iter(self._look_in_portions(np.array([row]))), Sighting(peer, nothing, nothing))

    def witnesses(self, entity: int) -> list[int]:
        """Peers who have the entity in sight now, told of it or not."""
        world, audience = self._world, self._audience
        row = world.row(entity)
        from_m = away_m(audience.view, world.position[world.root[row]])
        near = (audience.peer > 0) & ((from_m <= audience.radius_m) | bool(world.always[row]))
        peers: list[int] = audience.peer[near].tolist()
        return peers

    def _look(self, due: Ints) -> list[Sighting]:
        begin_m, end_m, which, row = self._near(due)
        enter = self._entering(due, which, row, begin_m)
        wanted = np.zeros(len(self._audience.peer), np.bool_)
        wanted[due] = True
        pair = self._pairs.of_clients(wanted)
        known = np.searchsorted(due, self._pairs.client[pair])  # (pairs of due clients,) index in due
        root = self._world.root[self._pairs.row[pair]]
        told_m = away_m(taken(self._world.position, root), taken(self._audience.view[due], known))
        leave = self._leaving(due, pair, known, root, told_m > end_m[known])
        self._focus(pair, known, told_m)
        return self._sightings(due, enter, leave, pair, known)

    def _near(self, due: Ints) -> tuple[Floats, Floats, Ints, Ints]:
        """For each of due where sight begins and ends, m; (which of due, row) of all that is in cells within it."""
        view, begin_m = self._audience.view[due], self._audience.radius_m[due]
        which, row = self.cells.near(view, begin_m)
        begin_m, end_m = begin_m.copy(), begin_m + MARGIN_M
        for number in np.flatnonzero(np.bincount(which, minlength=len(due)) > MAX_IN_SIGHT).tolist():
            last_m = self._last_in_sight(int(due[number]), row[which == number])
            if last_m is not None:
                begin_m[number], end_m[number] = last_m, min(end_m[number], last_m * CROWDED_MARGIN)
        return begin_m, end_m, which, row

    def _last_in_sight(self, client: int, row: Ints) -> float | None:
        """How far away the last of MAX_IN_SIGHT is that are near and not the client's, m; None if there are no more than that."""
        world, audience, peer = self._world, self._audience, self._audience.peer[client]
        others = row[(world.owner[row] != peer) & (world.master[row] != peer) & ~world.always[row]]
        others_m = away_m(taken(world.position, world.root[others]), audience.view[client])
        others_m = others_m[others_m <= audience.radius_m[client]]
        if len(others_m) <= MAX_IN_SIGHT:
            return None
        return float(np.partition(others_m, MAX_IN_SIGHT - 1)[MAX_IN_SIGHT - 1])

    def _entering(self, due: Ints, which: Ints, row: Ints, begin_m: Floats) -> tuple[Ints, Ints, Floats]:
        """(which of due, row, distance in m) of what is in sight, but was not told. What is always relevant is at distance 0."""
        world = self._world
        untold = np.flatnonzero(~self._pairs.told_of(due[which], row))
        which, row = which[untold], row[untold]
        near_m = away_m(taken(world.position, world.root[row]), taken(self._audience.view[due], which))
        inside = np.flatnonzero((near_m <= begin_m[which]) & ~world.always[row])
        always = np.flatnonzero(world.always[: world.high])
        each, everywhere = np.repeat(np.arange(len(due)), len(always)), np.tile(always, len(due))
        untold = np.flatnonzero(~self._pairs.told_of(due[each], everywhere))
        return (
            np.concatenate([which[inside], each[untold]]),
            np.concatenate([row[inside], everywhere[untold]]),
            np.concatenate([near_m[inside], np.zeros(len(untold))]),
        )

    def _kept(self, due: Ints, pair: Ints, known: Ints) -> Bools:
        """(pairs,) what stays in sight wherever it is: one's own, and what is always relevant."""
        world, row = self._world, self._pairs.row[pair]
        peer = self._audience.peer[due][known]
        return np.asarray((world.owner[row] == peer) | (world.master[row] == peer) | world.always[row], np.bool_)

    def _leaving(self, due: Ints, pair: Ints, known: Ints, root: Ints, too_far: Bools) -> tuple[Ints, Ints]:
        """(which of due, row) of what was told and is too far, and rides in nothing that is kept."""
        far = np.flatnonzero(too_far)
        pair, known = pair[far], known[far]
        # What rides together is equally far: where some of it is kept, that is here too.
        tree = known * len(self._world.entity) + root[far]
        gone = np.flatnonzero(~np.isin(tree, tree[self._kept(due, pair, known)]))
        gone = gone[np.argsort(known[gone], kind="stable")]
        return known[gone], self._pairs.row[pair[gone]]

    def _focus(self, pair: Ints, known: Ints, told_m: Floats) -> None:
        """Note which of what was told is in focus: of what moves or has a pose, the nearest."""
        world, row = self._world, self._pairs.row[pair]
        lively = ~world.at_rest[row]
        if world.heard >> Slot.POSE & 1:
            lively |= world.length[:, Slot.POSE][row] > 0
        order = np.flatnonzero(lively)
        order = order[np.lexsort((told_m[order], known[order]))]
        client = known[order]
        nth = np.arange(len(order)) - np.searchsorted(client, client, side="left")
        self._pairs.focus[pair] = False
        self._pairs.focus[pair[order[nth < FOCUS]]] = True

    def _sightings(
        self, due: Ints, enter: tuple[Ints, Ints, Floats], leave: tuple[Ints, Ints], pair: Ints, known: Ints
    ) -> list[Sighting]:
        """Of those for whom there is anything to tell; `pair`, `known`: all that was told, and to which of due."""
        which, row, near_m = enter
        # What is always relevant comes first, and takes no place of what is near.
        always = self._world.always[row]
        order = np.lexsort((near_m, ~always, which))
        entity = self._world.entity[row[order]]
        more = np.bincount(which[always], minlength=len(due))
        entered = np.searchsorted(which[order], np.arange(len(due) + 1))
        left = np.searchsorted(leave[0], np.arange(len(due) + 1))
        gone, told = self._world.entity[leave[1]], np.bincount(known, minlength=len(due))
        found = []
        for number in np.flatnonzero((np.diff(entered) > 0) | (np.diff(left) > 0) | self._audience.waits[due]).tolist():
            leaving = gone[left[number] : left[number + 1]]
            entering = entity[entered[number] : entered[number + 1]]
            if told[number] + len(entering) > MAX_IN_SIGHT:
                mine = pair[known == number]
                near = int((~self._kept(due, mine, np.full(len(mine), number))).sum())
                entering = entering[: max(0, MAX_IN_SIGHT - near + len(leaving)) + int(more[number])]
            self._audience.waits[due[number]] = len(entering) > 0
            found.append(Sighting(int(self._audience.peer[due[number]]), entering, leaving))
        return found


def look_from(world: World, audience: Audience) -> None:
    """Move the viewpoints of clients that look from an entity to where it is now."""
    row = world.rows(audience.view_entity)
    there = row > 0
    audience.view[there] = world.position[world.root[row[there]]]


def radius(asked_m: float) -> float:
    """What a client may see that asks for so much, m; 0: the default."""
    return min(asked_m, MAX_VIEW_RADIUS_M) or RADIUS_M
