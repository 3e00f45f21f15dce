"""The message in a terminal that is too small for a screen."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.layout import SMALLEST
from rnnscope.app.widget_palette import ink_of


class TooSmall(Widget):
    """A few centered lines."""

    def __init__(self, *, id: str | None = None, live: bool = False) -> None:
        """live: whether this process is training a network."""
        super().__init__(id=id)
        self._reassurance = "Training continues." if live else ""

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        columns, rows = SMALLEST
        titles = ("Terminal too small:", "Too small:")
        lines = (
            (next((each for each in titles if len(each) <= width), titles[-1]), "text"),
            (f"{width}×{height}, need {columns}×{rows}.", "strong"),
            (self._reassurance, "mute"),
        )
        row = y - (height - len(lines)) // 2
        if not 0 <= row < len(lines):
            return Strip.blank(width, ink_of(self))
        words, token = lines[row]
        left = max(0, (width - len(words)) // 2)
        line = [Segment(" " * left, ink_of(self)), Segment(words, ink_of(self, token))]
        return Strip(line).adjust_cell_length(width, ink_of(self))
