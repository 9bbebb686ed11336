"""What answers of STUN servers prove of a NAT, and what they leave open."""

import pytest

from party.doctor.nat import WORDS, Address, Nat, Seen, kind_of_nat

LOCAL = ("192.168.1.7", 40000)
ONE, ONE_OTHER_PORT, TWO = ("198.51.100.1", 3478), ("198.51.100.1", 3479), ("198.51.100.2", 3478)
OUTSIDE, ELSEWHERE = ("203.0.113.9", 40000), ("203.0.113.9", 51234)


def seen(server: Address, mapped: Address | None, local: Address = LOCAL) -> Seen:
    return Seen(server, mapped, local)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([], Nat.UNTRIED),
        ([seen(ONE, None)], Nat.SILENT),
        ([seen(ONE, None), seen(TWO, None)], Nat.SILENT),
        ([seen(ONE, LOCAL)], Nat.NONE),
        ([seen(ONE, OUTSIDE)], Nat.UNKNOWN),
        ([seen(ONE, OUTSIDE), seen(TWO, None)], Nat.UNKNOWN),
        ([seen(ONE, OUTSIDE), seen(ONE_OTHER_PORT, OUTSIDE)], Nat.UNKNOWN),
        ([seen(ONE, OUTSIDE), seen(ONE_OTHER_PORT, ELSEWHERE)], Nat.DIFFERS),
        ([seen(ONE, OUTSIDE), seen(TWO, OUTSIDE)], Nat.SAME_FOR_ALL),
        ([seen(ONE, OUTSIDE), seen(TWO, ELSEWHERE)], Nat.DIFFERS),
        ([seen(ONE, OUTSIDE), seen(TWO, OUTSIDE), seen(ONE_OTHER_PORT, ELSEWHERE)], Nat.DIFFERS),
        ([seen(ONE, OUTSIDE), seen(ONE, OUTSIDE)], Nat.UNKNOWN),
    ],
)
def test_only_what_the_answers_prove_is_told(answers: list[Seen], kind: Nat) -> None:
    assert kind_of_nat(answers) is kind


def test_every_kind_has_words() -> None:
    assert set(WORDS) == set(Nat)
