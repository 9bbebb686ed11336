"""Tickets open a session once; resume tokens only attach to one that lives."""

import pytest

from relay import admission
from relay.admission import Admission
from soiree.link import LinkError
from soiree.ticket import TicketIssuer

ISSUER = TicketIssuer(b"a secret of the test's own")
NOW = 1_700_000_000.0


def ticket(jti: str = "j1", now: float = NOW, peer: int = 7) -> str:
    return ISSUER.ticket(room="r", peer=peer, session="s", subject="who", name="Ada", host=False, jti=jti, now=now)


def nobody(room: str, peer: int) -> str | None:
    return None


def refusal(door: Admission, token: str, now: float = NOW) -> str:
    with pytest.raises(LinkError) as caught:
        door.admit(token, now, nobody)
    assert caught.value.message
    return caught.value.code


@pytest.fixture
def door() -> Admission:
    return Admission(ISSUER.verifier())


def test_a_ticket_opens_once(door: Admission) -> None:
    admitted = door.admit(ticket(), NOW, nobody)
    assert (admitted.room_id, admitted.peer, admitted.session_id) == ("r", 7, "s")
    assert admitted.ticket is not None
    assert admitted.ticket.name == "Ada"
    assert refusal(door, ticket()) == "unauthorized"


def test_an_expired_ticket_is_refused_even_after_it_was_forgotten(door: Admission) -> None:
    token = ticket()
    door.admit(token, NOW, nobody)
    door.admit(ticket("later", NOW + 100), NOW + 100, nobody)
    assert refusal(door, token, NOW + 100) == "unauthorized"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ü" * 10])
def test_what_is_no_token_is_refused(door: Admission, token: str) -> None:
    assert refusal(door, token) == "unauthorized"


def test_a_forged_ticket_is_refused(door: Admission) -> None:
    other = TicketIssuer(b"another secret of the same length")
    forged = other.ticket(room="r", peer=7, session="s", subject="w", name="n", host=True, jti="j", now=NOW)
    assert refusal(door, forged) == "unauthorized"


def test_a_host_key_or_identity_is_no_ticket(door: Admission) -> None:
    assert refusal(door, ISSUER.host_key(room="r", now=NOW)) == "unauthorized"
    assert refusal(door, ISSUER.identity(subject="who", now=NOW)) == "unauthorized"


def test_a_resume_token_attaches_to_its_living_session_only(door: Admission) -> None:
    token = ISSUER.resume(room="r", peer=7, session="s", now=NOW)
    assert refusal(door, token) == "session-gone"
    with pytest.raises(LinkError, match="ended"):
        door.admit(token, NOW, lambda room, peer: "a newer session")
    assert door.admit(token, NOW, lambda room, peer: "s").ticket is None
    assert door.admit(token, NOW, lambda room, peer: "s").session_id == "s"


def test_used_tickets_are_bounded_and_the_bound_frees_itself(door: Admission, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_USED_TICKETS", 3)
    for number in range(3):
        door.admit(ticket(f"j{number}"), NOW, nobody)
    assert refusal(door, ticket("one more")) == "busy"
    assert door.admit(ticket("much later", NOW + 60), NOW + 60, nobody).peer == 7
