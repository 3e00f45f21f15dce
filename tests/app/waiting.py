"""Waiting for an app, and reading what it shows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from rnnscope.app.stage import Stage


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
