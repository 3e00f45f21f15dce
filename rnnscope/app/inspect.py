"""The application that looks into a model: a worker answers at a desk, one thread draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from textual.screen import Screen

from rnnscope.app.asking.desk import Desk
from rnnscope.app.base import ScopeApp, ThemeChoice, in_one_line, show
from rnnscope.app.messages import Arrived
from rnnscope.app.screens.inspect import InspectScreen
from rnnscope.theme.palette import Depth

Start: TypeAlias = Callable[[Desk], None]
"""Answers at a desk until it is closed; a worker calls it, after the first frame."""


class InspectApp(ScopeApp, inherit_bindings=False):
    """Shows the inspect screen over a model that `start` loads."""

    def __init__(
        self,
        start: Start,
        *,
        name: str,
        remarks: Path | None = None,
        theme: ThemeChoice = "auto",
        depth: Depth | None = None,
    ) -> None:
        """`name` is what the header calls the model; `remarks` is where the reader's remarks are kept."""
        super().__init__(theme=theme, depth=depth)
        self.desk = Desk(self._wake)
        self._start = start
        self._inspect_screen = InspectScreen(self.desk, name=name, remarks=remarks)

    def _wake(self) -> None:
        self._inspect_screen.post_message(Arrived())

    def first_screen(self) -> Screen[None]:
        return self._inspect_screen

    def work(self) -> None:
        self._start(self.desk)

    def end_work(self) -> None:
        self.desk.close()

    def after_work(self, failure: BaseException | None) -> None:
        if failure is not None and not self.is_leaving:
            self._inspect_screen.fail(in_one_line(failure))


def run_inspect_screen(start: Start, *, name: str, remarks: Path, theme: ThemeChoice = "auto") -> int:
    """Look into a model until it is left; returns the exit status.

    Raises what ended it where the reader can mend it: RnnscopeError, OSError.
    """
    return show(InspectApp(start, name=name, remarks=remarks, theme=theme))
