"""Jobs: functions that run in worker threads, with progress, results and cancellation.

    jobs = Jobs(wake)
    jobs.submit("find", lambda progress: session.ask(query, progress), on_result=panel.show)
    jobs.deliver()      # in the thread that draws: calls the callbacks of everything that has happened

A newer job of a key replaces an older one that waits or runs, and no further callback of the older one is
called. Jobs of one lane run one after another in one thread. While a job of the lane "page" runs, jobs of
other lanes pause at their next check, so that turning pages and typing stay responsive during a search.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from rnnscope.progress import Cancelled, Progress

T = TypeVar("T")

Lane: TypeAlias = Literal["page", "analysis", "background"]
THREAD_NAME = "rnnscope "
"""The prefix of the names of worker threads."""

_LONGEST_WAIT_SECONDS = 0.3
"""The maximum time a job pauses for one of the lane "page", in seconds."""


def _ignore(value: Any) -> None:
    pass


@dataclass(eq=False)
class Job(Generic[T]):
    """A function that is waiting, running, or done."""

    key: str
    run: Callable[[Progress], Iterator[T]]
    lane: Lane
    activity: str
    """The label in a status line, such as `finding`; empty for short jobs."""
    on_result: Callable[[T], object]
    on_error: Callable[[Exception], object]
    on_done: Callable[[], object]
    started_at: float | None = None
    share: float | None = None
    """The completed share, 0..1; None until the job reports it."""
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Request the function to end at its next check; no further callback is called."""
        self._cancelled.set()


class Jobs:
    """Runs jobs in one thread per lane. Any thread may submit and cancel; one thread delivers."""

    def __init__(self, wake: Callable[[], object] = lambda: None) -> None:
        """wake: called from a worker thread when there is something to deliver."""
        self._wake = wake
        self._changed = threading.Condition()
        self._waiting: list[Job[Any]] = []
        self._running: list[Job[Any]] = []
        self._deliveries: deque[tuple[Job[Any], Callable[[], object]]] = deque()
        self._threads: dict[Lane, threading.Thread] = {}
        self._is_closed = False

    # -- submitting ------------------------------------------------------------------------------------------

    def submit(
        self,
        key: str,
        function: Callable[[Progress], T],
        *,
        lane: Lane = "analysis",
        activity: str = "",
        on_result: Callable[[T], object] = _ignore,
        on_error: Callable[[Exception], object] = _ignore,
        on_done: Callable[[], object] = lambda: None,
    ) -> Job[T]:
        """Run `function` in a worker thread; an earlier job of the same key is cancelled.

        on_done is called last, after a result or an error, and not for a job that was cancelled.
        """

        def run(progress: Progress) -> Iterator[T]:
            yield function(progress)

        return self._add(Job(key, run, lane, activity, on_result, on_error, on_done))

    def stream(
        self,
        key: str,
        function: Callable[[Progress], Iterator[T]],
        *,
        lane: Lane = "analysis",
        activity: str = "",
        on_result: Callable[[T], object] = _ignore,
        on_error: Callable[[Exception], object] = _ignore,
        on_done: Callable[[], object] = lambda: None,
    ) -> Job[T]:
        """Like `submit`, for a generator: on_result is called with each value that it yields."""
        return self._add(Job(key, function, lane, activity, on_result, on_error, on_done))

    def cancel(self, *keys: str) -> None:
        """Cancel the jobs of these keys; nothing happens where there are none."""
        with self._changed:
            self._cancel(lambda job: job.key in keys)

    def cancel_all(self, *lanes: Lane) -> None:
        """Cancel all jobs of these lanes."""
        with self._changed:
            self._cancel(lambda job: job.lane in lanes)

    @property
    def active(self) -> tuple[Job[Any], ...]:
        """The jobs that run or wait and were not cancelled, oldest first."""
        with self._changed:
            return tuple(job for job in (*self._running, *self._waiting) if not job.is_cancelled)

    def deliver(self) -> None:
        """Call the callbacks of everything that has happened, in order. Raises what a callback raises."""
        while (delivery := self._next_delivery()) is not None:
            job, call = delivery
            if not job.is_cancelled:
                call()

    def _next_delivery(self) -> tuple[Job[Any], Callable[[], object]] | None:
        with self._changed:
            return self._deliveries.popleft() if self._deliveries else None

    def close(self, wait_seconds: float = 0.0) -> bool:
        """Cancel everything and end the threads, waiting at most `wait_seconds` in total.

        Returns True if all have ended; a function that does not check its progress cannot be ended.
        """
        with self._changed:
            self._is_closed = True
            self._cancel(lambda job: True)
            self._changed.notify_all()
        end = time.monotonic() + wait_seconds
        for thread in self._threads.values():
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads.values())

    def _add(self, job: Job[T]) -> Job[T]:
        with self._changed:
            self._cancel(lambda other: other.key == job.key)
            if self._is_closed:
                job.cancel()
                return job
            self._waiting.append(job)
            if job.lane not in self._threads:
                thread = threading.Thread(
                    target=self._work, args=(job.lane,), name=THREAD_NAME + job.lane, daemon=True
                )
                self._threads[job.lane] = thread
                thread.start()
            self._changed.notify_all()
        return job

    def _cancel(self, is_meant: Callable[[Job[Any]], bool]) -> None:
        undelivered = (job for job, _ in self._deliveries)
        for job in (*self._running, *self._waiting, *undelivered):
            if is_meant(job):
                job.cancel()
        self._waiting = [job for job in self._waiting if not job.is_cancelled]
        self._changed.notify_all()

    # -- the worker threads ----------------------------------------------------------------------------------

    def _work(self, lane: Lane) -> None:
        while (job := self._next(lane)) is not None:
            try:
                self._run(job)
            finally:
                with self._changed:
                    self._running.remove(job)
                    self._changed.notify_all()

    def _next(self, lane: Lane) -> Job[Any] | None:
        """The oldest waiting job of a lane, as soon as there is one; None once closed."""
        with self._changed:
            while not self._is_closed:
                for job in self._waiting:
                    if job.lane == lane:
                        self._waiting.remove(job)
                        self._running.append(job)
                        job.started_at = time.monotonic()
                        return job
                self._changed.wait()
        return None

    def _run(self, job: Job[Any]) -> None:
        def report(share: float) -> None:
            job.share = share

        progress = Progress(report, lambda: self._is_unwanted(job))
        try:
            for value in job.run(progress):
                self._post(job, lambda value=value: job.on_result(value))  # type: ignore[misc]
                if job.is_cancelled:
                    return
        except Cancelled:
            return
        except Exception as error:  # a failed job does not affect others; the error is passed to its callback
            self._post(job, lambda error=error: job.on_error(error))  # type: ignore[misc]
        self._post(job, job.on_done)

    def _is_unwanted(self, job: Job[Any]) -> bool:
        if job.lane != "page" and not job.is_cancelled:
            with self._changed:
                self._changed.wait_for(
                    lambda: job.is_cancelled or not self._page_is_due(), _LONGEST_WAIT_SECONDS
                )
        return job.is_cancelled

    def _page_is_due(self) -> bool:
        """Return True if a job of the lane "page" is waiting or has just started."""
        since = time.monotonic() - _LONGEST_WAIT_SECONDS
        return any(
            job.lane == "page" and (job.started_at is None or job.started_at > since)
            for job in (*self._waiting, *self._running)
        )

    def _post(self, job: Job[Any], call: Callable[[], object]) -> None:
        if job.is_cancelled:
            return
        with self._changed:
            self._deliveries.append((job, call))
        self._wake()
