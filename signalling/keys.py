"""The server's secret: what the host set, or one made on first start and kept where only its user can read it."""

import os
import secrets
from pathlib import Path

from signalling.config import HomeConfig
from soiree.settings import SettingError
from soiree.ticket import MIN_SECRET_BYTES

SECRET_FILE = "secret"  # noqa: S105 (the name of a file)
SECRET_BYTES = 32


def load_secret(config: HomeConfig) -> bytes:
    """The secret that tickets are signed with. Raises SettingError when it can be neither read nor kept."""
    if config.secret is not None:
        return config.secret.encode()
    path = config.data_dir / SECRET_FILE
    try:
        return _kept(path) or _made(path)
    except OSError as error:
        raise SettingError(
            f"SOIREE_DATA_DIR: cannot keep the secret in {path} ({error.strerror}); set SOIREE_SECRET, or another folder"
        ) from error


def _kept(path: Path) -> bytes | None:
    try:
        secret = path.read_bytes().strip()
    except FileNotFoundError:
        return None
    if len(secret) < MIN_SECRET_BYTES:
        raise SettingError(f"SOIREE_DATA_DIR: {path} holds no secret of ours; remove it, and another is made")
    return secret


def _made(path: Path) -> bytes:
    """Make the file at once whole or not at all: of two servers that start together both use the first one's."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_hex(SECRET_BYTES).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_bytes().strip()
