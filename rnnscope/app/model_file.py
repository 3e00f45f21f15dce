"""The file that a model was loaded from, which a run may write anew meanwhile."""

from __future__ import annotations

from pathlib import Path


class ModelFile:
    """Notices that another file has taken its place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self._look()

    def has_changed(self) -> bool:
        """Whether the file has changed since it was opened; True once only."""
        now = self._look()
        if self._mark is None or now is None or now == self._mark:
            return False
        self._mark = None
        return True

    def _look(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
