"""Training time, and a throttle for work that costs some of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

_BEAT_SECONDS = 0.1
_STOPPED_SECONDS = 1.0
"""A process without a beat for longer, and without CPU time, was stopped."""


class RunningTime:
    """Seconds in which the process runs, without those in which it is stopped, for example by Ctrl+Z.

    A thread notes the time ten times a second. It does so until the context is left.
    """

    def __init__(
        self, now: Callable[[], float] = time.perf_counter, cpu: Callable[[], float] = time.process_time
    ) -> None:
        self._now, self._cpu = now, cpu
        self._lock = threading.Lock()
        self._beat = now(), cpu()
        self._stopped_seconds = 0.0
        self._has_ended = threading.Event()

    def __call__(self) -> float:
        with self._lock:
            seconds, cpu_seconds = self._now(), self._cpu()
            silent = seconds - self._beat[0]
            if silent > _STOPPED_SECONDS and cpu_seconds - self._beat[1] < silent / 10:
                self._stopped_seconds += silent
            self._beat = seconds, cpu_seconds
            return seconds - self._stopped_seconds

    def __enter__(self) -> Self:
        self()
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._has_ended.set()

    def _run(self) -> None:
        while not self._has_ended.wait(_BEAT_SECONDS):
            self()


class Clock:
    """Seconds of training: continues from an earlier process and stops while a run is paused."""

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
        """Context in which time does not count."""
        self._stopped_at = self.seconds
        try:
            yield
        finally:
            self._start = self._now() - self._stopped_at
            self._stopped_at = None


class Throttle:
    """Limits recurring work to `share` of the training time.

    Work that took 20 ms at a share of 0.02 is due again after a second, or after `least_seconds` if that is
    more. It is first due `first_seconds` from now.
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
        """Return True if the work is due, and count it as done. For work of negligible cost."""
        now = self._clock.seconds
        if now < self._next:
            return False
        self._next = now + self._least_seconds
        return True

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Context that measures work, due or requested."""
        start = self._clock.seconds
        try:
            yield
        finally:
            end = self._clock.seconds
            self._next = end + max((end - start) / self._share, self._least_seconds)
