"""The terminal: its number of colors, its background, and rendering after it is closed.

A terminal may be closed while a network trains. Rendering must continue until the last checkpoint is written,
so output that can no longer be written is dropped.
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

from rnnscope.app.recording import Recording
from rnnscope.theme.palette import Background, Depth


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


def background_theme(environment: dict[str, str] | None = None) -> Background:
    """The theme for the background in `COLORFGBG`, set by rxvt, Konsole and others; dark if it is not set."""
    colors = (environment if environment is not None else dict(os.environ)).get("COLORFGBG", "")
    background = colors.rpartition(";")[2]
    return "light" if background in ("7", "15") else "dark"


def has_job_control() -> bool:
    """Whether a shell with job control started this process, and can continue it after a stop."""
    parent = os.getppid()
    try:
        return os.getsid(parent) == os.getsid(0) and os.getpgid(parent) != os.getpgrp()
    except OSError:  # the parent has ended
        return False


class _LossTolerantFile:
    """A text file to draw on; after the first write error all further output is dropped."""

    def __init__(self, file: IO[str], on_loss: Callable[[], None], on_write: Callable[[str], object]) -> None:
        """on_write: called with everything that is written."""
        self._file = file
        self._on_write = on_write
        self._on_loss = on_loss
        self._is_lost = False

    def write(self, text: str) -> int:
        self._on_write(text)
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
    """Textual's driver for a terminal that may be closed."""

    def __init__(self, app: App[Any], **options: Any) -> None:
        super().__init__(app, **options)
        self._lost = False
        drawing = getattr(app, "drawing", None) or cast(IO[str], sys.__stderr__)
        self._recording: Recording | None = getattr(app, "recording", None)
        self._file = cast(TextIOWrapper, _LossTolerantFile(drawing, self._on_loss, self._record))

    def run_input_thread(self) -> None:
        """Read keys; when the terminal is closed, reading fails."""
        try:
            super().run_input_thread()
        except OSError:
            self._on_loss()

    def _record(self, text: str) -> None:
        if self._recording is not None:
            self._recording.draw(text, self._get_terminal_size())

    def _on_loss(self) -> None:
        """The terminal is closed: save and quit. Called from either thread."""
        if not self._lost:
            self._lost = True
            self._app.call_later(self._app.run_action, "hang_up")


@contextmanager
def stderr_redirected() -> Iterator[IO[str]]:
    """A file that draws on the terminal, while standard error is buffered and written on exit.

    Otherwise warnings of drivers and allocators would overwrite parts of the screen.
    """
    drawing = os.fdopen(os.dup(2), "w", encoding=sys.stderr.encoding, errors="replace")
    with tempfile.TemporaryFile() as buffered:
        sys.stderr.flush()
        os.dup2(buffered.fileno(), 2)
        try:
            yield drawing
        finally:
            os.dup2(drawing.fileno(), 2)
            buffered.seek(0)
            with suppress(OSError):  # the terminal may be gone
                os.write(2, buffered.read())
                drawing.close()
