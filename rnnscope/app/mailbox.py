"""Where a training thread leaves its events and the screen collects them, ten times a second.

Nothing wakes the screen for an event: it looks when it is time to draw. Traces are large and only the newest
is ever shown, so an uncollected one makes way for the next.
"""

from __future__ import annotations

import threading

from rnnscope.training.events import Event, Traced


class Mailbox:
    """Any thread posts; the screen's thread drains."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._traced: int | None = None
        """Where the trace that waits stands among the events."""

    def post(self, event: Event) -> None:
        """Leave an event; a waiting trace is replaced, and the new one takes its turn at the end."""
        with self._lock:
            if isinstance(event, Traced):
                if self._traced is not None:
                    del self._events[self._traced]
                self._traced = len(self._events)
            self._events.append(event)

    def drain(self) -> list[Event]:
        """All that waits, oldest first."""
        with self._lock:
            events, self._events, self._traced = self._events, [], None
        return events
