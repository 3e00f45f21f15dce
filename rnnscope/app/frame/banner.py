"""Shows the newest message for some seconds above the footer, and keeps the log of all messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from rnnscope.app.actions import Action
from rnnscope.app.pages.log import log_writer
from rnnscope.app.pages.page import PageScreen
from rnnscope.app.question import in_one_row
from rnnscope.app.scope import Severity
from rnnscope.app.status import clock
from rnnscope.app.widget_palette import ink_of
from rnnscope.text.display import safe

NOTE_SECONDS = 5.0
WARNING_SECONDS = 15.0
_LONGEST_LOG = 500
_WARNING = "! "
_MOST_ROWS = 3
_MORE = " …   M: all messages"


def _ignore() -> None:
    pass


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
        self._clicked: Callable[[], object] = _ignore
        self._timer: Timer | None = None

    def announce(
        self, message: str, severity: Severity = "note", *, on_click: Callable[[], object] = _ignore
    ) -> None:
        """Show a message, and keep it; a note does not replace a warning that is shown.

        on_click: called when the message is clicked.
        """
        notice = Notice(message, severity, self._elapsed_seconds())
        self._log.append(notice)
        del self._log[:-_LONGEST_LOG]
        if self.display and self._notice.severity == "warning" and severity == "note":
            return
        if self._timer is not None:
            self._timer.stop()
        self._notice, self._clicked = notice, on_click
        self.display = True
        self.refresh(layout=True)
        seconds = WARNING_SECONDS if severity == "warning" else NOTE_SECONDS
        self._timer = self.set_timer(seconds, lambda: self.dismiss())

    @property
    def log_of_messages(self) -> tuple[Notice, ...]:
        """All messages, oldest first."""
        return tuple(self._log)

    def dismiss(self) -> bool:
        """Hide the message. Returns True if one was shown."""
        was_shown = self.display
        self.display = False
        return was_shown

    def action_messages(self) -> None:
        self.app.push_screen(PageScreen(log_writer(self._log)))

    def on_click(self) -> None:
        self.dismiss()
        self._clicked()

    def rows(self, width: int) -> int:
        """The number of rows that the message takes in `width` columns."""
        return len(self._wrapped(width))

    def render_line(self, y: int) -> Strip:
        rows, is_warning = self._wrapped(self.size.width), self._notice.severity == "warning"
        mark = Segment(_WARNING if y == 0 else " " * len(_WARNING), ink_of(self, "error", bold=True))
        text = Segment(rows[y] if y < len(rows) else "", ink_of(self, "error" if is_warning else "text"))
        segments = [mark, text] if is_warning else [text]
        return Strip(segments).adjust_cell_length(self.size.width, ink_of(self))

    def _wrapped(self, width: int) -> list[str]:
        """The message broken at its words; what does not fit into a few rows is in the log."""
        room = max(1, width - (len(_WARNING) if self._notice.severity == "warning" else 0))
        message = Text(safe(in_one_row(self._notice.message)))
        lines = [line.plain.rstrip() for line in message.wrap(self.app.console, room)] or [""]
        if len(lines) <= _MOST_ROWS:
            return lines
        kept, last = lines[: _MOST_ROWS - 1], lines[_MOST_ROWS - 1]
        shorter = Text(last).wrap(self.app.console, max(1, room - len(_MORE)))[0].plain.rstrip()
        return [*kept, shorter + _MORE]
