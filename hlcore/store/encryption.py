"""The key that encrypts stored tokens: from the settings, or made once and kept in the data folder.

Fernet (AES-128-CBC with HMAC-SHA256) of the `cryptography` package; any text can serve as the secret.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from hlcore.errors import SettingsError

FILE_NAME = "secret.key"


class Cipher:
    """Encrypts and decrypts short texts. Shows no key in `repr`."""

    def __init__(self, *secret_texts: str) -> None:
        self._fernet = MultiFernet([Fernet(_key(secret)) for secret in secret_texts])

    def __repr__(self) -> str:
        return "<Cipher>"

    @classmethod
    def load(cls, settings_secret: str, data_dir: Path) -> Cipher:
        """The cipher of this vault: the setting's secret if there is one (old tokens of the kept key stay readable),
        else the key in `data_dir`, which is made, readable by its owner only, when absent. Safe when two processes
        start at once. Raises SettingsError when the file cannot be read or made."""
        path = data_dir / FILE_NAME
        try:
            if settings_secret:
                kept = [path.read_text("ascii").strip()] if path.exists() else []
                return cls(settings_secret, *filter(None, kept))
            return cls(_kept_secret(path))
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(
                f"The key file {path} cannot be read or made.", hint="Check HLCORE_DATA_DIR and its rights."
            ) from exc

    def encrypt(self, text: str) -> bytes:
        """The text, readable only with this key."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """The text. Raises SettingsError when it was encrypted with another key."""
        try:
            return self._fernet.decrypt(data).decode()
        except InvalidToken as exc:
            raise SettingsError(
                "The stored token was encrypted with another key.",
                hint=f"Put back HLCORE_SECRET_KEY or the file {FILE_NAME}, or connect the account again.",
            ) from exc


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())


def _kept_secret(path: Path) -> str:
    """The secret in the file, complete or not there at all: it is written beside and linked into place."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
                file.flush()
                os.fsync(file.fileno())
            _place(Path(name), path)
        finally:
            Path(name).unlink(missing_ok=True)
    secret = path.read_text("ascii").strip()
    if not secret:
        raise SettingsError(f"The key file {path} is empty.", hint="Put back a backup, or delete it and reconnect.")
    return secret


def _place(made: Path, path: Path) -> None:
    """Whoever comes second keeps the first one's key."""
    try:
        os.link(made, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            made.replace(path)
