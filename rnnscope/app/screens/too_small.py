"""What is shown where there is no room for anything: how much there should be; nothing is lost."""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from rnnscope.app.panels.ground import Ground
from rnnscope.app.screens.layout import SMALLEST


class TooSmall(Ground):
    """A few centered lines."""

    def __init__(self, *, id: str | None = None, live: bool = True) -> None:
        super().__init__(id=id)
        self._reassurance = "Nothing is lost." if live else ""

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        columns, rows = SMALLEST
        asks = ("rnnscope needs a little more room:", "a little more room:", "room:")
        lines = (
            (next((each for each in asks if len(each) <= width), asks[-1]), "text"),
            (f"{columns}×{rows}; this is {width}×{height}.", "strong"),
            (self._reassurance, "mute"),
        )
        row = y - (height - len(lines)) // 2
        if not 0 <= row < len(lines):
            return Strip.blank(width, self.ground)
        words, token = lines[row]
        left = max(0, (width - len(words)) // 2)
        line = [Segment(" " * left, self.ground), Segment(words, self.ink(token))]
        return Strip(line).adjust_cell_length(width, self.ground)
