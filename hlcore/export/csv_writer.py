"""Rows into bytes: RFC 4180, UTF-8, counted and hashed on the way out."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from hlcore.errors import ExportError

BATCH = 1_000
BOM = b"\xef\xbb\xbf"
_HINTS = {
    errno.ENOSPC: "The disk is full: free some space, or choose another folder.",
    errno.EDQUOT: "The disk quota is used up: free some space, or choose another folder.",
    errno.EFBIG: "The file system allows no file of this size: choose another folder.",
    errno.EACCES: "This user may not write there: choose another folder, or change its rights.",
    errno.EPERM: "This user may not write there: choose another folder, or change its rights.",
    errno.EROFS: "The disk is read-only: choose another folder.",
    errno.ENOENT: "The folder does not exist: make it first.",
    errno.ENOTDIR: "Part of the path is a file: choose another folder.",
    errno.EISDIR: "This is a folder: name a file in it.",
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file holds: `rows` without the header, its size in `bytes`, the SHA-256 of all of it in hex."""

    rows: int
    bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """The keys of the command line's contract."""
        return asdict(self)


class Sink:
    """Writes rows to a binary stream, some hundred kilobytes at a time. The first row is the header."""

    def __init__(self, out: BinaryIO, *, bom: bool = False) -> None:
        self._out = out
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._lines = 0
        self._waiting = 0
        if bom:
            self._send(BOM)

    def row(self, cells: Sequence[str]) -> None:
        """The row is part of the file. Raises ExportError."""
        self._writer.writerow(cells)
        self._lines += 1
        self._waiting += 1
        if self._waiting >= BATCH:
            self._flush()

    def finish(self) -> Manifest:
        """Everything is written. Raises ExportError."""
        self._flush()
        with translated():
            self._out.flush()
        return Manifest(max(0, self._lines - 1), self._bytes, self._hash.hexdigest())

    def _flush(self) -> None:
        data = self._text.getvalue().encode("utf-8", "backslashreplace")
        self._text.seek(0)
        self._text.truncate()
        self._waiting = 0
        self._send(data)

    def _send(self, data: bytes) -> None:
        self._hash.update(data)
        self._bytes += len(data)
        with translated():
            self._out.write(data)


@contextmanager
def placed(path: Path) -> Iterator[Callable[[], AbstractContextManager[BinaryIO]]]:
    """A way to open a draft; its bytes stand at `path` once the block has ended well. Until then, and when it fails,
    whatever was there stays. Only this user may read the file. Raises ExportError."""
    target = path.expanduser()
    draft = target.with_name(f".{target.name[:100]}.{uuid4().hex[:12]}.part")
    try:
        yield lambda: _opened(target, draft)
        with translated():
            draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def _opened(target: Path, draft: Path) -> Iterator[BinaryIO]:
    """The new draft; all its bytes are on disk when the block has ended well."""
    with translated():
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        out = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    with out:
        yield out
        with translated():
            out.flush()
            os.fsync(out.fileno())


@contextmanager
def translated() -> Iterator[None]:
    """Faults of the file system become ExportError: what happened and what helps, without the path."""
    try:
        yield
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else type(exc).__name__
        hint = _HINTS.get(exc.errno or 0, "Check the disk and the rights of the folder.")
        raise ExportError(f"The file could not be written: {reason}.", hint=hint) from exc
