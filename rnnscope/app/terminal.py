"""The terminal under the screen: how many colours it shows, and how a screen outlives it.

A terminal may be closed while a network trains. Whoever draws must then go on as if nothing had happened
until the last checkpoint is written, so what cannot be written any more is dropped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import IO, Any, cast

from rich.console import Console
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from rnnscope.app.palette import Depth, Theme


def depth_of(console: Console, *, no_color: bool) -> Depth:
    """How many colours the terminal behind a console shows."""
    if no_color:
        return "none"
    match console.color_system:
        case "truecolor" | "windows":
            return "truecolor"
        case "256":
            return "256"
        case "standard":
            return "16"
        case _:
            return "none"


def background_theme(environment: dict[str, str] | None = None) -> Theme:
    """Light where the terminal says that its background is (`COLORFGBG`, set by rxvt, Konsole and others)."""
    told = (environment if environment is not None else dict(os.environ)).get("COLORFGBG", "")
    background = told.rpartition(";")[2]
    return "light" if background in ("7", "15") else "dark"


class _Lasting:
    """A text file to draw on; once it fails it is lost, and all that is written is dropped."""

    def __init__(self, file: IO[str], on_loss: Callable[[], None]) -> None:
        self._file = file
        self._on_loss = on_loss
        self._is_lost = False

    def write(self, text: str) -> int:
        if not self._is_lost:
            self._attempt(lambda: self._file.write(text))
        return len(text)

    def flush(self) -> None:
        if not self._is_lost:
            self._attempt(self._file.flush)

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return True

    def _attempt(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError:
            self._is_lost = True
            self._on_loss()


class TerminalDriver(LinuxDriver):
    """Textual's driver, for a terminal that may be closed at any moment."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._lost = False
        self._file = cast(TextIOWrapper, _Lasting(cast(IO[str], sys.__stderr__), self._on_loss))

    def run_input_thread(self) -> None:
        """Keys from the terminal; when it is closed, reading fails."""
        try:
            super().run_input_thread()
        except OSError:
            self._on_loss()

    def _on_loss(self) -> None:
        """From either thread: nobody will read or type any more, so the run is to be saved and ended."""
        if not self._lost:
            self._lost = True
            self._app.call_later(self._app.run_action, "quit")


def is_a_terminal() -> bool:
    """Whether a screen can be shown: keys come by standard input, and standard error is drawn on."""
    return all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__))
