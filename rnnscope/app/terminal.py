"""The terminal under the screen: how many colors it shows, and how a screen outlives it.

A terminal may be closed while a network trains. Drawing must then go on as if nothing had happened
until the last checkpoint is written, so what cannot be written any more is dropped.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import IO, Any, cast

from rich.console import Console
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from rnnscope.theme.palette import Depth, Theme


def depth_of(console: Console, *, no_color: bool) -> Depth:
    """How many colors the terminal behind a console shows."""
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
    colors = (environment if environment is not None else dict(os.environ)).get("COLORFGBG", "")
    background = colors.rpartition(";")[2]
    return "light" if background in ("7", "15") else "dark"


def has_job_control() -> bool:
    """Whether a shell started this process as a job of its own, so that it can continue it."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:  # the parent has ended
        return False


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
    """Textual's driver for a terminal that may be closed, and that only this process draws on."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._lost = False
        drawing = getattr(app, "drawing", None) or cast(IO[str], sys.__stderr__)
        self._file = cast(TextIOWrapper, _Lasting(drawing, self._on_loss))

    def run_input_thread(self) -> None:
        """Keys from the terminal; when it is closed, reading fails."""
        try:
            super().run_input_thread()
        except OSError:
            self._on_loss()

    def _on_loss(self) -> None:
        """From either thread: the terminal is gone, so the run is to be saved and ended."""
        if not self._lost:
            self._lost = True
            self._app.call_later(self._app.run_action, "hang_up")


@contextmanager
def drawn_alone() -> Iterator[IO[str]]:
    """A file to draw on the terminal, while standard error is kept and printed afterwards.

    A driver's or an allocator's warning in the middle of a screen would stay there until something is drawn
    over it.
    """
    drawing = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="replace")
    with tempfile.TemporaryFile() as kept:
        sys.stderr.flush()
        os.dup2(kept.fileno(), 2)
        try:
            yield drawing
        finally:
            os.dup2(drawing.fileno(), 2)
            kept.seek(0)
            with suppress(OSError):  # the terminal may be gone
                os.write(2, kept.read())
                drawing.close()
