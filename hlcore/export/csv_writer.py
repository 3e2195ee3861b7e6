"""Rows to bytes (RFC 4180, UTF-8), counted and hashed as they are written, and files that are written atomically."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from hlcore.errors import ExportError
from hlcore.model.wording import form, plural

BATCH = 1_000
NAMED = 20
"""So many unreadable rows are named in a sentence."""
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
    """What a file holds: `rows` without the header, its size in `bytes`, its SHA-256 in hex. `unreadable`: the ids of
    rows that could not be read field by field and stand in it as their ids and bytes. `known_for`: for how many live
    contacts, of how many, the vault knows what they have of this kind; None where the file's rows do not depend on it.
    """

    rows: int
    bytes: int
    sha256: str
    unreadable: tuple[str, ...] = ()
    known_for: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest with the keys that the command line promises; `unreadable` and `known_for` only where
        there is something to say."""
        value: dict[str, Any] = {"rows": self.rows, "bytes": self.bytes, "sha256": self.sha256}
        if self.unreadable:
            value["unreadable"] = list(self.unreadable)
        if self.known_for:
            value["known_for"] = dict(zip(("contacts", "of"), self.known_for, strict=True))
        return value

    @property
    def note(self) -> str:
        """What is to be said about unreadable rows, and about contacts of whom it is not known what they have; '' where
        there is neither."""
        notes = []
        if self.unreadable:
            named = ", ".join(self.unreadable[:NAMED]) + (" …" if len(self.unreadable) > NAMED else "")
            rows = plural(len(self.unreadable), "row could", "rows could")
            verb = form(len(self.unreadable), "stands", "stand")
            notes.append(f"{rows} not be read field by field and {verb} raw: {named}")
        if self.known_for and self.known_for[0] < self.known_for[1]:
            known, total = self.known_for
            missing = plural(total - known, "other contact has", "other contacts have")
            notes.append(f"Known for {known} of {total} contacts in HighLevel; not yet read is what {missing}")
        return ". ".join(notes)


class CsvSink:
    """Writes rows to a binary stream in batches of some hundred kilobytes. The first row is the header."""

    def __init__(self, out: BinaryIO, *, bom: bool = False) -> None:
        self._out = out
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._rows = 0
        self._buffered = 0
        if bom:
            self._send(BOM)

    def write_row(self, cells: Sequence[str]) -> None:
        """Append the row. Raises ExportError."""
        self._writer.writerow(cells)
        self._rows += 1
        self._buffered += 1
        if self._buffered >= BATCH:
            self._flush()

    def finish(self, unreadable: Sequence[str] = (), known_for: tuple[int, int] | None = None) -> Manifest:
        """Write what is still buffered, and return the manifest. Raises ExportError."""
        self._flush()
        with translate_os_errors():
            self._out.flush()
        return Manifest(max(0, self._rows - 1), self._bytes, self._hash.hexdigest(), tuple(unreadable), known_for)

    def _flush(self) -> None:
        data = self._text.getvalue().encode("utf-8", "backslashreplace")
        self._text.seek(0)
        self._text.truncate()
        self._buffered = 0
        self._send(data)

    def _send(self, data: bytes) -> None:
        self._hash.update(data)
        self._bytes += len(data)
        with translate_os_errors():
            self._out.write(data)


@contextmanager
def atomic_file(path: Path) -> Iterator[Callable[[], AbstractContextManager[BinaryIO]]]:
    """Yield a function that opens a draft, which replaces `path` once the block has succeeded. Until then, and when the
    block fails, an existing file stays as it is. Only this user may read the file. A pipe or a device is written to
    directly. Raises ExportError."""
    target = path.expanduser()
    if _takes_a_stream(target):
        yield lambda: _open_stream(target)
        return
    draft = target.with_name(f".{target.name[:100]}.{uuid4().hex[:12]}.part")
    try:
        yield lambda: _create(target, draft)
        with translate_os_errors():
            draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _takes_a_stream(target: Path) -> bool:
    """Whether the path names a pipe or a device, which is written to and never replaced."""
    with suppress(OSError, ValueError):
        mode = target.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


@contextmanager
def _open_stream(target: Path) -> Iterator[BinaryIO]:
    with translate_os_errors():
        out = target.open("wb")
    with out:
        yield out


@contextmanager
def _create(target: Path, draft: Path) -> Iterator[BinaryIO]:
    """Create the draft; all its bytes are on disk when the block has succeeded."""
    with translate_os_errors():
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        out = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    with out:
        yield out
        with translate_os_errors():
            out.flush()
            os.fsync(out.fileno())


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Raise errors of the file system as ExportError, with what happened and what helps, without the path; a pipe whose
    reader is gone as BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as exc:
        reason = os.strerror(exc.errno) if exc.errno else type(exc).__name__
        hint = _HINTS.get(exc.errno or 0, "Check the disk and the rights of the folder.")
        raise ExportError(f"The file could not be written: {reason}.", hint=hint) from exc
