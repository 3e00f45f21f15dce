"""Who reads a run's events: a screen where there is a terminal, else a log that signals can end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rnnscope.training.controls import Controls, Wishes
from rnnscope.training.events import Event

Say = Callable[[Event], None]
Start = Callable[[Controls, Say], None]
"""Runs a session to its end: reads wishes from the first, says events to the second."""

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def has_screen(*, plain: bool, json: bool) -> bool:
    """Whether to open the screen: it reads standard input and draws where a terminal is."""
    if plain or json or os.environ.get("TERM") == "dumb":
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def read_plainly(start: Start, *, json: bool) -> int:
    """Run a session into a log on standard output. Returns 0, or 128 + N when signal N ended it, saved."""
    from rnnscope.plain import JsonLog, PlainLog

    controls = Controls(Wishes(observing=False))
    log = JsonLog() if json else PlainLog()
    is_read = True

    def say(event: Event) -> None:
        nonlocal is_read
        if is_read:
            try:
                log.say(event)
            except BrokenPipeError:
                is_read = False
                controls.stop()  # saved before it is told

    with _ended_by_signals(controls) as received:
        start(controls, say)
    if not is_read:
        raise BrokenPipeError
    return 128 + received[0] if received else 0


@contextmanager
def _ended_by_signals(controls: Controls) -> Iterator[list[int]]:
    """The signals that end a process ask the session to save and end; a second Ctrl-C does not wait."""
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and number in received:
            raise KeyboardInterrupt
        received.append(number)
        controls.stop()

    # What the parent told us to ignore, as nohup does, stays ignored.
    heard = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
