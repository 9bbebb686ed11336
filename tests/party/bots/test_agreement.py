"""Views are compared with what the owners hold, whoever they are, and with what each should know of."""

from party.bots.agreement import differences
from party.bots.sight import Duty
from soiree.client.entity import Account


def account(owner: int, master: int = 1, x: int = 0) -> Account:
    return Account(owner, master, "allow", 1, 0, (), ((x,), None, None))


def test_equal_views_do_not_differ() -> None:
    view = {10: account(1), 11: account(2)}
    assert differences({1: view, 2: dict(view)}) == []


def test_a_view_that_is_behind_is_named() -> None:
    found = differences({1: {10: account(1, x=5)}, 2: {10: account(1, x=4)}})
    assert [difference.kind for difference in found] == ["unlike"]
    assert "entity 10 of 1: peer 2 sees slots" in found[0].words


def test_who_does_not_know_or_knows_too_much_is_named() -> None:
    found = differences({1: {10: account(1)}, 2: {12: account(1)}})
    assert sorted(difference.kind for difference in found) == ["stray", "unknown"]


def test_two_owners_are_found() -> None:
    found = differences({1: {10: account(1)}, 2: {10: account(2)}})
    assert any(difference.kind == "owners" and "both 1 and 2" in difference.words for difference in found)


def test_what_belongs_to_strangers_is_left_out() -> None:
    assert differences({1: {10: account(99, master=98)}, 2: {}}) == []


def test_what_nobody_must_know_may_be_missing_but_not_wrong() -> None:
    def may(_peer: int, _entity: int) -> Duty:
        return Duty.MAY

    assert differences({1: {10: account(1)}, 2: {}}, may) == []
    assert [each.kind for each in differences({1: {10: account(1)}, 2: {10: account(1, x=3)}}, may)] == ["unlike"]


def test_what_is_too_far_to_be_seen_and_still_is_known_is_named() -> None:
    def own_only(peer: int, _entity: int) -> Duty:
        return Duty.MUST if peer == 1 else Duty.MUST_NOT

    assert differences({1: {10: account(1)}, 2: {}}, own_only) == []
    assert [each.kind for each in differences({1: {10: account(1)}, 2: {10: account(1)}}, own_only)] == ["beyond"]
