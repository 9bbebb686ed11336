"""Pure core: rows kept as parallel arrays, grown by doubling up to a bound: what the cores of replication stand on."""

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Octets = npt.NDArray[np.uint8]

FIRST_CAPACITY = 64


class TableFullError(Exception):
    """The table has as many rows as its bound allows."""


class Table:
    """Parallel arrays with a free list.

    Row 0 is nobody's: look-ups that find nothing give it, so that vector code needs no branches. A subclass makes its columns
    with `_column` and keeps them as attributes of the same name; growing replaces them, so hold no reference to one.

    Attributes:
        high: rows in use are all below it.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.high = 1
        self._capacity = FIRST_CAPACITY
        self._free: list[int] = []
        self._columns: list[str] = []

    def __len__(self) -> int:
        return self.high - 1 - len(self._free)

    def _column(self, name: str, dtype: npt.DTypeLike, *shape: int) -> npt.NDArray[Any]:
        """Zeros of shape (capacity, *shape)."""
        self._columns.append(name)
        return np.zeros((self._capacity, *shape), dtype)

    def _allocate(self) -> int:
        """A row of zeros.

        Raises:
            TableFullError: `bound` rows are in use.
        """
        if self._free:
            return self._free.pop()
        if self.high > self.bound:
            raise TableFullError(f"{self.bound} rows are in use")
        if self.high == self._capacity:
            self._grow()
        self.high += 1
        return self.high - 1

    def _allocate_many(self, count: int) -> Ints:
        """(count,) rows of zeros. Raises TableFullError, and allocates none, when there are not so many left."""
        if len(self) + count > self.bound:
            raise TableFullError(f"{self.bound} rows are in use")
        again = self._free[max(0, len(self._free) - count) :]
        rows = np.concatenate([np.array(again, np.int64), np.arange(self.high, self.high + count - len(again))])
        del self._free[len(self._free) - len(again) :]
        self.high += count - len(again)
        while self.high > self._capacity:
            self._grow()
        return rows

    def _release_many(self, rows: Ints) -> None:
        """Clear rows and keep them for the next who ask."""
        for name in self._columns:
            getattr(self, name)[rows] = 0
        self._free += rows.tolist()

    def _release(self, row: int) -> None:
        """Clear a row and keep it for the next who asks."""
        self._clear(row)
        self._free.append(row)

    def reserve(self, rows: int) -> None:
        """Grow at once for so many more rows, as far as the bound goes: later that would take longer, since there is more to copy."""
        self._reach(min(self.high + rows, self.bound))

    def _reach(self, row: int) -> None:
        """Grow until `row` exists: for tables whose rows another table hands out."""
        while row >= self._capacity:
            self._grow()

    def _clear(self, row: int) -> None:
        for name in self._columns:
            getattr(self, name)[row] = 0

    def _grow(self) -> None:
        self._capacity *= 2
        for name in self._columns:
            old: npt.NDArray[Any] = getattr(self, name)
            new = np.zeros((self._capacity, *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


def taken(column: npt.NDArray[Any], rows: Ints) -> npt.NDArray[Any]:
    """column[rows] of a column that holds several numbers for each row; copied row by row, in a quarter of the time."""
    return column.take(rows, axis=0)


def put(column: npt.NDArray[Any], rows: Ints, values: npt.NDArray[Any]) -> None:
    """column[rows] = values, likewise; of the same shape and dtype, and both contiguous."""
    whole = np.dtype((np.void, column.itemsize * column.shape[1]))
    column.view(whole).put(rows, values.view(whole))


def windows(octets: Octets, width: int) -> Octets:
    """(len(octets) − width + 1, width): the bytes that begin at each place, a view. To take runs of bytes from it costs a copy for each."""
    places = max(0, len(octets) - width + 1)
    return np.ndarray((places, width), np.uint8, buffer=octets.data, strides=(1, 1))
