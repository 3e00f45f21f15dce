"""The application of a run: one worker trains, one thread draws, and leaving saves first.

`start(controls, say)` makes a run and blocks until it ends. A worker calls it, and only after the first frame
was painted, because it imports torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from textual.screen import Screen

from rnnscope.app.base import ScopeApp, ThemeChoice, in_one_line, show
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.palette import Depth
from rnnscope.app.screens.train import TrainScreen
from rnnscope.training.controls import Controls, Wishes
from rnnscope.training.events import Event

Start: TypeAlias = Callable[[Controls, Callable[[Event], None]], None]


class RnnscopeApp(ScopeApp, inherit_bindings=False):
    """Shows the train screen over a run that `start` makes."""

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
        super().__init__(theme=theme, depth=depth)
        self.controls = Controls(wishes)
        self.mailbox = Mailbox()
        self._start = start
        self._train_screen = TrainScreen(self.mailbox, self.controls, corpus=corpus, live=live, now=now)

    def first_screen(self) -> Screen[None]:
        return self._train_screen

    def work(self) -> None:
        self._start(self.controls, self.mailbox.post)

    def end_work(self) -> None:
        self.controls.stop()

    def after_work(self, failure: BaseException | None) -> None:
        screen = self._train_screen
        screen.collect()
        if failure is not None and not self.is_leaving:
            screen.show_status(replace(screen.status, phase="failed"))
            told = f"training ended: {in_one_line(failure)}; what was saved last is intact"
            screen.announce(told, "warning")

    def show_leaving(self) -> None:
        screen = self._train_screen
        screen.show_status(replace(screen.status, phase="saving", paused=False))


def run_train_screen(
    start: Start,
    *,
    corpus: str = "",
    live: bool = True,
    theme: ThemeChoice = "auto",
    wishes: Wishes | None = None,
) -> int:
    """Show a run until it is left; returns the exit status.

    `corpus` is what the header shows before the run has started; where `live` is false the run belongs to
    another process, and what would change it is not offered. Raises what ended the run before its time.
    """
    return show(RnnscopeApp(start, corpus=corpus, live=live, theme=theme, wishes=wishes))
