"""Waiting for an app, and reading what it shows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import textual.app
import textual.pilot
import textual.screen
from textual.pilot import Pilot
from textual.screen import Screen

from rnnscope.app.stage import Stage

_NAP_SECONDS = 0.001
_RESIZE_SECONDS = 1 / 60
"""Textual resizes its screens 1/120 second after a terminal changed its size."""


async def until_at_rest(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Wait until the thread of the app has nothing to do for two naps.

    It replaces Textual's own waiting after each key and click of a pilot, which takes at least 20 ms, and a
    second while another thread computes. Tests wait for other threads by `until`.
    """
    end, naps = time.monotonic() + max_sleep, 0
    while naps < 2 and time.monotonic() < end:
        busy = time.thread_time()
        await asyncio.sleep(_NAP_SECONDS)
        naps = naps + 1 if time.thread_time() - busy < _NAP_SECONDS / 10 else 0


async def _resize_terminal(self: Pilot[Any], width: int, height: int) -> None:
    await _resize(self, width, height)
    await self.pause(_RESIZE_SECONDS)
    await self.pause()


_resize = Pilot.resize_terminal
textual.pilot.wait_for_idle = textual.app.wait_for_idle = until_at_rest
textual.screen.UPDATE_PERIOD = _NAP_SECONDS / 2  # type: ignore[misc]
Pilot.resize_terminal = _resize_terminal  # type: ignore[method-assign]


async def until(pilot: Pilot[Any], holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something to hold; fails where it never does, and at once where the application has ended."""
    latest = time.monotonic() + seconds
    while not holds():
        assert pilot.app.return_code is None, "the application has ended"
        assert time.monotonic() < latest, "waited too long"
        await pilot.pause(0.01)
    await pilot.pause()


def text_of(screen: Screen[Any]) -> str:
    """All that the screen's panels, header, footer and messages show."""
    rows = []
    for widget in screen.query_one(Stage).children:
        if widget.display and widget.id != "prompt":
            rows += [widget.render_line(y).text for y in range(widget.size.height)]
    return "\n".join(rows)
