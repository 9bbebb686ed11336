"""Pure core: interest: which entities come into each client's sight and which leave it (docs/PROTOCOL.md 4.2).

Sight is decided by where the root of what something rides in is, so that what rides together comes and goes together. It ends a cell
farther out than it begins. What a client owns or is master of, and what is always relevant, stays in its sight, with what that rides in.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from relay.audience import Audience
from relay.cells import CELL_M, Cells
from relay.pairs import Pairs
from relay.table import Bools, Floats, Ints
from relay.world import World
from soiree.wire import quantise as q
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
FEWEST_LOOKS: Final = 8
"""So many may be gathered in any case."""
MAX_NEAR_ROWS: Final = 1 << 18
"""Rows near clients that are looked at in one pass; more are looked at in several, one client's at least in each."""
FOCUS: Final = 24
"""So many of what moves, the nearest, are in a client's focus; some more than are to move smoothly, as who they are is looked up seldom."""
CROWDED_MARGIN: Final = 1.1
"""Where more than MAX_IN_SIGHT are near, sight ends so much farther than the last of them."""
_METRES = np.array([1 / q.HORIZONTAL_PER_M, 1 / q.VERTICAL_PER_M, 1 / q.HORIZONTAL_PER_M])


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
        self._marks: Bools = np.zeros((0, 0), np.bool_)
        """(clients, rows of the world) scratch, all False between looks."""

    def watch(self, tick: int) -> list[Sighting]:
        """Look for those whose turn has come; only those are named for whom something has changed or still waits."""
        if tick // STRIDE_TICKS == self._stride:
            return []
        self._stride = tick // STRIDE_TICKS
        audience = self._audience
        due = np.flatnonzero(audience.active & (tick - audience.looked >= LOOK_TICKS))
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
        away_m = _away_m(world.position[world.root[[row]]], audience.view)
        near = (audience.peer > 0) & ((away_m <= audience.radius_m) | bool(world.always[row]))
        peers: list[int] = audience.peer[near].tolist()
        return peers

    def _look(self, due: Ints) -> list[Sighting]:
        world, audience, pairs = self._world, self._audience, self._pairs
        turn = np.full(len(audience.peer), -1)
        turn[due] = np.arange(len(due))
        pair = np.flatnonzero(turn[pairs.client[: pairs.high]] >= 0)
        known = turn[pairs.client[pair]]  # (pairs of due clients,) index in due
        which, row, away_m, radius_m, end_m = self._near(due)
        entering = (away_m <= radius_m[which]) & ~pairs.told_of(due[which], row)
        enter = (which[entering], row[entering], away_m[entering])
        away_m = _away_m(world.position[world.root[pairs.row[pair]]], audience.view[due][known])
        kept = self._kept(due, pair, known)
        leave = self._leaving(due, pair, known, (away_m > end_m[known]), kept)
        self._focus(pair, known, away_m)
        return self._sightings(due, enter, leave, np.bincount(known[~kept], minlength=len(due)))

    def _scratch(self, clients: int) -> Bools:
        """(clients or more, rows of the world or more), all False; whoever sets some clears them again."""
        if len(self._marks) < clients or self._marks.shape[1] < len(self._world.entity):
            self._marks = np.zeros((max(clients, len(self._marks)), len(self._world.entity)), np.bool_)
        return self._marks

    def _near(self, due: Ints) -> tuple[Ints, Ints, Floats, Floats, Floats]:
        """(which of due, row, distance in m) of what is near, and for each of due where sight begins and ends, m.

        What is always relevant is at distance 0.
        """
        world, audience = self._world, self._audience
        view, begin_m = audience.view[due], audience.radius_m[due]
        which, row = self.cells.near(view, begin_m)
        away_m = _away_m(world.position[world.root[row]], view[which])
        inside = (away_m <= begin_m[which]) & ~world.always[row]
        which, row, away_m = which[inside], row[inside], away_m[inside]
        begin_m, end_m = self._crowded(due, which, row, away_m, begin_m)
        always = np.flatnonzero(world.always[: world.high])
        return (
            np.concatenate([which, np.repeat(np.arange(len(due)), len(always))]),
            np.concatenate([row, np.tile(always, len(due))]),
            np.concatenate([away_m, np.zeros(len(due) * len(always))]),
            begin_m,
            end_m,
        )

    def _crowded(self, due: Ints, which: Ints, row: Ints, away_m: Floats, begin_m: Floats) -> tuple[Floats, Floats]:
        """(due,) where sight begins and ends, m: for those with more than MAX_IN_SIGHT near that is not theirs, at the last of these."""
        world = self._world
        begin_m, end_m = begin_m.copy(), begin_m + MARGIN_M
        for number in np.flatnonzero(np.bincount(which, minlength=len(due)) > MAX_IN_SIGHT).tolist():
            its, peer = which == number, self._audience.peer[due[number]]
            others_m = away_m[its][(world.owner[row[its]] != peer) & (world.master[row[its]] != peer)]
            if len(others_m) > MAX_IN_SIGHT:
                begin_m[number] = np.partition(others_m, MAX_IN_SIGHT - 1)[MAX_IN_SIGHT - 1]
                end_m[number] = min(end_m[number], begin_m[number] * CROWDED_MARGIN)
        return begin_m, end_m

    def _kept(self, due: Ints, pair: Ints, known: Ints) -> Bools:
        """(pairs,) what stays in sight wherever it is: one's own, and what is always relevant."""
        world, row = self._world, self._pairs.row[pair]
        peer = self._audience.peer[due][known]
        return np.asarray((world.owner[row] == peer) | (world.master[row] == peer) | world.always[row], np.bool_)

    def _leaving(self, due: Ints, pair: Ints, known: Ints, too_far: Bools, kept: Bools) -> tuple[Ints, Ints]:
        """(which of due, row) of what was told and is too far, and rides in nothing that is kept."""
        root = self._world.root[self._pairs.row[pair]]
        marks = self._scratch(len(due))
        marks[known[kept], root[kept]] = True
        gone = too_far & ~marks[known, root]
        marks[known[kept], root[kept]] = False
        order = np.argsort(known[gone], kind="stable")
        return known[gone][order], self._pairs.row[pair[gone]][order]

    def _focus(self, pair: Ints, known: Ints, away_m: Floats) -> None:
        """Note which of what was told is in focus: of what moves or has a pose, the nearest."""
        world, row = self._world, self._pairs.row[pair]
        lively = np.flatnonzero(~world.at_rest[row] | (world.length[row, Slot.POSE] > 0))
        order = lively[np.lexsort((away_m[lively], known[lively]))]
        client = known[order]
        nth = np.arange(len(order)) - np.searchsorted(client, client, side="left")
        self._pairs.focus[pair] = False
        self._pairs.focus[pair[order[nth < FOCUS]]] = True

    def _sightings(
        self, due: Ints, enter: tuple[Ints, Ints, Floats], leave: tuple[Ints, Ints], near: Ints
    ) -> list[Sighting]:
        """Of those for whom there is anything to tell; `near`: (due,) how many were told because they are near."""
        which, row, away_m = enter
        # What is always relevant comes first, and takes no place of what is near.
        always = self._world.always[row]
        order = np.lexsort((away_m, ~always, which))
        entity = self._world.entity[row[order]]
        more = np.bincount(which[always], minlength=len(due))
        entered = np.searchsorted(which[order], np.arange(len(due) + 1))
        left = np.searchsorted(leave[0], np.arange(len(due) + 1))
        gone = self._world.entity[leave[1]]
        found = []
        for number in np.flatnonzero((np.diff(entered) > 0) | (np.diff(left) > 0) | self._audience.waits[due]).tolist():
            leaving = gone[left[number] : left[number + 1]]
            places = max(0, MAX_IN_SIGHT - int(near[number]) + len(leaving)) + int(more[number])
            entering = entity[entered[number] : entered[number + 1]][:places]
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


def _away_m(position: Ints, view: Ints) -> Floats:
    """(n,) distances in m between positions (n, 3) as in `World.position`."""
    away = (position - view) * _METRES
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", away, away)), np.float64)
