"""Time-limited TURN credentials, in the form that coturn calls `use-auth-secret` (draft-uberti-behave-turn-rest).

Who hands them out and the server that takes them share a secret, and nobody keeps a list of users.

Pure core.
"""

import base64
import hashlib
import hmac


def time_limited(secret: str, name: str, expires_unix: int) -> tuple[str, str]:
    """User name and password that a TURN server with this secret takes until `expires_unix`."""
    username = f"{expires_unix}:{name}"
    return username, password_of(secret, username)


def password_of(secret: str, username: str) -> str:
    """The password that goes with a user name."""
    mac = hmac.new(secret.encode(), username.encode(), hashlib.sha1)
    return base64.b64encode(mac.digest()).decode()


def expiry_of(username: str) -> int | None:
    """Until when a user name may be used, Unix time in seconds; None if it does not say."""
    digits = username.partition(":")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 16 else None
