"""Work that nobody waits for any more ends where it is, in one way: it raises `Stopped`."""

from __future__ import annotations

from collections.abc import Callable

Stop = Callable[[], bool]
"""Whether the work should end; looked at every tenth of a second or so."""


class Stopped(Exception):
    """Nobody wants the result any more; there is none."""


def heed(should_stop: Stop | None) -> None:
    """Raise Stopped where somebody said so."""
    if should_stop is not None and should_stop():
        raise Stopped
