"""Files that are whole or not there: written beside, synced, then renamed into place."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Make `path` hold what `write` writes, or leave it as it was.

    The bytes go to a temporary file in the same directory, are synced to the disk, and take the name in one
    step, so that a reader or a crash sees the old file or the new one and nothing between. Raises OSError (a
    full disk, say) after removing the temporary file.
    """
    # Created as any file is, so that the user's umask decides who may read it (mkstemp would not ask).
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        # An interrupt may arrive just after the rename: then the temporary name is gone already.
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    _sync_directory(path.parent)


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically. Raises OSError, and ValueError for a NaN or an infinity."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def remove_temporaries(directory: Path) -> None:
    """Remove what a process killed in the middle of `write_atomically` left in a directory."""
    for temporary in directory.glob(".*.tmp"):
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """Make the rename itself durable, where the file system knows how."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems refuse to sync a directory; the file has its name all the same.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)
