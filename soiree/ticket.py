"""Pure core: the signed tokens of docs/PROTOCOL.md section 1, made by the homeserver and verified anywhere.

Each token is a JWT (RFC 7519) signed with Ed25519 (RFC 8037, RFC 9864), the only algorithm ever accepted. The key is derived from one
secret (HKDF, RFC 5869), so the homeserver keeps nothing else, and whoever verifies needs only the public key. The `typ` header and the
`aud` claim both name the kind of a token, so none is ever taken for another. Time is Unix seconds, passed in.
"""

import json
import math
from base64 import urlsafe_b64encode
from typing import Final, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM: Final = "Ed25519"
"""The one signature algorithm (RFC 9864); the header's `alg` never chooses."""
TICKET_LIFE_S: Final = 30.0
RESUME_LIFE_S: Final = 24 * 3600.0
HOST_KEY_LIFE_S: Final = 365 * 24 * 3600.0
IDENTITY_LIFE_S: Final = 5 * 365 * 24 * 3600.0
LEEWAY_S: Final = 2.0
"""By how much the clocks of issuer and verifier may differ."""
MIN_SECRET_BYTES: Final = 16
MAX_TOKEN_CHARS: Final = 2048
"""Longer tokens are refused unread: the longest that is ever made has some 700 characters."""
_KEY_CONTEXT: Final = b"soiree ticket signing key 1"


class TicketError(Exception):
    """A token that is not taken.

    Attributes:
        code: "malformed" (not one of ours), "forged" (signature), "kind" (another kind than asked for) or "expired".
        message: words for the person on the other side.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Ticket(msgspec.Struct, frozen=True, tag_field="aud", tag="soiree-ticket"):
    """A pass that opens one session, once."""

    room: str
    """Room id."""
    peer: int
    """Peer id in the room, 2…2³¹−1."""
    session: str
    """Names the session that it opens."""
    subject: str
    """Who it is, from one visit to the next."""
    name: str
    """The peer's name as others see it."""
    host: bool
    """Whether the peer hosts the room."""
    jti: str
    """Names this ticket: whoever opens the session remembers it until `exp`, and takes it once."""
    exp: int
    """Unix seconds after which it is void."""


class Resume(msgspec.Struct, frozen=True, tag_field="aud", tag="soiree-resume"):
    """Attaches further connections to a session that lives."""

    room: str
    peer: int
    session: str
    exp: int


class HostKey(msgspec.Struct, frozen=True, tag_field="aud", tag="soiree-host"):
    """Proves that its bearer hosts a room."""

    room: str
    exp: int


class Identity(msgspec.Struct, frozen=True, tag_field="aud", tag="soiree-identity"):
    """A subject that a client keeps, so that what it mastered for good is its own again."""

    subject: str
    exp: int


Claims = TypeVar("Claims", Ticket, Resume, HostKey, Identity)


def _header(kind: type[Ticket | Resume | HostKey | Identity]) -> dict[str, str]:
    return {"alg": ALGORITHM, "typ": f"{kind.__struct_config__.tag}+jwt"}


_KINDS: Final = (Ticket, Resume, HostKey, Identity)
_ENCODED_HEADERS: Final = {
    urlsafe_b64encode(json.dumps(_header(kind), separators=(",", ":")).encode()).rstrip(b"=").decode(): kind
    for kind in _KINDS
}
"""The first part of every token there is: one issuer makes them all, so a stranger's header never reaches the JOSE parser."""


