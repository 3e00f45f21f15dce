"""A small JSON file next to a model, which several programs may read and change.

Every change is merged into the file under a lock, and written atomically: two programs on one model keep each
other's changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from rnnscope.app.scope import Severity
from rnnscope.errors import OptionError
from rnnscope.files import FileLock, read_regular_file, write_atomically
from rnnscope.strict_json import JsonError, parse

T = TypeVar("T")

_LARGEST_BYTES = 4 << 20


@dataclass(frozen=True)
class Format(Generic[T]):
    """How a value is written as JSON."""

    empty: T
    """The value of a file that does not exist."""
    decode: Callable[[Any], T]
    """Raises JsonError for JSON of another kind."""
    encode: Callable[[T], object]


class SidecarFile(Generic[T]):
    """The value in a file. An error is announced, and the value stays in memory."""

    def __init__(
        self, path: Path | None, format: Format[T], announce: Callable[[str, Severity], object]
    ) -> None:
        """path: None keeps the value in memory only."""
        self._path = path
        self._format = format
        self._announce = announce

    def load(self) -> T:
        """The value in the file; the empty one if there is no file, or one that cannot be read."""
        if self._path is None:
            return self._format.empty
        try:
            return load_file(self._path, self._format)
        except OptionError as error:
            self._path = None  # it stays as it is
            self._announce(str(error), "warning")
            return self._format.empty

    def edit(self, value: T, change: Callable[[T], T]) -> T:
        """Apply a change to the value in the file, and return it; without a file, to `value`."""
        if self._path is not None:
            try:
                return edit_file(self._path, self._format, change)
            except OptionError as error:
                self._announce(str(error), "warning")
            except OSError as error:
                self._announce(f"not saved: {self._path}: {error.strerror or error}", "warning")
        return change(value)


def load_file(path: Path, format: Format[T]) -> T:
    """The value in a file; the empty one if there is no file. Raises OptionError for another kind of file."""
    try:
        content = read_regular_file(path, max_bytes=_LARGEST_BYTES)
        # An empty file is of a program that was killed between locking and writing it.
        return format.decode(parse(content)) if content else format.empty
    except FileNotFoundError:
        return format.empty
    except (OSError, JsonError) as error:
        raise OptionError(f"{path} cannot be read: {_reason(error)}; move it away to start afresh") from error


def edit_file(path: Path, format: Format[T], change: Callable[[T], T]) -> T:
    """Apply a change to the value that the file has now, write it, and return it.

    Raises OptionError for another kind of file, which stays as it is, and OSError.
    """
    lock = FileLock.acquire(path, seconds=5.0)
    try:
        value = change(load_file(path, format))
        content = json.dumps(format.encode(value), ensure_ascii=False, indent=1).encode()
        write_atomically(path, lambda file: file.write(content))
    finally:
        lock.release()
    return value


def _reason(error: OSError | JsonError) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)
