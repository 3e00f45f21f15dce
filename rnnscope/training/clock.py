"""Training time, and how often what costs some of it may be done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Seconds of training: goes on from an earlier process, and stands still while a run is paused."""

    def __init__(self, seconds: float = 0.0, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self._start = now() - seconds
        self._stopped_at: float | None = None

    @property
    def seconds(self) -> float:
        if self._stopped_at is not None:
            return self._stopped_at
        return self._now() - self._start

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Time spent inside does not count."""
        self._stopped_at = self.seconds
        try:
            yield
        finally:
            self._start = self._now() - self._stopped_at
            self._stopped_at = None


class Spaced:
    """Spaces what is done along the way so that it costs at most `share` of the training time.

    What took 20 ms at a share of 0.02 is due again after a second, or after `least_seconds` if that is more.
    The first time is `first_seconds` from now, whatever it costs.
    """

    def __init__(
        self, clock: Clock, *, share: float = 1.0, first_seconds: float = 0.0, least_seconds: float = 0.0
    ) -> None:
        self._clock = clock
        self._share = share
        self._next = clock.seconds + first_seconds
        self._least_seconds = least_seconds

    @property
    def is_due(self) -> bool:
        return self._clock.seconds >= self._next

    def take(self) -> bool:
        """Whether it is due; of what costs next to nothing, this counts as doing it."""
        now = self._clock.seconds
        if now < self._next:
            return False
        self._next = now + self._least_seconds
        return True

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Around the doing of it, due or asked for."""
        start = self._clock.seconds
        try:
            yield
        finally:
            end = self._clock.seconds
            self._next = end + max((end - start) / self._share, self._least_seconds)
