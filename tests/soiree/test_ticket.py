"""The signed tokens: what is made is read again, by the public key alone, and nothing else is ever taken for it."""

import base64
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from soiree.ticket import (
    LEEWAY_S,
    MAX_TOKEN_CHARS,
    MIN_SECRET_BYTES,
    TICKET_LIFE_S,
    HostKey,
    Identity,
    Resume,
    Ticket,
    TicketError,
    TicketIssuer,
    TicketVerifier,
)

NOW = 1_800_000_000.0
ISSUER = TicketIssuer(b"a secret for tests, long enough")
VERIFIER = TicketVerifier(ISSUER.public_key)
READERS: dict[str, Callable[[str, float], object]] = {
    "ticket": VERIFIER.ticket,
    "resume": VERIFIER.resume,
    "host": VERIFIER.host_key,
    "identity": VERIFIER.identity,
}


def ticket(issuer: TicketIssuer = ISSUER, name: str = "Ada") -> str:
    return issuer.ticket(room="r1", peer=7, session="s1", subject="who", name=name, host=True, jti="j1", now=NOW)


TOKENS = {
    "ticket": ticket(),
    "resume": ISSUER.resume(room="r1", peer=7, session="s1", now=NOW),
    "host": ISSUER.host_key(room="r1", now=NOW),
    "identity": ISSUER.identity(subject="who", now=NOW),
}


def code_of(read: Callable[[str, float], object], token: str, now: float = NOW) -> str:
    with pytest.raises(TicketError) as caught:
        read(token, now)
    return caught.value.code


def test_each_kind_is_read_as_it_was_made() -> None:
    assert VERIFIER.ticket(TOKENS["ticket"], NOW) == Ticket("r1", 7, "s1", "who", "Ada", True, "j1", int(NOW) + 30)
    assert VERIFIER.resume(TOKENS["resume"], NOW) == Resume("r1", 7, "s1", int(NOW) + 24 * 3600)
    assert VERIFIER.host_key(TOKENS["host"], NOW) == HostKey("r1", int(NOW) + 365 * 24 * 3600)
    assert VERIFIER.identity(TOKENS["identity"], NOW) == Identity("who", int(NOW) + 5 * 365 * 24 * 3600)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", TOKENS)
def test_no_kind_is_taken_for_another(kind: str, reader: str) -> None:
    if kind == reader:
        READERS[reader](TOKENS[kind], NOW)
    else:
        assert code_of(READERS[reader], TOKENS[kind]) == "kind"


def test_a_session_is_reached_with_a_ticket_or_a_resume_token_and_nothing_else() -> None:
    assert isinstance(VERIFIER.session_token(TOKENS["ticket"], NOW), Ticket)
    assert isinstance(VERIFIER.session_token(TOKENS["resume"], NOW), Resume)
    assert code_of(VERIFIER.session_token, TOKENS["host"]) == "kind"
    assert code_of(VERIFIER.session_token, TOKENS["identity"]) == "kind"


def test_a_ticket_lives_for_its_seconds_and_the_leeway() -> None:
    end = NOW + TICKET_LIFE_S + LEEWAY_S
    assert VERIFIER.ticket(TOKENS["ticket"], end).peer == 7
    assert code_of(VERIFIER.ticket, TOKENS["ticket"], end + 0.001) == "expired"
    assert code_of(VERIFIER.session_token, TOKENS["ticket"], end + 0.001) == "expired"


def test_the_same_secret_gives_the_same_key_and_another_one_another() -> None:
    assert TicketIssuer(b"a secret for tests, long enough").public_key == ISSUER.public_key
    other = TicketIssuer(b"another secret for the tests")
    assert code_of(VERIFIER.ticket, ticket(other)) == "forged"


def test_a_short_secret_is_refused() -> None:
    TicketIssuer(b"x" * MIN_SECRET_BYTES)
    with pytest.raises(ValueError, match="16 bytes"):
        TicketIssuer(b"x" * (MIN_SECRET_BYTES - 1))


def test_the_algorithm_in_the_header_never_chooses() -> None:
    claims = json.loads(base64.urlsafe_b64decode(TOKENS["ticket"].split(".")[1] + "=="))
    with_hmac = jwt.encode(
        {"alg": "HS256", "typ": "soiree-ticket+jwt"}, claims, OctKey.import_key(ISSUER.public_key), algorithms=["HS256"]
    )
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"soiree-ticket+jwt"}').rstrip(b"=").decode()
    assert code_of(VERIFIER.ticket, with_hmac) == "malformed"
    assert code_of(VERIFIER.ticket, f"{header}.{TOKENS['ticket'].split('.')[1]}.") == "malformed"


@pytest.mark.parametrize(
    "header",
    [b'{"alg":"Ed25519","crit":5}', b'{"alg":"Ed25519","crit":[{}]}', b"[" * 1400, b'{"alg":["Ed25519"]}', b"5"],
)
def test_a_strange_header_is_refused_before_anything_reads_it(header: bytes) -> None:
    assert code_of(VERIFIER.session_token, f"{_b64(header)}.{_b64(b'{}')}.{_b64(bytes(64))}") == "malformed"


def test_a_token_is_an_ordinary_jwt() -> None:
    key = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", "x": _b64(ISSUER.public_key)})
    token = jwt.decode(TOKENS["identity"], key, algorithms=["Ed25519"])
    assert token.claims == {"aud": "soiree-identity", "subject": "who", "exp": int(NOW) + 5 * 365 * 24 * 3600}


def test_a_token_above_its_bound_is_refused_unread() -> None:
    assert code_of(VERIFIER.ticket, ticket(name="x" * MAX_TOKEN_CHARS)) == "malformed"
    assert len(ticket(name="\U0001f389" * 64)) < MAX_TOKEN_CHARS


@given(st.text(max_size=300) | st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,90}"))
def test_any_text_is_refused_with_the_one_error(token: str) -> None:
    assert code_of(VERIFIER.session_token, token) in {"malformed", "forged"}


@given(st.data())
def test_a_token_with_one_character_changed_is_refused(data: st.DataObject) -> None:
    token = TOKENS["ticket"]
    at = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="ascii"))
    changed = token[:at] + character + token[at + 1 :]
    if base_bytes(changed) != base_bytes(token):
        assert code_of(VERIFIER.ticket, changed) in {"malformed", "forged"}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def base_bytes(token: str) -> list[bytes] | None:
    """The bytes that a token stands for: its last characters may hold bits that mean nothing."""
    try:
        return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split(".")]
    except ValueError:
        return None
