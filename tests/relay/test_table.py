"""Rows in parallel arrays."""

import numpy as np
import pytest

from relay.table import FIRST_CAPACITY, Table, TableFullError


class Guests(Table):
    def __init__(self, bound: int) -> None:
        super().__init__(bound)
        self.age = self._column("age", np.int64)
        self.place = self._column("place", np.float64, 2)

    def come(self, age: int) -> int:
        row = self._allocate()
        self.age[row], self.place[row] = age, (age, -age)
        return row

    def go(self, row: int) -> None:
        self._release(row)


def test_rows_keep_their_values_when_the_table_grows() -> None:
    guests = Guests(10 * FIRST_CAPACITY)
    rows = [guests.come(n) for n in range(10 * FIRST_CAPACITY)]
    assert rows[0] == 1
    assert guests.age[rows].tolist() == list(range(10 * FIRST_CAPACITY))
    assert guests.place[rows[-1]].tolist() == [len(rows) - 1, 1 - len(rows)]
    assert guests.age[0] == 0


def test_a_table_is_full_at_its_bound_and_has_room_again_when_somebody_goes() -> None:
    guests = Guests(3)
    for n in range(3):
        guests.come(n + 1)
    with pytest.raises(TableFullError):
        guests.come(9)
    guests.go(2)
    assert len(guests) == 2
    assert guests.age[2] == 0
    assert guests.come(9) == 2
    assert guests.high == 4


def test_many_rows_come_and_go_as_one_by_one() -> None:
    guests = Guests(2 * FIRST_CAPACITY)
    for _ in range(3):
        guests.come(7)
    guests.go(2)
    rows = guests._allocate_many(FIRST_CAPACITY)
    assert sorted(rows.tolist()) == [2, *range(4, FIRST_CAPACITY + 3)]
    guests.age[rows] = 9
    assert len(guests) == FIRST_CAPACITY + 2
    with pytest.raises(TableFullError):
        guests._allocate_many(FIRST_CAPACITY)
    assert len(guests) == FIRST_CAPACITY + 2
    guests._release_many(rows[:5])
    assert guests.age[rows].tolist() == [0] * 5 + [9] * (FIRST_CAPACITY - 5)
    again = {int(row) for row in guests._allocate_many(3)} | {guests._allocate()}
    assert again < set(rows[:5].tolist())
    assert len(guests._allocate_many(0)) == 0
