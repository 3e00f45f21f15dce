"""Progress and cancellation of long computations: one object for both.

A long computation takes a `Progress` and calls it with the share that is done. Once the computation has been
cancelled, the call raises `Cancelled`.

    def count(text: str, progress: Progress = NO_PROGRESS) -> int:
        for number, line in enumerate(lines):
            progress(number / len(lines))
            ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


class Cancelled(Exception):
    """The computation was cancelled; it has no result, not even a partial one.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 4)
        >>> session.ask(rnnscope.Saturation(), rnnscope.Progress(is_cancelled=lambda: True))
        Traceback (most recent call last):
        rnnscope.progress.Cancelled
    """


def _ignore(share: float) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Progress:
    """Receives the progress of a computation, and can cancel it.

    Example::

        >>> import rnnscope
        >>> session = rnnscope.Session(rnnscope.load("archive-lstm"), "one, two, three\\n" * 4)
        >>> shares = []
        >>> _ = session.ask(rnnscope.Saturation(), rnnscope.Progress(shares.append))
        >>> shares[-1]
        1.0
    """

    on_progress: Callable[[float], object] = _ignore
    """Called with the share that is done, 0..1."""
    is_cancelled: Callable[[], bool] = _never
    """Checked between two pieces of work, about every tenth of a second."""

    def __call__(self, share: float) -> None:
        """Report that `share`, 0..1, is done. Raises Cancelled."""
        self.check()
        self.on_progress(share)

    def check(self) -> None:
        """Raise Cancelled if the computation was cancelled."""
        if self.is_cancelled():
            raise Cancelled

    def part(self, start: float, stop: float) -> Progress:
        """The progress of a part of the work: its 0..1 is `start`..`stop` of the whole."""
        return Progress(lambda share: self.on_progress(start + (stop - start) * share), self.is_cancelled)


NO_PROGRESS = Progress()
"""Reports are ignored, and it is never cancelled."""
