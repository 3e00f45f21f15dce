"""One row that says what happened, and goes away by itself or on Esc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.segment import Segment
from textual.strip import Strip
from textual.timer import Timer

from rnnscope.app.panels.ground import Ground
from rnnscope.app.status import clock
from rnnscope.text.display import safe

Severity = Literal["note", "warning"]

NOTE_SECONDS = 5.0
WARNING_SECONDS = 15.0


@dataclass(frozen=True)
class Notice:
    """Something announced, and the training time at which it was."""

    message: str
    severity: Severity = "note"
    elapsed_seconds: float = 0.0

    @property
    def when(self) -> str:
        return clock(self.elapsed_seconds)


class Banner(Ground):
    """Shows the newest notice over what lies beneath; hidden where there is none."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.display = False
        self._notice = Notice("")
        self._timer: Timer | None = None

    def announce(self, notice: Notice) -> None:
        """Show a notice; a note does not push a warning away."""
        if self.display and self._notice.severity == "warning" and notice.severity == "note":
            return
        if self._timer is not None:
            self._timer.stop()
        self._notice = notice
        self.display = True
        self.refresh()
        seconds = WARNING_SECONDS if notice.severity == "warning" else NOTE_SECONDS
        self._timer = self.set_timer(seconds, self.dismiss)

    def dismiss(self) -> None:
        self.display = False

    def on_click(self) -> None:
        self.dismiss()

    def render_line(self, y: int) -> Strip:
        message = safe(" ".join(self._notice.message.split()))
        if self._notice.severity == "warning":
            segments = [Segment("! ", self.ink("error", bold=True)), Segment(message, self.ink("error"))]
        else:
            segments = [Segment(message, self.ink("text"))]
        return Strip(segments).adjust_cell_length(self.size.width, self.ground)
