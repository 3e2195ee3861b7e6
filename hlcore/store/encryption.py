"""The key that encrypts stored tokens: from the settings, or created once in the data folder.

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

from hlcore.errors import KeyMissing, SettingsError
from hlcore.private_files import make_folder

FILE_NAME = "secret.key"


class Cipher:
    """Encrypts and decrypts short texts. Its `repr` shows no key."""

    def __init__(self, *secret_texts: str) -> None:
        self._fernet = MultiFernet([Fernet(_key(secret)) for secret in secret_texts])

    def __repr__(self) -> str:
        return "<Cipher>"

    @classmethod
    def load(cls, settings_secret: str, data_dir: Path) -> Cipher:
        """Return the cipher of this vault: with the secret of the settings if there is one (tokens encrypted with the
        key file stay readable), else with the key file in `data_dir`, which is created when absent, readable by its
        owner only. Safe when two processes start at once. Raises SettingsError when the file cannot be read or
        created."""
        path = data_dir / FILE_NAME
        try:
            if settings_secret:
                from_file = [path.read_text("ascii").strip()] if path.exists() else []
                return cls(settings_secret, *filter(None, from_file))
            return cls(_read_or_create(path))
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(
                f"The key file {path} cannot be read or created.", hint="Check HLCORE_DATA_DIR and its permissions."
            ) from exc

    @staticmethod
    def has_key_file(data_dir: Path) -> bool:
        """Whether the key file exists."""
        return os.path.exists(data_dir / FILE_NAME)

    @classmethod
    def renew(cls, data_dir: Path) -> Cipher:
        """Make a new key file where there is none or an empty one, and return its cipher. Raises SettingsError, also
        when a key exists: it is never replaced."""
        path = data_dir / FILE_NAME
        try:
            if path.exists() and path.read_text("ascii").strip():
                raise SettingsError(f"The key file {path} exists.", hint="It is used as it is; nothing was changed.")
            path.unlink(missing_ok=True)
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(f"The key file {path} cannot be read.", hint="Check its permissions.") from exc
        return cls.load("", data_dir)

    def encrypt(self, text: str) -> bytes:
        """Return the text encrypted with this key."""
        return self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes) -> str:
        """Return the decrypted text. Raises SettingsError when it was encrypted with another key."""
        try:
            return self._fernet.decrypt(data).decode()
        except InvalidToken as exc:
            raise SettingsError(
                "The stored token was encrypted with another key.",
                hint=f"Restore HLCORE_SECRET_KEY or the file {FILE_NAME}, or connect the account again.",
            ) from exc


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest())


def _read_or_create(path: Path) -> str:
    """Return the secret in the file. A new one is written to a temporary file and linked into place, so that nobody
    ever reads half of it."""
    if not path.exists():
        make_folder(path.parent)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # mode 0600
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(32))
                file.flush()
                os.fsync(file.fileno())
            _link(Path(name), path)
        finally:
            Path(name).unlink(missing_ok=True)
    secret = path.read_text("ascii").strip()
    if not secret:
        raise KeyMissing(f"The key file {path} is empty.")
    return secret


def _link(new: Path, path: Path) -> None:
    """Put the new file into place unless another process was first."""
    try:
        os.link(new, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            new.replace(path)
