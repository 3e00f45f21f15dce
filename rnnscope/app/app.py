"""The application: one worker trains, one thread draws, and leaving saves first.

`start(controls, say)` makes a run and blocks until it ends. A worker calls it, and only after the first frame
was painted, because it imports torch.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, TypeAlias

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.worker import Worker, WorkerState

from rnnscope.app.actions import TRAIN
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.palette import Depth, Palette, Theme, palette
from rnnscope.app.screens.train import TrainScreen
from rnnscope.app.terminal import TerminalDriver, background_theme, depth_of
from rnnscope.app.themes import is_ansi, theme_name, themes
from rnnscope.errors import RnnscopeError
from rnnscope.training.controls import Controls, Wishes
from rnnscope.training.events import Event

Start: TypeAlias = Callable[[Controls, Callable[[Event], None]], None]
ThemeChoice: TypeAlias = Literal["auto", "dark", "light"]

_FIRST_FRAME_SECONDS = 0.05
"""What the first frame has to reach the terminal, before torch is imported and holds the interpreter."""

_QUIT = next(action for action in TRAIN if action.id == "quit")


class RnnscopeApp(App[int], inherit_bindings=False):
    """Shows the train screen over a run that `start` makes."""

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

    def __init__(
        self,
        start: Start,
        *,
        corpus: str = "",
        live: bool = True,
        theme: ThemeChoice = "auto",
        depth: Depth | None = None,
        wishes: Wishes | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`depth` is the terminal's own where it is None; `now` is the clock by which samples are written."""
        # Textual takes colours out itself where NO_COLOR is set; told to keep the terminal's own, it leaves
        # bold, reverse and underline as our plain palette has them.
        plain = "NO_COLOR" in os.environ if depth is None else depth == "none"
        super().__init__(driver_class=TerminalDriver, ansi_color=True if plain else None)
        self.animation_level = "none"
        self.controls = Controls(wishes)
        self.mailbox = Mailbox()
        self.failure: BaseException | None = None
        """What ended the run before its time."""
        self.palette: Palette = palette(
            background_theme() if theme == "auto" else theme,
            depth or depth_of(self.console, no_color=plain),
        )
        self._start = start
        self._train_screen = TrainScreen(self.mailbox, self.controls, corpus=corpus, live=live, now=now)
        self._worker: Worker[None] | None = None
        self._is_leaving = False
        for known in themes():
            self.register_theme(known)
        self.theme = theme_name(self.palette)
        self.ansi_color = is_ansi(self.palette.depth)

    # -- the worker's life -----------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.push_screen(self._train_screen)
        if not self.is_headless:
            self._listen_to_signals()
        self.call_after_refresh(self.set_timer, _FIRST_FRAME_SECONDS, self._begin)

    def _begin(self) -> None:
        if not self._is_leaving:
            self._worker = self.run_worker(
                self._work, name="training", group="training", thread=True, exit_on_error=False
            )

    def _work(self) -> None:
        self._start(self.controls, self.mailbox.post)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker is not self._worker or not event.worker.is_finished:
            return
        self._train_screen.collect()
        if event.state is WorkerState.ERROR:
            self.failure = event.worker.error
        if self._is_leaving or isinstance(self.failure, RnnscopeError | OSError):
            self.exit(0 if self.failure is None else 2)
        elif self.failure is not None:
            self._train_screen.show_status(replace(self._train_screen.status, phase="failed"))
            self._train_screen.announce(_in_one_line(self.failure), "warning")

    # -- leaving ---------------------------------------------------------------------------------------------

    async def action_quit(self) -> None:
        """Save and leave; what was begun is finished, however often one asks."""
        self._is_leaving = True
        self.controls.stop()
        if self._worker is None or self._worker.is_finished:
            self.exit(0 if self.failure is None else 1)
        else:
            self._train_screen.show_status(replace(self._train_screen.status, phase="saving", paused=False))

    def on_unmount(self) -> None:
        """However the screen ended, nobody looks at the run any more: it saves and ends too."""
        self.controls.stop()

    def _listen_to_signals(self) -> None:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.call_later, self.action_quit)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """None where our palette has the very colours that are shown: filters would look at every line."""
        return super().get_line_filters() if is_ansi(self.palette.depth) else ()

    # -- looks -----------------------------------------------------------------------------------------------

    def action_toggle_theme(self) -> None:
        other: Theme = "light" if self.palette.theme == "dark" else "dark"
        self.palette = palette(other, self.palette.depth)
        self.theme = theme_name(self.palette)
        self.refresh_css(animate=False)


def run_train_screen(
    start: Start,
    *,
    corpus: str = "",
    live: bool = True,
    theme: ThemeChoice = "auto",
    wishes: Wishes | None = None,
    debug: bool = False,
) -> int:
    """Show a run until it is left; returns the exit status.

    `corpus` is what the header shows before the run has started; where `live` is false the run belongs to
    another process, and what would change it is not offered. Raises what ended the run where the reader can
    mend it: RnnscopeError, OSError.
    """
    app = RnnscopeApp(start, corpus=corpus, live=live, theme=theme, wishes=wishes)
    status = app.run()
    if isinstance(app.failure, RnnscopeError | OSError):
        raise app.failure
    if app.failure is not None and debug:
        traceback.print_exception(app.failure)
    return 1 if status is None else status


def _in_one_line(error: BaseException) -> str:
    words = " ".join(str(error).split())
    return f"training ended: {type(error).__name__}: {words}; what was saved last is intact"
