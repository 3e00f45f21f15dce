"""The front ends of a run: a screen in a terminal, else a log that handles signals."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Self, TextIO, TypeAlias

from rnnscope.app.served import is_served
from rnnscope.config import load_config
from rnnscope.errors import OptionError
from rnnscope.jobs import Jobs
from rnnscope.text.reading import STANDARD_INPUT, reason
from rnnscope.theme.colors import ThemeChoice
from rnnscope.training.controls import Controls, ControlState

if TYPE_CHECKING:
    from rnnscope.app.app import AutoPilot
    from rnnscope.training.events import Event, OnEvent

Start: TypeAlias = Callable[[Controls, "OnEvent"], None]
"""Runs training, or follows it, to its end: reads the controls and passes events to the callback."""

_LEAVING_SECONDS = 0.1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def has_screen(*, plain: bool, json: bool, streams: Sequence[TextIO | None] | None = None) -> bool:
    """Whether to open the screen, which reads standard input and draws on standard error.

    streams: those that must be terminals; by default the standard streams, each None where it is closed.
    """
    if is_served():
        return True
    if streams is None:
        streams = (sys.stdin, sys.stdout, sys.stderr)
    if plain or json or os.environ.get("TERM") == "dumb":
        return False
    return all(stream is not None and stream.isatty() for stream in streams)


def refuse_terminal_as_text(text: str) -> None:
    """Raise OptionError for the text `-` under a screen, which reads keys from the terminal."""
    if text == STANDARD_INPUT:
        raise OptionError("standard input is the terminal from which the screen reads keys: name a file")


def read_on_screen(
    start: Start,
    state: ControlState,
    *,
    corpus: str,
    theme: ThemeChoice,
    large: bool = False,
    record: Path | None = None,
    live: bool = True,
    pilot: AutoPilot | None = None,
) -> int:
    """Run training under the train screen, then print how it ended and how to resume it.

    large: whether to begin with the large layout. record: a new file for a recording. live: False for a run
    of another process. pilot: presses keys in tests without a terminal. Raises the exception that ended the
    training.
    """
    from rnnscope.app.app import RnnscopeApp, show
    from rnnscope.app.screens.train import TrainScreen
    from rnnscope.training.events import Finished

    endings: list[Finished] = []

    def start_remembering(controls: Controls, on_event: OnEvent) -> None:
        def remember(event: Event) -> None:
            if isinstance(event, Finished):
                endings.append(event)
            on_event(event)

        start(controls, remember)

    screen = TrainScreen(start_remembering, corpus=corpus, live=live, state=state)
    app = RnnscopeApp(screen, theme=theme, config=load_config())
    if large:
        screen.stage.open_large()
    status = show(app, pilot, record=record)
    if live and endings:
        from rnnscope.plain import PlainLog

        with suppress(OSError), PlainLog() as log:  # the terminal may be closed
            log.say(endings[-1])
    leave_at_once(status, screen.jobs)
    return status


def leave_at_once(status: int, jobs: Jobs) -> None:
    """End the process if a search is still inside torch: it cannot be stopped, and has nothing to save."""
    if not jobs.close(_LEAVING_SECONDS):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def read_plainly(start: Start, state: ControlState, *, json: bool) -> int:
    """Run training, or follow it, into a log on standard output.

    Returns 0, or 128 + N if signal N ended it. A closed pipe ends it, too, after the run is saved, with
    BrokenPipeError. If standard output fails otherwise, for example on a full disk, that is reported once on
    standard error, and the run continues without its log.
    """
    from rnnscope.plain import JsonLog, PlainLog

    controls = Controls(replace(state, observing=False))
    failure: OSError | None = None
    with _Signals(controls) as signals, JsonLog() if json else PlainLog() as log:

        def pass_on(event: Event) -> None:
            nonlocal failure
            signals.has_begun = True
            if failure is not None:
                return
            try:
                log.say(event)
            except OSError as error:
                failure = error
                if isinstance(error, BrokenPipeError):
                    controls.stop()
                else:
                    _give_up_output(error)

        with suppress(_EndedBySignal):
            start(controls, pass_on)
    if isinstance(failure, BrokenPipeError):
        raise failure
    return 128 + signals.first if signals.first is not None else 0


def _give_up_output(error: OSError) -> None:
    """Report that standard output cannot be written, and discard output from now on."""
    with suppress(OSError):
        sys.stderr.write(f"rnnscope: standard output: {reason(error)}; the run continues without it\n")
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _EndedBySignal(KeyboardInterrupt):
    """A signal arrived while a text or a model was read: there is nothing to save."""


class _Signals:
    """Signal handlers that request the run to save and end; a second Ctrl-C ends it at once.

    Before the first event there is nothing to save, and reading a pipe may block: any signal ends the process
    at once.
    """

    def __init__(self, controls: Controls) -> None:
        self.has_begun = False
        """Whether the run has begun to report events."""
        self.first: int | None = None
        """The first signal received."""
        self._controls = controls
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        # Signals ignored by the parent process, such as nohup, stay ignored.
        caught = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._receive) for number in caught}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGINT and self.first == number and self.has_begun:
            raise KeyboardInterrupt
        self.first = self.first or number
        self._controls.stop()
        if not self.has_begun:
            raise _EndedBySignal
