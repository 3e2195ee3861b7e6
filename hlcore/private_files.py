"""Files and folders that only this user of the machine may open, also those that an earlier version left open.

On POSIX systems only: Windows keeps a file as private as its folder is. A file system that knows no permissions stays
as it is.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hlcore.errors import SettingsError, StoreError

FOLDER_MODE, FILE_MODE, OTHERS = 0o700, 0o600, 0o077
_IS_POSIX = os.name == "posix"


def make_data_folder(folder: Path) -> None:
    """Leave the data folder existing, private, and with everything private that Contact Vault keeps in it.

    Raises SettingsError when the path cannot be a private folder: it is a file, belongs to another user, or is one that
    several users share. Raises StoreError when the disk refuses. May be repeated.
    """
    try:
        make_folder(folder)
        _refuse_shared(folder)
        close_to_others(folder, FOLDER_MODE)
        for path in _kept_in(folder):
            close_to_others(path, FOLDER_MODE if path.is_dir() else FILE_MODE)
    except (FileExistsError, NotADirectoryError):
        raise SettingsError("HLCORE_DATA_DIR is no folder.", hint="Name a folder, or a path that is free.") from None
    except PermissionError:
        raise SettingsError(
            "HLCORE_DATA_DIR cannot be used: this user may not enter it, or it belongs to another user and is open.",
            hint="Name a folder of its own (a new one is made with the right permissions), or change its owner.",
        ) from None
    except OSError as exc:
        raise StoreError(f"The data folder cannot be made or read ({exc.strerror}).", hint="Check its disk.") from None


def make_folder(folder: Path) -> None:
    """Make the folder, private, unless it exists. Folders above it are made as usual. Raises OSError."""
    folder.expanduser().mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def make_private_file(path: Path) -> None:
    """Leave the file existing and private; a new one is empty. Raises OSError, PermissionError when others may open it
    and it belongs to another user."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, FILE_MODE))
    close_to_others(path, FILE_MODE)


def close_to_others(path: Path, mode: int) -> None:
    """Take from other users what they may do with this file or folder, if it exists. `mode` is what it gets where they
    may do anything at all. Raises PermissionError when they may and it is not ours to change."""
    if not _IS_POSIX:
        return
    try:
        found = path.stat()
        if found.st_mode & OTHERS:
            path.chmod(mode)
    except FileNotFoundError:
        return
    except PermissionError:
        raise
    except OSError:  # a read-only disk, or one without permissions: nothing more can be done here
        return


def _refuse_shared(folder: Path) -> None:
    """Raise PermissionError for a folder that must stay open, because other users need it."""
    if _IS_POSIX:
        resolved = folder.expanduser().resolve()
        if resolved.parent == resolved or resolved.stat().st_mode & stat.S_ISVTX:
            raise PermissionError


def _kept_in(folder: Path) -> Iterator[Path]:
    """Yield what Contact Vault keeps in its data folder; whatever else a user put there is theirs. Links are left out:
    they may lead anywhere."""
    for name in ("demo", "exports"):
        for parent, _, files in os.walk(folder / name):
            yield Path(parent)
            yield from (Path(parent, file) for file in files if not Path(parent, file).is_symlink())
    with suppress(FileNotFoundError):
        yield from (path for path in (folder / "secret.key", *folder.glob(".key-*")) if not path.is_symlink())
