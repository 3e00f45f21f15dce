"""A panel: a rectangle slightly lighter than the background, with one row of title and no box.

    ▎ name  subject                          legend or headline number
    ▎
    ▎ the body, two columns in from either side

The left bar is there when the panel has the focus. Where the panel is more than 9 rows high one blank row
follows the title. Panels draw by the Line API; a line is drawn once for each state of what it depends on.

A panel is one file: what it draws, its `ACTIONS` with a method `action_ID` for each, the queries that it asks
(`scope.ask`) and what it does with their results. Keys that it has only with the focus are its `BINDINGS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app.actions import Action
from rnnscope.app.widget_palette import palette_of
from rnnscope.selection import Selection
from rnnscope.text.display import glyph
from rnnscope.theme.palette import Palette

PADDING = 2
"""Columns between a panel's edge and its text."""


class Panel(Widget, can_focus=True):
    """The base of every panel, which derives from it directly and gives `subject`, `legend` and `body`."""

    ACTIONS: ClassVar[tuple[Action, ...]] = ()
    """Actions that do not depend on the focus; see `rnnscope.app.actions`."""
    heading: str = ""
    """The panel's name, lower case."""

    roomy_above: ClassVar[int] = 9
    """Panels higher than this have a blank row under the title."""

    DEFAULT_CSS = "Panel { height: 1fr; width: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: dict[int, Strip] = {}

    # -- what a subclass gives ---------------------------------------------------------------------------

    def show(self, selection: Selection) -> None:
        """Show another selection; the screen calls it for every panel, in one frame."""

    def ask_again(self) -> None:
        """Run the panel's queries again, after a change of the text or of the search scope."""

    def subject(self) -> str:
        """Dim text after the name, such as `neuron 1/97, cell`."""
        return ""

    def legend(self) -> list[Segment]:
        """The right end of the title row."""
        return []

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        """The segments of one body row, at most `width` cells wide, starting at the panel's column 2."""
        return []

    def mark(self, row: int) -> Segment | None:
        """One cell at column 1 of a body row, such as `▸`."""
        return None

    # -- what a subclass uses ----------------------------------------------------------------------------

    @property
    def palette(self) -> Palette:
        """The application's palette."""
        return palette_of(self)

    @property
    def fill(self) -> Style:
        """The panel's background."""
        return self.palette.ink("text")

    @property
    def body_top(self) -> int:
        """The first row of the body."""
        return 2 if self.outer_size.height > self.roomy_above else 1

    @property
    def body_width(self) -> int:
        return max(0, self.outer_size.width - 2 * PADDING)

    @property
    def body_height(self) -> int:
        return max(0, self.outer_size.height - self.body_top)

    def longest_subject(self, *subjects: str) -> str:
        """The first of these that has room in the title with the whole legend; else none."""
        legend = sum(segment.cell_length for segment in self.legend())
        taken = 2 + cell_len(self.heading) + 2 * PADDING + (legend + PADDING if legend else 0)
        return next((each for each in subjects if taken + cell_len(each) <= self.outer_size.width), "")

    def redraw(self, rows: Iterable[int] | None = None) -> None:
        """Redraw every line, or only these body rows."""
        if rows is None:
            self._lines.clear()
            self.refresh()
            return
        for row in rows:
            y = row + self.body_top
            self._lines.pop(y, None)
            self.refresh(Region(0, y, self.outer_size.width, 1))

    # -- drawing ------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        strip = self._lines.get(y)
        if strip is None:
            strip = self._lines[y] = self._draw(y)
        return strip

    def _draw(self, y: int) -> Strip:
        # `size` is computed from the layout on each access; without a border `outer_size` is the same.
        width, fill = self.outer_size.width, self.fill
        edge = Segment("▎", self.palette.ink("azure")) if self.has_focus else Segment(" ", fill)
        row = y - self.body_top
        if y == 0:
            segments = [edge, *self._title(width - 1)]
        elif row < 0:
            segments = [edge]
        else:
            mark = self.mark(row) or Segment(" ", fill)
            segments = [edge, mark, *self.body(row, self.body_width, self.body_height)]
        segments = [_one_row(segment) for segment in segments]
        room = width if y == 0 else max(0, width - PADDING)
        used = sum(cell_len(text) for text, _, _ in segments)
        if used > room:
            segments, used = list(Strip(segments).crop(0, room)), room
        return Strip([*segments, Segment(" " * (width - used), fill)] if used < width else segments, width)

    def _title(self, width: int) -> list[Segment]:
        """The title row without its first cell.

        Where it is too narrow, the subject loses what follows its last comma, then the legend goes.
        """
        ink = self.palette.ink
        name = Segment(" " + self.heading, ink("azure" if self.has_focus else "strong", bold=True))
        legend, subject = self.legend(), self.subject()
        while True:
            left = [name, Segment("  " + subject, ink("dim"))] if subject else [name]
            right = [*legend, Segment(" " * PADDING, self.fill)]
            gap = width - sum(segment.cell_length for segment in (*left, *right))
            if gap >= (PADDING if legend else 0):
                return [*left, Segment(" " * gap, self.fill), *right]
            if "," in subject:
                subject = subject.rpartition(",")[0]
            elif legend:
                legend, subject = [], self.subject()
            else:
                return list(Strip(left).crop(0, width - 1))

    # -- states that change every line --------------------------------------------------------------------

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._lines.clear()

    def on_resize(self, event: events.Resize) -> None:
        self.redraw()

    def on_focus(self, event: events.Focus) -> None:
        self.redraw()

    def on_blur(self, event: events.Blur) -> None:
        self.redraw()


def _one_row(segment: Segment) -> Segment:
    """A line break in what was typed or pasted would leave the row, and draw over the screen."""
    text, style, _ = segment
    return segment if text.isprintable() else Segment("".join(map(glyph, text)), style)
