"""The application of a run: one worker trains, another searches, one thread draws, and leaving saves first.

`start(controls, say)` makes a run and blocks until it ends. A worker calls it, and only after the first frame
was painted, because it imports torch. `search(desk)` answers at a desk until that is closed; it is called
when something is asked for the first time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from textual.screen import Screen

from rnnscope.app.asking.desk import Desk
from rnnscope.app.asking.requests import THREAD
from rnnscope.app.base import ScopeApp, ThemeChoice, in_one_line, show
from rnnscope.app.mailbox import Mailbox
from rnnscope.app.messages import Arrived
from rnnscope.app.screens.train import TrainScreen
from rnnscope.theme.palette import Depth
from rnnscope.training.controls import Controls, ControlState
from rnnscope.training.events import Event

Start: TypeAlias = Callable[[Controls, Callable[[Event], None]], None]
Search: TypeAlias = Callable[[Desk], None]


class RnnscopeApp(ScopeApp, inherit_bindings=False):
    """Shows the train screen over a run that `start` makes."""

    def __init__(
        self,
        start: Start,
        *,
        search: Search | None = None,
        corpus: str = "",
        live: bool = True,
        theme: ThemeChoice = "auto",
        depth: Depth | None = None,
        state: ControlState | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`depth` is the terminal's own where it is None; `now` is the clock by which samples are written."""
        super().__init__(theme=theme, depth=depth)
        self.controls = Controls(state)
        self.mailbox = Mailbox()
        self.desk = Desk(self._wake)
        self._start = start
        self._search = search
        self._train_screen = TrainScreen(
            self.mailbox, self.controls, self.desk, corpus=corpus, live=live, now=now
        )

    def first_screen(self) -> Screen[None]:
        return self._train_screen

    def _wake(self) -> None:
        self._train_screen.post_message(Arrived())

    def on_mount(self) -> None:
        threading.Thread(target=self._answer, name=f"{THREAD}searches", daemon=True).start()

    def _answer(self) -> None:
        """Answer searches, once there is one; leaving does not wait for it."""
        if self.desk.is_wanted() and self._search is not None:
            self._search(self.desk)

    def work(self) -> None:
        self._start(self.controls, self.mailbox.post)

    def end_work(self) -> None:
        self.controls.stop()
        self.desk.close()

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
    search: Search,
    *,
    corpus: str = "",
    live: bool = True,
    theme: ThemeChoice = "auto",
    state: ControlState | None = None,
) -> int:
    """Show a run until it is left; returns the exit status.

    `corpus` is what the header shows before the run has started; where `live` is false the run belongs to
    another process, and what would change it is not offered. Raises what ended the run before its time.
    """
    return show(RnnscopeApp(start, search=search, corpus=corpus, live=live, theme=theme, state=state))
