"""A panel: a rectangle slightly lighter than the background, with one row of title and no box.

    ▎ name  subject                          legend or headline number
    ▎
    ▎ the body, two columns in from either side

The left bar is there when the panel has the focus. Where the panel is more than 9 rows high one blank row
follows the title. Where several panels share the place, the title has their tabs, and a high panel has its
subject and legend in a second row. Panels draw by the Line API; a line is drawn once for each state of what
it depends on.

A panel is one file: what it draws, its `ACTIONS` with a method `action_ID` for each, the queries that it asks
(`scope.ask`) and what it does with their results. Keys that it has only with the focus are its `BINDINGS`,
made by `focus_key`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from rnnscope.app import tabs
from rnnscope.app.actions import FOCUS, Action, of_bindings
from rnnscope.app.tabs import Part, Tabs
from rnnscope.app.widget_palette import palette_of
from rnnscope.render.text import shortened
from rnnscope.selection import Selection
from rnnscope.text.display import glyph
from rnnscope.theme.palette import Palette

PADDING = 2
"""Columns between a panel's edge and its text."""
_SUBJECT_WIDTH = 24
"""Columns that a subject and a legend need at least."""
_TWO_ROWS_ABOVE = 9
"""A panel higher than this has a second title row if its tabs and its subject do not fit into one."""
_REVERSE = Style(reverse=True)


def focus_key(keys: str, action: str, help: str, label: str = "") -> Binding:
    """A key that a panel has only with the focus; `label` is its name in the footer, empty if it has none."""
    return Binding(keys, action, label, id=FOCUS + action, tooltip=help, show=False)


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
        self._tabs: Tabs | None = None
        self._letter = ""
        self._presents = False
        self._parts: list[tuple[range, str]] = []
        """Columns of the title, and the panel that a click there shows."""

    @classmethod
    def focus_actions(cls) -> tuple[Action, ...]:
        """The keys that the panel has only with the focus."""
        return of_bindings(cls.BINDINGS)

    # -- what the stage sets -----------------------------------------------------------------------------

    @property
    def tabs(self) -> Tabs | None:
        """The panels that share this one's place."""
        return self._tabs

    def set_tabs(self, tabs: Tabs | None) -> None:
        if tabs != self._tabs:
            self._tabs = tabs
            self.redraw()

    def set_letter(self, letter: str) -> None:
        """Show a letter before the heading; empty removes it."""
        if letter != self._letter:
            self._letter = letter
            self.redraw()

    def set_presenting(self, presents: bool) -> None:
        """Draw the panel for an audience: without the bar of the focus."""
        if presents != self._presents:
            self._presents = presents
            self.redraw()

    def set_zoomed(self, is_zoomed: bool) -> None:
        """Note whether the panel fills the screen."""

    def tab_at(self, column: int) -> str:
        """The panel, by its id, that a click on a column of the title shows; empty if none."""
        return next((panel for columns, panel in self._parts if column in columns), "")

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
        return 2 if self.outer_size.height > self.roomy_above or self._has_second_row else 1

    @property
    def _has_second_row(self) -> bool:
        """Whether subject and legend are in a row below the tabs."""
        if self._tabs is None or self.outer_size.height <= _TWO_ROWS_ABOVE:
            return False
        return tabs.width(self._tabs.all_names()) + _SUBJECT_WIDTH > self.outer_size.width

    @property
    def body_width(self) -> int:
        return max(0, self.outer_size.width - 2 * PADDING)

    @property
    def body_height(self) -> int:
        return max(0, self.outer_size.height - self.body_top)

    @property
    def name_width(self) -> int:
        """Columns of the heading and the tab's number; 1 if these have another row than the subject."""
        return 1 if self._has_second_row else sum(map(_length, self._short_name()))

    def longest_subject(self, *subjects: str) -> str:
        """The first of these that has room in the title with the whole legend; else none."""
        legend = sum(segment.cell_length for segment in self.legend())
        taken = 1 + self.name_width + 2 * PADDING + (legend + PADDING if legend else 0)
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
        has_bar = self.has_focus and not self._presents
        edge = Segment("▎", self.palette.ink("azure")) if has_bar else Segment(" ", fill)
        row = y - self.body_top
        if y == 0:
            segments = [edge, *self._title(width - 1)]
        elif row < 0:
            segments = [edge, *(self._fitted((), width - 1) if self._has_second_row else [])]
        else:
            mark = self.mark(row) or Segment(" ", fill)
            segments = [edge, mark, *self.body(row, self.body_width, self.body_height)]
        segments = [_one_row(segment) for segment in segments]
        room = width if row < 0 else max(0, width - PADDING)
        used = sum(cell_len(text) for text, _, _ in segments)
        if used > room:
            segments, used = list(Strip(segments).crop(0, room)), room
        return Strip([*segments, Segment(" " * (width - used), fill)] if used < width else segments, width)

    def _title(self, width: int) -> list[Segment]:
        """The title row without its first cell."""
        letter = (
            [Segment(f" {self._letter} ", self.palette.ink("azure", bold=True) + _REVERSE)]
            if self._letter
            else []
        )
        room = width - sum(map(_length, letter))
        if self._tabs is None:
            return letter + self._fitted(self._short_name(), room)
        if self._has_second_row:
            shown = self._tabs.strip(room - 1 - PADDING)
        else:
            shown = self._tabs.all_names()
            beside = cell_len(self.subject()) + sum(map(_length, self.legend()))
            if tabs.width(shown) + beside + 1 + 3 * PADDING > room:
                shown = self._tabs.short()
        at, self._parts = 2 + width - room, []
        for part in shown:
            self._parts.append((range(at, at + len(part.text)), part.panel))
            at += len(part.text)
        names = self._drawn(shown)
        return letter + (names if self._has_second_row else self._fitted(names, room))

    def _short_name(self) -> list[Segment]:
        """The heading, with the number of the tab."""
        if self._tabs is not None:
            return self._drawn(self._tabs.short())
        return [
            Segment(f" {self.heading}", self.palette.ink("azure" if self.has_focus else "strong", bold=True))
        ]

    def _drawn(self, parts: Iterable[Part]) -> list[Segment]:
        active, other = self.palette.ink("azure", bold=True), self.palette.ink("mute")
        segments = [Segment(part.text, active if part.kind == "active" else other) for part in parts]
        return [Segment(" ", self.fill), *segments]

    def _fitted(self, name: Sequence[Segment], width: int) -> list[Segment]:
        """A name, then subject and legend.

        Where it is too narrow, the subject loses what follows its last comma, then the legend goes, then the
        subject's last words.
        """
        legend, subject = self.legend(), self.subject()
        while True:
            gap_before = "  " if name and subject else "" if name else " "
            left = [*name, Segment(gap_before + subject, self.palette.ink("dim"))]
            right = [*legend, Segment(" " * PADDING, self.fill)]
            gap = width - sum(map(_length, (*left, *right)))
            if gap >= (PADDING if legend else 0):
                return [*left, Segment(" " * gap, self.fill), *right]
            if "," in subject:
                subject = subject.rpartition(",")[0]
            elif legend:
                legend, subject = [], self.subject()
            else:
                room = width - 1 - sum(map(_length, (*name, Segment(gap_before))))
                left[-1] = Segment(gap_before + shortened(subject, max(0, room)), left[-1].style)
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


def _length(segment: Segment) -> int:
    return segment.cell_length


def _one_row(segment: Segment) -> Segment:
    """A line break in what was typed or pasted would leave the row, and draw over the screen."""
    text, style, _ = segment
    return segment if text.isprintable() else Segment("".join(map(glyph, text)), style)