class TicketVerifier:
    """Verifies tokens with the public key alone."""

    def __init__(self, public_key: bytes) -> None:
        """Args: the 32 bytes of the Ed25519 public key (RFC 8032)."""
        self._key = OKPKey.import_key(Ed25519PublicKey.from_public_bytes(public_key))

    def ticket(self, token: str, now: float) -> Ticket:
        """Read a ticket. Whether its `jti` was used before is for the caller to know. Raises TicketError."""
        return self._read(Ticket, token, now)

    def resume(self, token: str, now: float) -> Resume:
        """Read a resume token. Raises TicketError."""
        return self._read(Resume, token, now)

    def host_key(self, token: str, now: float) -> HostKey:
        """Read a host key. Raises TicketError."""
        return self._read(HostKey, token, now)

    def identity(self, token: str, now: float) -> Identity:
        """Read an identity. Raises TicketError."""
        return self._read(Identity, token, now)

    def session_token(self, token: str, now: float) -> Ticket | Resume:
        """Read what may come with an offer or a data WebSocket: a ticket or a resume token. Raises TicketError."""
        try:
            return self.ticket(token, now)
        except TicketError as error:
            if error.code != "kind":
                raise
        return self.resume(token, now)

    def _read(self, kind: type[Claims], token: str, now: float) -> Claims:
        named = _ENCODED_HEADERS.get(token.partition(".")[0])
        if named is None or len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise TicketError("malformed", "This is not a token of a Soiree server.")
        if named is not kind:
            raise TicketError("kind", "This token is for another purpose.")
        try:
            signed = jws.deserialize_compact(token, self._key, algorithms=[ALGORITHM])
        except JoseError as error:
            if error.error == "bad_signature":
                raise TicketError("forged", "The token was not signed by this server.") from None
            raise TicketError("malformed", "This is not a token of a Soiree server.") from None
        try:
            claims = msgspec.json.decode(signed.payload or b"", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise TicketError("kind", "This token is for another purpose.") from None
        if now > claims.exp + LEEWAY_S:
            raise TicketError("expired", "The token has expired.")
        return claims


class TicketIssuer:
    """Signs tokens with a key derived from a secret."""

    def __init__(self, secret: bytes) -> None:
        """Args: the server's secret, at least `MIN_SECRET_BYTES` of it. Raises ValueError for a shorter one."""
        if len(secret) < MIN_SECRET_BYTES:
            raise ValueError(f"the secret needs at least {MIN_SECRET_BYTES} bytes")
        seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=_KEY_CONTEXT).derive(secret)
        private = Ed25519PrivateKey.from_private_bytes(seed)
        self._key = OKPKey.import_key(private)
        self.public_key: bytes = private.public_key().public_bytes_raw()
        """The 32 bytes that a `TicketVerifier` needs."""

    def verifier(self) -> TicketVerifier:
        """A verifier of this issuer's tokens."""
        return TicketVerifier(self.public_key)

    def ticket(
        self,
        *,
        room: str,
        peer: int,
        session: str,
        subject: str,
        name: str,
        host: bool,
        jti: str,
        now: float,
        life_s: float = TICKET_LIFE_S,
    ) -> str:
        """A ticket into `room`; `jti` must never repeat."""
        exp = math.ceil(now + life_s)
        return self._sign(
            Ticket(room=room, peer=peer, session=session, subject=subject, name=name, host=host, jti=jti, exp=exp)
        )

    def resume(self, *, room: str, peer: int, session: str, now: float, life_s: float = RESUME_LIFE_S) -> str:
        """A token for further connections of `session`."""
        return self._sign(Resume(room=room, peer=peer, session=session, exp=math.ceil(now + life_s)))

    def host_key(self, *, room: str, now: float, life_s: float = HOST_KEY_LIFE_S) -> str:
        """The key of the host of `room`."""
        return self._sign(HostKey(room=room, exp=math.ceil(now + life_s)))

    def identity(self, *, subject: str, now: float, life_s: float = IDENTITY_LIFE_S) -> str:
        """An identity for a client to keep."""
        return self._sign(Identity(subject=subject, exp=math.ceil(now + life_s)))

    def _sign(self, claims: Ticket | Resume | HostKey | Identity) -> str:
        return jws.serialize_compact(
            _header(type(claims)), msgspec.json.encode(claims), self._key, algorithms=[ALGORITHM]
        )
