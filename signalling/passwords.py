"""Pure core: passwords of rooms, kept as scrypt hashes (RFC 7914) and compared in constant time."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

COST = 2**14
BLOCK = 8
PARALLEL = 1
"""16 MiB and some 40 ms for each try (RFC 7914 section 2)."""
SALT_BYTES = 16
DIGEST_BYTES = 32


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password, as it is kept."""

    salt: bytes
    digest: bytes

    def matches(self, password: str) -> bool:
        """Whether this is it. Takes as long for every wrong one."""
        return hmac.compare_digest(_digest(password, self.salt), self.digest)


def hashed(password: str) -> PasswordHash:
    """Hash a password with a salt of its own."""
    salt = secrets.token_bytes(SALT_BYTES)
    return PasswordHash(salt, _digest(password, salt))


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL, dklen=DIGEST_BYTES)
