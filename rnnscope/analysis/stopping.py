"""Where older analyses learn that their result is no longer wanted."""

from __future__ import annotations

from collections.abc import Callable

from rnnscope.progress import Cancelled as Stopped

Stop = Callable[[], bool]
"""Whether the work should end."""

__all__ = ["Stop", "Stopped", "heed"]


def heed(should_stop: Stop | None) -> None:
    """Raise Cancelled where the work should end."""
    if should_stop is not None and should_stop():
        raise Stopped
