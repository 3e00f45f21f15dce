"""The losses of a run, from its log, also while another process writes it."""

from __future__ import annotations

from pathlib import Path

from rnnscope.errors import RunError
from rnnscope.training.events import Compared, Event
from rnnscope.training.log import LogReader, as_one_run, condensed, is_drawn
from rnnscope.training.run import BASELINES, LOG, read_baselines


class Curves:
    """Reads what charts show: the events that `is_drawn` names, and the losses of n-gram models."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._reader = LogReader(directory / LOG)
        self._is_first = True
        self._baselines_at: int | None = None

    def read(self) -> list[Event]:
        """The events since the last call, oldest first; none where the run has no log that can be read."""
        try:
            events = self._reader.read()
        except OSError:
            return []
        if self._is_first or self._reader.was_replaced:
            events = as_one_run(events)
            self._is_first = not events
        return [*condensed(filter(is_drawn, events)), *self._baselines()]

    def _baselines(self) -> list[Event]:
        try:
            at = (self._directory / BASELINES).stat().st_mtime_ns
            if at == self._baselines_at:
                return []
            self._baselines_at = at
            losses = read_baselines(self._directory)
        except (OSError, RunError):  # there are none, or they are damaged: the chart does without
            return []
        return [Compared(0, 0.0, losses)]
