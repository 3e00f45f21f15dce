"""Messages between worker threads, screens and the app."""

from __future__ import annotations

from textual.message import Message


class Delivered(Message):
    """Results of jobs wait for the screen, which calls `Jobs.deliver`."""


class WorkEnded(Message):
    """What a screen was opened for has ended: by itself, or by an error."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error
