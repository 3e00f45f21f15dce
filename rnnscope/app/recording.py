"""A recording of a screen as an asciicast, version 2, which asciinema plays.

    {"version": 2, "width": 120, "height": 40, "timestamp": 1767366000, "title": "rnnscope", "env": {…}}
    [0.000412, "o", "\\u001b[?1049h"]       output, and the seconds since the beginning
    [8.2, "r", "80x24"]                    the terminal's new size

Source: docs.asciinema.org, asciicast v2.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from rnnscope.errors import OptionError


class Recording:
    """Appends what is drawn to a file; after an error, such as a full disk, it ends."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Create the file. Raises OptionError if it exists or cannot be written."""
        try:
            self._file = path.open("x", encoding="utf-8")
        except FileExistsError as error:
            raise OptionError(f"{path} exists; remove it, or record into another file") from error
        except OSError as error:
            raise OptionError(f"{path} cannot be written: {error.strerror}") from error
        self._clock = clock
        self._began: float | None = None
        self._size = (0, 0)
        self.failure: OSError | None = None
        """The error that ended the recording."""

    def draw(self, text: str, size: tuple[int, int]) -> None:
        """Record output to a terminal of `size` columns and rows."""
        if self.failure is not None or self._file.closed:
            return
        try:
            if self._began is None:
                self._began, self._size = self._clock(), size
                self._write(
                    {
                        "version": 2,
                        "width": size[0],
                        "height": size[1],
                        "timestamp": int(time.time()),
                        "title": "rnnscope",
                        "env": {"TERM": os.environ.get("TERM", "")},
                    }
                )
            seconds = round(self._clock() - self._began, 6)
            if size != self._size:
                self._size = size
                self._write([seconds, "r", f"{size[0]}x{size[1]}"])
            self._write([seconds, "o", text])
            self._file.flush()
        except OSError as error:
            self.failure = error

    def close(self) -> None:
        """Close the file."""
        try:
            self._file.close()
        except OSError as error:
            self.failure = self.failure or error

    def _write(self, record: object) -> None:
        self._file.write(json.dumps(record) + "\n")
