"""A queue of training events, filled by the training thread and drained by the screen ten times a second.

Traces are large and only the newest is shown, so a queued trace is replaced by the next. One that was
requested to name neurons is kept until it is drained.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from rnnscope.training.events import Event, Traced


class Mailbox:
    """Any thread posts; the screen's thread drains."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._traced: int | None = None
        """The index of the queued trace among the events."""

    def post(self, event: Event) -> None:
        """Append an event; a trace replaces a queued one."""
        with self._lock:
            if isinstance(event, Traced):
                if self._traced is not None:
                    before = self._events.pop(self._traced)
                    if event.named is None and isinstance(before, Traced):
                        event = replace(event, named=before.named)
                self._traced = len(self._events)
            self._events.append(event)

    def drain(self) -> list[Event]:
        """Remove and return all queued events, oldest first."""
        with self._lock:
            events, self._events, self._traced = self._events, [], None
        return events
