"""Nonces that need no memory: a time and a MAC over it and the client's address (RFC 8489 sections 9.2 and 16.1).

Pure core.
"""

import base64
import hmac
from typing import Final

COOKIE: Final = "obMatJos2"
"""Begins a nonce that also tells which security features the server has (section 9.2)."""
PASSWORD_ALGORITHMS_BIT: Final = 1 << 23
"""Section 18.1, bit 0."""
_FEATURES: Final = base64.b64encode(PASSWORD_ALGORITHMS_BIT.to_bytes(3)).decode()
LIFE_S: Final = 3600
"""A nonce older than this is stale (438, section 9.2.4); at most an hour, as RFC 8656 section 5 asks for."""
_MAC_BYTES: Final = 12


class Nonces:
    """Makes and knows the nonces of one server."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, host: str, now: float) -> bytes:
        """For a client at this address; `now` in monotonic seconds."""
        at = f"{int(now):x}"
        return f"{COOKIE}{_FEATURES}{at}-{self._mac(host, at)}".encode()

    def is_fresh(self, nonce: bytes, host: str, now: float) -> bool:
        """Whether it was made here, for this address, and not too long ago."""
        try:
            at, _, mac = nonce.decode("ascii").removeprefix(COOKIE + _FEATURES).partition("-")
            made = int(at, 16)
        except ValueError:
            return False
        return hmac.compare_digest(mac, self._mac(host, at)) and 0 <= now - made <= LIFE_S

    def _mac(self, host: str, at: str) -> str:
        return hmac.digest(self._key, f"{at} {host}".encode(), "sha256")[:_MAC_BYTES].hex()


def has_features(nonce: bytes) -> bool:
    """Whether a nonce tells of password algorithms."""
    return nonce.startswith((COOKIE + _FEATURES).encode())
