"""What the applications share: one worker that does the work, one thread that draws, one way to leave.

The worker begins only after the first frame was painted, because it imports torch. A subclass gives the
screen, what the worker does, and what tells it to end.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from typing import IO, Any, ClassVar, Literal, TypeAlias

from textual import events
from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from rnnscope.app.actions import TRAIN
from rnnscope.app.printable import Printable
from rnnscope.app.terminal import TerminalDriver, background_theme, depth_of, drawn_alone
from rnnscope.app.themes import is_ansi, theme_name, themes
from rnnscope.errors import RnnscopeError
from rnnscope.theme.palette import Depth, Palette, Theme, palette

ThemeChoice: TypeAlias = Literal["auto", "dark", "light"]

_FIRST_FRAME_SECONDS = 0.05
"""What the first frame has to reach the terminal, before torch is imported and holds the interpreter."""

_SWITCH_SECONDS = 0.001
"""How long a thread that has the interpreter keeps others waiting; a key is handed on three times."""

_QUIT = next(action for action in TRAIN if action.id == "quit")


class ScopeApp(App[int], inherit_bindings=False):
    """Shows one screen over the work of one thread."""

    CSS_PATH = "rnnscope.tcss"
    TITLE = "rnnscope"
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[Any]] = set()
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            ",".join(key for key in _QUIT.keys if key.startswith("ctrl")),
            "quit",
            _QUIT.description,
            show=False,
            priority=True,
        )
    ]

    def __init__(self, *, theme: ThemeChoice = "auto", depth: Depth | None = None) -> None:
        """`depth` is the terminal's own where it is None."""
        # Textual takes colors out itself where NO_COLOR is set; told to keep the terminal's own, it leaves
        # bold, reverse and underline as our plain palette has them.
        plain = "NO_COLOR" in os.environ if depth is None else depth == "none"
        super().__init__(driver_class=TerminalDriver, ansi_color=True if plain else None)
        self.animation_level = "none"
        self.drawing: IO[str] | None = None
        """What to draw on; standard error where it is None."""
        self.failure: BaseException | None = None
        """What ended the work before its time."""
        self.signal: int | None = None
        """The signal that asked the process to end."""
        self.palette: Palette = palette(
            background_theme() if theme == "auto" else theme,
            depth or depth_of(self.console, no_color=plain),
        )
        self.worker: Worker[None] | None = None
        self.is_leaving = False
        self._printable = Printable()
        for known in themes():
            self.register_theme(known)
        self.theme = theme_name(self.palette)
        self.ansi_color = is_ansi(self.palette.depth)

    # -- what a subclass gives -------------------------------------------------------------------------------

    def first_screen(self) -> Screen[None]:
        """The screen to open with."""
        raise NotImplementedError

    def work(self) -> None:
        """What the worker does, in its own thread, until it is done or told to end."""
        raise NotImplementedError

    def end_work(self) -> None:
        """Tell the worker to end; it may take its time."""
        raise NotImplementedError

    def after_work(self, failure: BaseException | None) -> None:
        """The worker has ended, with what nobody can mend where there is a failure; the screen stays."""
        raise NotImplementedError

    def show_leaving(self) -> None:
        """Leaving has begun and the worker is not done yet."""

    # -- the worker's life -----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.push_screen(self.first_screen())
        if not self.is_headless:
            self._listen_to_signals()
        self.call_after_refresh(self.set_timer, _FIRST_FRAME_SECONDS, self._begin)

    def _begin(self) -> None:
        if not self.is_leaving:
            self.worker = self.run_worker(
                self.work, name="work", group="work", thread=True, exit_on_error=False
            )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is not self.worker or not event.worker.is_finished:
            return
        if event.state is WorkerState.ERROR:
            self.failure = event.worker.error
        is_the_readers = isinstance(self.failure, RnnscopeError | OSError)
        self.after_work(None if is_the_readers else self.failure)
        if self.is_leaving or is_the_readers:
            self.exit(0 if self.failure is None else 2)

    # -- keys ------------------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """A character that came in one breath with the key that opened a line is part of the line.

        A line keeps the characters that it is given, so one that comes here was sent before it had the focus.
        """
        if isinstance(self.focused, Input) and event.is_printable and event.character is not None:
            event.prevent_default()
            self.focused.insert_text_at_cursor(event.character)

    # -- leaving ---------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """End the work and leave; what was begun is finished, however often one asks."""
        self.is_leaving = True
        self.end_work()
        if self.worker is None or self.worker.is_finished:
            self.exit(0 if self.failure is None else 1)
        else:
            self.show_leaving()

    def on_unmount(self) -> None:
        """However the screen ended, nobody looks any more: the work ends too."""
        self.end_work()

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._end_by_signal, number)

    def _end_by_signal(self, number: int) -> None:
        self.signal = number
        self.call_later(self.action_quit)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line passes through; colors need no filter unless they are the terminal's own."""
        colors = super().get_line_filters() if is_ansi(self.palette.depth) else ()
        return (*colors, self._printable)

    # -- looks -----------------------------------------------------------------------------------------------

    def action_toggle_theme(self) -> None:
        other: Theme = "light" if self.palette.theme == "dark" else "dark"
        self.palette = palette(other, self.palette.depth)
        self.theme = theme_name(self.palette)
        self.refresh_css(animate=False)


def show(app: ScopeApp) -> int:
    """Run an application until it is left; returns the exit status. Raises what ended its work too soon."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    with drawn_alone() as app.drawing:
        status = app.run()
    if app.failure is not None:
        raise app.failure
    if app.signal is not None:
        return 128 + app.signal
    return 1 if status is None else status


def in_one_line(error: BaseException) -> str:
    """An error that nobody foresaw, such as `ZeroDivisionError: division by zero`."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
