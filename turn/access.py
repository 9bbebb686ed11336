"""Who may ask: the long-term credential mechanism (RFC 8489 section 9.2.4), with time-limited credentials.

Pure core.
"""

from collections.abc import Callable
from dataclasses import dataclass

from soiree.turn_credentials import expiry_of, password_of
from turn import integrity
from turn.allocation import Allocation, Credential
from turn.errors import RefusedError
from turn.integrity import OFFERED, Algorithm
from turn.nonce import Nonces, has_features
from turn.stun import Attr, Message
from turn.values import Endpoint, bad_request


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that is what it says it is.

    Attributes:
        credential: whose, and the key that signs the response.
        kind: the kind of integrity that it had, and its response has.
    """

    credential: Credential
    kind: Attr


class Access:
    """Checks requests."""

    def __init__(self, secret: str, realm: str, nonces: Nonces, unix: Callable[[], float]) -> None:
        """Args: `unix` tells Unix time in seconds, which credentials count in."""
        self.realm = realm.encode()
        self._secret = secret
        self._nonces = nonces
        self._unix = unix

    def challenge(self, host: str, now: float) -> list[tuple[int, bytes]]:
        """What a 401 or 438 brings along."""
        return [
            (Attr.REALM, self.realm),
            (Attr.NONCE, self._nonces.make(host, now)),
            (Attr.PASSWORD_ALGORITHMS, OFFERED),
        ]

    def check(self, request: Message, client: Endpoint, allocation: Allocation | None, now: float) -> Admitted:
        """Take the steps of section 9.2.4. Raises RefusedError 400, 401, 438, and 441 for another user than the allocation's."""
        kind = _kind(request)
        if kind is None:
            raise RefusedError(401, "Unauthorized")
        username, realm, nonce = (request.first(wanted) for wanted in (Attr.USERNAME, Attr.REALM, Attr.NONCE))
        if username is None or realm is None or nonce is None:
            raise bad_request()
        algorithm = _algorithm(request, nonce)
        if not self._nonces.is_fresh(nonce, client[0], now):
            raise RefusedError(438, "Stale Nonce")
        credential = self._credential(username, realm, algorithm, allocation)
        if credential is None or not integrity.is_intact(request, kind, credential.key):
            raise RefusedError(401, "Unauthorized")
        if allocation is not None and allocation.credential.username != username:
            raise RefusedError(441, "Wrong Credentials")
        return Admitted(credential, kind)

    def _credential(
        self, username: bytes, realm: bytes, algorithm: Algorithm, allocation: Allocation | None
    ) -> Credential | None:
        """None for a name that is unknown or has lapsed. Who has an allocation keeps it: a call may be longer than a credential lives."""
        try:
            name = username.decode()
        except UnicodeDecodeError:
            return None
        expires = expiry_of(name)
        keeps = allocation is not None and allocation.credential.username == username
        if realm != self.realm or expires is None or (expires < self._unix() and not keeps):
            return None
        password = password_of(self._secret, name).encode()
        return Credential(username, integrity.long_term_key(username, realm, password, algorithm))


def _kind(request: Message) -> Attr | None:
    """The integrity that counts: where both are, the stronger."""
    return next(
        (kind for kind in (Attr.MESSAGE_INTEGRITY_SHA256, Attr.MESSAGE_INTEGRITY) if request.has(kind)),
        None,
    )


def _algorithm(request: Message, nonce: bytes) -> Algorithm:
    """The password algorithm that the client has chosen: MD5 unless both attributes say otherwise."""
    offered, chosen = request.first(Attr.PASSWORD_ALGORITHMS), request.first(Attr.PASSWORD_ALGORITHM)
    if not has_features(nonce) or (offered is None and chosen is None):
        return Algorithm.MD5
    if offered != OFFERED or chosen is None or len(chosen) != 4 or chosen[2:] != bytes(2):
        raise bad_request()  # somebody on the way has taken the better ones out
    try:
        return Algorithm(int.from_bytes(chosen[:2]))
    except ValueError:
        raise bad_request() from None
