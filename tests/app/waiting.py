"""Waiting for what an application comes to, without waiting for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot


async def until(pilot: Pilot[Any], holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something to hold; fails where it never does, and at once where the application has ended."""
    latest = time.monotonic() + seconds
    while not holds():
        assert pilot.app.return_code is None, "the application has ended"
        assert time.monotonic() < latest, "waited too long"
        await pilot.pause(0.01)
    await pilot.pause()
