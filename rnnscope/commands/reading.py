"""Who reads a run's events: a screen where there is a terminal, else a log that signals can end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import FrameType
from typing import TYPE_CHECKING, Literal, TypeAlias

from rnnscope.errors import OptionError
from rnnscope.text.reading import STANDARD_INPUT
from rnnscope.training.controls import Controls, ControlState

if TYPE_CHECKING:
    from rnnscope.app.asking.desk import Desk
    from rnnscope.training.events import Event

Say: TypeAlias = Callable[["Event"], None]
Start: TypeAlias = Callable[[Controls, Say], None]
"""Runs a session to its end, which reads the controls and passes its events to the callback."""
ThemeChoice = Literal["auto", "dark", "light"]

_LEAVING_SECONDS = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def has_screen(*, plain: bool, json: bool) -> bool:
    """Whether to open the screen, which reads standard input and draws on standard error."""
    if plain or json or os.environ.get("TERM") == "dumb":
        return False
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def refuse_terminal_as_text(text: str) -> None:
    """Refuse `-` under a screen, which reads its keys from that terminal. Raises OptionError."""
    if text == STANDARD_INPUT:
        raise OptionError("standard input is the terminal, which the screen reads its keys from: name a file")


def read_on_screen(
    start: Start, state: ControlState, *, corpus: str, theme: ThemeChoice, live: bool = True
) -> int:
    """Run a session under the train screen, then say on standard output how it ended and how to go on.

    live: False for a run of another process. Raises what ended the session before its time.
    """
    from rnnscope.app.app import run_train_screen
    from rnnscope.training.events import Finished

    endings: list[Finished] = []

    def start_and_remember(controls: Controls, say: Say) -> None:
        def say_and_remember(event: Event) -> None:
            if isinstance(event, Finished):
                endings.append(event)
            say(event)

        start(controls, say_and_remember)

    def search(desk: Desk) -> None:
        from rnnscope.inspection.live import serve

        serve(desk)

    status = run_train_screen(start_and_remember, search, corpus=corpus, live=live, theme=theme, state=state)
    if live and endings:
        from rnnscope.plain import PlainLog

        with suppress(OSError), PlainLog() as log:  # a terminal that was closed hears nothing
            log.say(endings[-1])
    leave_at_once(status)
    return status


def leave_at_once(status: int) -> None:
    """End the process where a search is still inside torch: it cannot be stopped, and has nothing to save."""
    from rnnscope.app.asking.requests import THREAD

    searches = [thread for thread in threading.enumerate() if thread.name.startswith(THREAD)]
    for thread in searches:
        thread.join(_LEAVING_SECONDS)
    if any(thread.is_alive() for thread in searches):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def read_plainly(start: Start, state: ControlState, *, json: bool) -> int:
    """Run a session into a log on standard output. Returns 0, or 128 + N when signal N ended it, saved."""
    from rnnscope.plain import JsonLog, PlainLog

    controls = Controls(replace(state, observing=False))
    is_read = True
    with _ended_by_signals(controls) as received, JsonLog() if json else PlainLog() as log:

        def say(event: Event) -> None:
            nonlocal is_read
            if not is_read:
                return
            try:
                log.say(event)
            except BrokenPipeError:
                is_read = False
                controls.stop()  # it is told after the run is saved

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
