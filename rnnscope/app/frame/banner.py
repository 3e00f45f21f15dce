"""One row that shows the newest message for some seconds, and the log of all messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from rnnscope.app.actions import Action
from rnnscope.app.look import ink_of
from rnnscope.app.pages.log import log_writer
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.scope import Severity
from rnnscope.app.status import clock
from rnnscope.text.display import safe

NOTE_SECONDS = 5.0
WARNING_SECONDS = 15.0
_LONGEST_LOG = 500


@dataclass(frozen=True)
class Notice:
    """A message, and the time at which it was announced, in seconds from the start."""

    message: str
    severity: Severity = "note"
    elapsed_seconds: float = 0.0

    @property
    def when(self) -> str:
        return clock(self.elapsed_seconds)


class Banner(Widget):
    """Shows the newest notice over what lies beneath; hidden where there is none."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("messages", ("M",), "Message log", "app", synonyms="errors warnings notices history"),
    )

    def __init__(self, elapsed_seconds: Callable[[], float], *, id: str | None = None) -> None:
        """elapsed_seconds: the time that a message is announced at."""
        super().__init__(id=id)
        self.display = False
        self._elapsed_seconds = elapsed_seconds
        self._log: list[Notice] = []
        self._notice = Notice("")
        self._timer: Timer | None = None

    def announce(self, message: str, severity: Severity = "note") -> None:
        """Show a message, and keep it; a note does not replace a warning that is shown."""
        notice = Notice(message, severity, self._elapsed_seconds())
        self._log.append(notice)
        del self._log[:-_LONGEST_LOG]
        if self.display and self._notice.severity == "warning" and severity == "note":
            return
        if self._timer is not None:
            self._timer.stop()
        self._notice = notice
        self.display = True
        self.refresh()
        seconds = WARNING_SECONDS if severity == "warning" else NOTE_SECONDS
        self._timer = self.set_timer(seconds, lambda: self.dismiss())

    @property
    def log_of_messages(self) -> tuple[Notice, ...]:
        """What was announced, oldest first."""
        return tuple(self._log)

    def dismiss(self) -> bool:
        """Hide the message; whether one was shown."""
        was_shown = self.display
        self.display = False
        return was_shown

    def action_messages(self) -> None:
        self.app.push_screen(PageScreen(log_writer(self._log)))

    def on_click(self) -> None:
        self.dismiss()

    def render_line(self, y: int) -> Strip:
        message = safe(" ".join(self._notice.message.split()))
        if self._notice.severity == "warning":
            segments = [
                Segment("! ", ink_of(self, "error", bold=True)),
                Segment(message, ink_of(self, "error")),
            ]
        else:
            segments = [Segment(message, ink_of(self))]
        return Strip(segments).adjust_cell_length(self.size.width, ink_of(self))
