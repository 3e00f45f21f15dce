"""Files on disk: atomic writes, bounded reads, and locks."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import secrets
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO


def write_atomically(path: Path, write: Callable[[BinaryIO], object], *, durable: bool = True) -> None:
    """Replace the content of `path` by what `write` writes, or leave it unchanged.

    The bytes go to a temporary file in the same directory, are synced to the disk, and are renamed
    atomically, so that a reader or a crash sees either the old or the new file. Raises OSError (a
    full disk, say) after removing the temporary file.

    durable: False does not wait for the disk, which can take longer than the rest: after a power failure the
    file may be empty or missing.
    """
    # Created with the umask of the user, unlike mkstemp.
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    try:
        with file:
            write(file)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        # After an interrupt just after the rename, the temporary file does not exist.
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    if durable:
        _sync_directory(path.parent)


def write_json(path: Path, value: object) -> None:
    """Write a value as indented JSON, atomically; ? stands for a byte of a file name that is not UTF-8.

    Raises OSError, and ValueError for a NaN or an infinity.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode("utf-8", "replace")))


def remove_temporaries(directory: Path) -> None:
    """Remove temporary files of processes killed during `write_atomically`."""
    for temporary in directory.glob(".*.tmp"):
        temporary.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    """Make the rename durable, if the file system supports it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a directory; the rename succeeded.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def read_regular_file(path: Path, *, max_bytes: int) -> bytes:
    """The bytes of a file. Raises OSError, also where it is a pipe, a device or larger than `max_bytes`."""
    # Opening a pipe would wait for its other end; O_NONBLOCK changes nothing for a regular file.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", str(path))
        if status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"it is larger than {max_bytes:,} bytes", str(path))
        return file.read(status.st_size)


class FileLock:
    """An exclusive lock on an open file, which the kernel releases when the process ends.

    The lock belongs to the file's inode, not to its name.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        """Use `acquire`."""
        self._path = path
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, *, seconds: float = 0.3) -> FileLock:
        """Create the file if needed, and lock it; never through a symbolic link.

        Raises BlockingIOError if another process holds the lock for longer than `seconds`, and OSError.
        """
        end = time.monotonic() + seconds
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(path, flags, 0o666)
            lock = cls(path, descriptor)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.EINVAL, "it is not a regular file", str(path))
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if lock.is_named():
                    return lock
            except BlockingIOError:
                if time.monotonic() >= end:
                    lock.release()
                    raise
            except BaseException:
                lock.release()
                raise
            lock.release()
            time.sleep(0.01)

    def is_named(self) -> bool:
        """Return True if the path still refers to the locked file."""
        try:
            named, held = os.stat(self._path, follow_symlinks=False), os.fstat(self.descriptor)
        except FileNotFoundError:
            return False
        return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)

    def release(self) -> None:
        """Close the file and release the lock."""
        os.close(self.descriptor)


def is_locked(path: Path) -> bool:
    """Return True if a process holds a `FileLock` on the file. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
