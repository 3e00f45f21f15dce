"""Jobs: results are delivered in order, the newest job of a key wins, and cancellation ends a function."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from rnnscope.jobs import Jobs
from rnnscope.progress import Progress


class Queue:
    """A job queue, and an event that is set whenever something waits to be delivered."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.jobs = Jobs(self.woken.set)

    def deliver_until(self, is_done: threading.Event) -> None:
        while not is_done.is_set():
            assert self.woken.wait(10), "nothing was delivered"
            self.woken.clear()
            self.jobs.deliver()


@pytest.fixture
def queue() -> Iterator[Queue]:
    queue = Queue()
    yield queue
    queue.jobs.close(wait_seconds=5)


def test_a_result_is_delivered_and_then_the_end(queue: Queue) -> None:
    seen: list[object] = []
    done = threading.Event()
    queue.jobs.submit("sum", lambda progress: 1 + 1, on_result=seen.append, on_done=done.set)
    queue.deliver_until(done)
    assert seen == [2]
    assert queue.jobs.active == ()


def test_a_stream_delivers_every_value_in_order(queue: Queue) -> None:
    seen: list[int] = []
    done = threading.Event()
    queue.jobs.stream("count", lambda progress: iter(range(5)), on_result=seen.append, on_done=done.set)
    queue.deliver_until(done)
    assert seen == [0, 1, 2, 3, 4]


def test_an_error_is_delivered_and_later_jobs_run(queue: Queue) -> None:
    errors: list[Exception] = []
    done, later = threading.Event(), threading.Event()
    queue.jobs.submit("divide", lambda progress: 1 // 0, on_error=errors.append, on_done=done.set)
    queue.deliver_until(done)
    assert [type(error) for error in errors] == [ZeroDivisionError]
    queue.jobs.submit("sum", lambda progress: 2, on_done=later.set)
    queue.deliver_until(later)


def test_the_newest_job_of_a_key_wins(queue: Queue) -> None:
    seen: list[str] = []
    started, done = threading.Event(), threading.Event()

    def endless(progress: Progress) -> str:
        started.set()
        while True:
            progress.check()

    queue.jobs.submit("find", endless, on_result=seen.append, on_done=lambda: seen.append("ended"))
    assert started.wait(10)
    queue.jobs.submit("find", lambda progress: "waiting", on_result=seen.append)
    queue.jobs.submit("find", lambda progress: "newest", on_result=seen.append, on_done=done.set)
    queue.deliver_until(done)
    assert seen == ["newest"]


def test_a_result_that_was_posted_before_the_cancellation_is_not_delivered(queue: Queue) -> None:
    seen: list[int] = []
    done = threading.Event()
    job = queue.jobs.submit("sum", lambda progress: 1, on_result=seen.append)
    queue.jobs.submit("next", lambda progress: 2, on_done=done.set)  # same lane: runs after the first
    assert queue.woken.wait(10)
    job.cancel()
    queue.deliver_until(done)
    assert seen == []


def test_progress_is_kept_with_the_job(queue: Queue) -> None:
    reported, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def work(progress: Progress) -> None:
        progress(0.5)
        reported.set()
        assert go_on.wait(10)

    queue.jobs.submit("work", work, activity="working", on_done=done.set)
    assert reported.wait(10)
    (job,) = queue.jobs.active
    assert (job.activity, job.share) == ("working", 0.5)
    go_on.set()
    queue.deliver_until(done)


def test_a_long_job_waits_while_a_page_is_read(queue: Queue) -> None:
    order: list[str] = []
    started, page_begun, done = threading.Event(), threading.Event(), threading.Event()

    def search(progress: Progress) -> None:
        started.set()
        assert page_begun.wait(10)
        progress.check()
        order.append("search")

    def page(progress: Progress) -> None:
        page_begun.set()
        order.append("page")

    queue.jobs.submit("find", search, on_done=done.set)
    assert started.wait(10)
    queue.jobs.submit("page", page, lane="page")
    queue.deliver_until(done)
    assert order == ["page", "search"]


def test_closing_ends_running_and_refuses_new_jobs(queue: Queue) -> None:
    started, ended = threading.Event(), threading.Event()

    def endless(progress: Progress) -> None:
        started.set()
        try:
            while True:
                progress.check()
        finally:
            ended.set()

    queue.jobs.submit("find", endless)
    assert started.wait(10)
    queue.jobs.close(wait_seconds=5)
    assert ended.is_set()
    assert queue.jobs.submit("more", lambda progress: 1).is_cancelled


def test_a_newer_job_of_the_key_replaces_one_that_has_ended_but_was_not_delivered(queue: Queue) -> None:
    seen: list[str] = []
    done = threading.Event()
    queue.jobs.submit("find", lambda progress: "old", on_result=seen.append)
    assert queue.woken.wait(10)
    while queue.jobs.active:
        pass
    queue.jobs.submit("find", lambda progress: "new", on_result=seen.append, on_done=done.set)
    queue.deliver_until(done)
    assert seen == ["new"]
