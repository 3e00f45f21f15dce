"""The files that a model was loaded from, which a run may write anew meanwhile."""

from __future__ import annotations

from pathlib import Path

from rnnscope.network.formats import files_of


class ModelFile:
    """Notices that other files have taken their place."""

    def __init__(self, path: Path) -> None:
        self._files = files_of(path)
        self._mark = self._look()

    def has_changed(self) -> bool:
        """Whether a file has changed since it was opened; True once only."""
        now = self._look()
        if self._mark is None or now is None or now == self._mark:
            return False
        self._mark = None
        return True

    def _look(self) -> list[tuple[int, int, int]] | None:
        try:
            found = [file.stat() for file in self._files]
        except OSError:
            return None
        return [(status.st_mtime_ns, status.st_size, status.st_ino) for status in found]
