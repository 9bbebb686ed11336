"""Views are compared with what the owners hold, whoever they are."""

from party.bots.report import Percentiles, differences, merged
from soiree.client.entity import Account


def account(owner: int, master: int = 1, x: int = 0) -> Account:
    return Account(owner, master, "allow", 1, 0, (), ((x,), None, None))


def test_equal_views_do_not_differ() -> None:
    view = {10: account(1), 11: account(2)}
    assert differences({1: view, 2: dict(view)}) == []


def test_a_view_that_is_behind_is_named() -> None:
    found = differences({1: {10: account(1, x=5)}, 2: {10: account(1, x=4)}})
    assert len(found) == 1
    assert "entity 10 of 1: peer 2 sees slots" in found[0]


def test_who_does_not_know_or_knows_too_much_is_named() -> None:
    found = differences({1: {10: account(1)}, 2: {12: account(1)}})
    assert len(found) == 2
    assert "does not know" in found[0]
    assert "no owner holds" in found[1]


def test_two_owners_are_found() -> None:
    found = differences({1: {10: account(1)}, 2: {10: account(2)}})
    assert any("both 1 and 2" in words for words in found)


def test_what_belongs_to_strangers_is_left_out() -> None:
    assert differences({1: {10: account(99, master=98)}, 2: {}}) == []


def test_percentiles_of_nothing_are_nothing() -> None:
    assert Percentiles.of([]) == Percentiles(None, None, None)
    assert Percentiles.of(merged([[1000, 2000], [3000]])) == Percentiles(2.0, 2.98, 3.0)
