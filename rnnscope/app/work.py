"""Messages between worker threads, screens and the app."""

from __future__ import annotations

from textual.message import Message


class Delivered(Message):
    """Results of jobs are ready; the screen calls `Jobs.deliver`."""


class WorkEnded(Message):
    """The main work of a screen has ended; `error` is None if it succeeded."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error
