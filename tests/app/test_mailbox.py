"""The mailbox: nothing is lost but traces that are out of date."""

from __future__ import annotations

import threading
from dataclasses import replace

from rnnscope.app.mailbox import Mailbox
from rnnscope.tracing.trace import Trace
from rnnscope.training.events import Paused, Traced


def test_events_come_out_in_the_order_in_which_they_came_in() -> None:
    mailbox = Mailbox()
    for step in range(5):
        mailbox.post(Paused(step, 0.0, True))
    assert [event.step for event in mailbox.drain()] == [0, 1, 2, 3, 4]
    assert mailbox.drain() == []


def test_only_the_newest_trace_waits(trace: Trace) -> None:
    mailbox = Mailbox()
    said = [
        Traced(1, 0.1, replace(trace, step=1)),
        Paused(2, 0.2, True),
        Traced(3, 0.3, replace(trace, step=3)),
        Paused(4, 0.4, False),
    ]
    for event in said:
        mailbox.post(event)
    assert [event.step for event in mailbox.drain()] == [2, 3, 4]
    mailbox.post(said[0])
    assert [event.step for event in mailbox.drain()] == [1]


def test_a_trace_that_was_requested_to_name_neurons_waits_with_the_newest(trace: Trace) -> None:
    mailbox = Mailbox()
    mailbox.post(Traced(1, 0.1, replace(trace, step=1), named=trace))
    mailbox.post(Traced(2, 0.2, replace(trace, step=2)))
    (event,) = mailbox.drain()
    assert isinstance(event, Traced)
    assert event.step == 2
    assert event.named is trace


def test_nothing_is_lost_between_threads() -> None:
    mailbox = Mailbox()
    count, threads = 2_000, 4
    collected: list[tuple[int, int]] = []

    def post(number: int) -> None:
        for step in range(count):
            mailbox.post(Paused(step, float(number), True))

    workers = [threading.Thread(target=post, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        collected += [(int(event.elapsed_seconds), event.step) for event in mailbox.drain()]
    collected += [(int(event.elapsed_seconds), event.step) for event in mailbox.drain()]
    for number in range(threads):
        assert [step for thread, step in collected if thread == number] == list(range(count))
