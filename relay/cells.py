"""Pure core: where everything is, by cells of 64 m in an unbounded world: an index sorted by cell and kept as things move."""

from typing import Final

import numpy as np

from relay.table import Bools, Floats, Ints
from relay.world import World
from soiree.wire import quantise as q

CELL_M: Final = 64
_EDGE: Final = 1 << 31
_MANY: Final = 20
"""When more than one row in so many changed its cell, all are sorted again."""


def cell_of(position: Ints) -> tuple[Ints, Ints]:
    """(n,) cx and (n,) cz of positions (n, 3) as in `World.position`."""
    return position[:, 0] >> q.CELL_BITS, position[:, 2] >> q.CELL_BITS


def _key(cx: Ints, cz: Ints) -> Ints:
    """One number for each cell; those of a row of cells (equal cz) follow each other."""
    return (cz << 32) + (cx + _EDGE)


class Cells:
    """The rows of a world by the cell of the root that they ride in."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._cell: Ints = np.zeros(0, np.int64)
        """(rows,) key of the cell that each row is or was listed under."""
        self._listed: Bools = np.zeros(0, np.bool_)
        self._rows: Ints = np.zeros(0, np.int64)
        """Rows, sorted by key."""
        self._keys: Ints = np.zeros(0, np.int64)
        """Keys of `_rows`."""

    def __len__(self) -> int:
        """Rows that are listed."""
        return len(self._rows)

    def refresh(self) -> None:
        """Take in what has moved, come and gone since the last call."""
        world = self._world
        self._reach(len(world.entity))
        moved = world.settle()
        there = world.entity[moved] > 0
        key = _key(*cell_of(world.position[world.root[moved]]))
        changed = (there != self._listed[moved]) | (there & (key != self._cell[moved]))
        if changed.any():
            self._relist(moved[changed], key[changed], there[changed])

    def count(self, view: Ints, radius_m: Floats) -> Ints:
        """(n,) rows in the cells that each circle touches; arguments as for `near`."""
        circle, _, count = self._spans(view, radius_m)
        return np.bincount(circle, count, len(view)).astype(np.int64)

    def near(self, view: Ints, radius_m: Floats) -> tuple[Ints, Ints]:
        """All rows in the cells that circles touch: round `view` (n, 3), as `World.position`, with radii (n,) in m.

        Returns:
            which: (m,) index of the circle, ascending. row: (m,).
        """
        circle, begin, count = self._spans(view, radius_m)
        return np.repeat(circle, count), self._rows[np.repeat(begin, count) + _within(count)]

    def _spans(self, view: Ints, radius_m: Floats) -> tuple[Ints, Ints, Ints]:
        """For each row of cells that a circle touches: (which circle, where its rows begin in `_rows`, how many)."""
        radius = np.ceil(radius_m * q.HORIZONTAL_PER_M).astype(np.int64)
        x, z = view[:, 0], view[:, 2]
        top, bottom = z - radius >> q.CELL_BITS, z + radius >> q.CELL_BITS
        circle = np.repeat(np.arange(len(view)), bottom - top + 1)
        cz = top[circle] + _within(bottom - top + 1)
        # What of the circle lies in a row of cells is widest where the row is nearest to the middle.
        apart = np.maximum(0, np.maximum((cz << q.CELL_BITS) - z[circle], z[circle] - (cz + 1 << q.CELL_BITS)))
        half = np.ceil(np.sqrt(np.maximum(0.0, radius[circle].astype(np.float64) ** 2 - apart.astype(np.float64) ** 2)))
        half = half.astype(np.int64)
        left = np.maximum(x[circle] - half >> q.CELL_BITS, -_EDGE)
        right = np.minimum(x[circle] + half >> q.CELL_BITS, _EDGE - 1)
        inside = (cz >= -_EDGE) & (cz < _EDGE)
        circle, cz, left, right = circle[inside], cz[inside], left[inside], right[inside]
        begin = np.searchsorted(self._keys, _key(left, cz), side="left")
        return circle, begin, np.searchsorted(self._keys, _key(right, cz), side="right") - begin

    def _reach(self, rows: int) -> None:
        """Grow as the world has grown."""
        more = rows - len(self._cell)
        if more > 0:
            self._cell = np.concatenate([self._cell, np.zeros(more, np.int64)])
            self._listed = np.concatenate([self._listed, np.zeros(more, np.bool_)])

    def _relist(self, row: Ints, key: Ints, there: Bools) -> None:
        """Put rows under other keys; those that are not there, under none."""
        self._cell[row], self._listed[row] = key, there
        if len(row) * _MANY > len(self._rows):
            listed = np.flatnonzero(self._listed)
            self._rows = listed[np.argsort(self._cell[listed], kind="stable")]
            self._keys = self._cell[self._rows]
            return
        leaving = np.zeros(len(self._cell), np.bool_)
        leaving[row] = True
        stay = ~leaving[self._rows]
        rows, keys = self._rows[stay], self._keys[stay]
        order = np.argsort(key[there], kind="stable")
        row, key = row[there][order], key[there][order]
        at = np.searchsorted(keys, key)
        self._rows, self._keys = np.insert(rows, at, row), np.insert(keys, at, key)


def _within(count: Ints) -> Ints:
    """0, 1, … count[0] − 1, 0, 1, … count[1] − 1, …"""
    return np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
