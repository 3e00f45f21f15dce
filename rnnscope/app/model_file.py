"""Detects whether the files of a loaded model have been replaced, for example by a run that saves to them."""

from __future__ import annotations

from pathlib import Path

from rnnscope.network.formats import files_of


class ModelFile:
    """The files of a model, as they were when it was opened."""

    def __init__(self, path: Path) -> None:
        self._files = files_of(path)
        self._opened = self._stamps()

    def has_changed(self) -> bool:
        """Return True the first time that a file differs from when it was opened."""
        now = self._stamps()
        if self._opened is None or now is None or now == self._opened:
            return False
        self._opened = None
        return True

    def _stamps(self) -> list[tuple[int, int, int]] | None:
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return None
        return [(status.st_mtime_ns, status.st_size, status.st_ino) for status in found]
