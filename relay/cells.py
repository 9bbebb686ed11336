"""Pure core: where everything is, by cells of 64 m in an unbounded world: an index sorted by cell and kept as things move."""

from typing import Final

import numpy as np

from relay.table import Bools, Ints
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

    def near(self, cx: Ints, cz: Ints, reach: Ints) -> tuple[Ints, Ints]:
        """All rows in squares of (2·reach + 1)² cells round (cx, cz), arguments of shape (n,).

        Returns:
            which: (m,) index of the square, ascending. row: (m,).
        """
        across = 2 * reach + 1
        square = np.repeat(np.arange(len(cx)), across)
        z = cz[square] - reach[square] + _within(across)
        left = np.maximum(cx - reach, -_EDGE)[square]
        right = np.minimum(cx + reach, _EDGE - 1)[square]
        inside = (z >= -_EDGE) & (z < _EDGE)
        square, z, left, right = square[inside], z[inside], left[inside], right[inside]
        begin = np.searchsorted(self._keys, _key(left, z), side="left")
        count = np.searchsorted(self._keys, _key(right, z), side="right") - begin
        return np.repeat(square, count), self._rows[np.repeat(begin, count) + _within(count)]

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
