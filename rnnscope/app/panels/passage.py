"""The passage: the text, with each character's background colored by the value of one neuron.

    ▎ passage  neuron 1/97, cell: column        −1 ▄▄▄▄▄▄▄▄▄ +1
    ▎
    ▎▸ I am a gentleman of Verona, sir,↵

The cursor's cell is the only white one. A second neuron's colors are in a row under each line; see under.py.
With the top five shown, five rows more say what the network expected next; see expected.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip

from rnnscope.app.actions import Action
from rnnscope.app.panels.expected import ROWS, expected_rows
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.panels.under import has_second_row, second_row
from rnnscope.app.scope import Scope
from rnnscope.export.coloring import CURSOR, codes, described, kind_of, text_styles
from rnnscope.export.layout import (
    Layout,
    Shapes,
    lay_out,
    next_word,
    paint,
    previous_word,
)
from rnnscope.selection import Selection
from rnnscope.theme.legend import scale
from rnnscope.theme.palette import Palette

_INDENT = 1
"""Columns between the gutter and the text."""
_MARGIN_LINES = 2
_OPENING = 3
"""The first page has the cursor after this part of its lines."""
_MARGIN_COLUMNS = 8
_WHEEL_ROWS = 3
_RIGHT = 3
_REVERSE = Style(reverse=True)
_PRESENTED_SPACING = 2
"""The line spacing in present mode."""


@dataclass(frozen=True)
class Written:
    """What the passage shows of a generated text."""

    first: int
    """The index of the first generated character."""
    is_going_on: bool
    """Whether more is being written."""


Brush: TypeAlias = Callable[[int, int, bool], object]
"""Called while characters `first` .. `stop`−1 of the page are drawn over with the mouse: with the left button
(True), or with the right one, or with Shift or Ctrl (False)."""


def _ignore(first: int, stop: int, is_positive: bool) -> None:
    pass


class Passage(Panel):
    """The passage, its colors and the cursor."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("cursor_left", ("left", "h"), "Previous character", "navigation", "cursor", 10),
        Action("cursor_right", ("right",), "Next character", "navigation", "cursor", 10),
        Action(
            "top_five",
            ("U",),
            "Show top-5 predictions under each character",
            "navigation",
            "top five",
            110,
            "softmax probabilities likely",
        ),
        Action(
            "surprisal",
            ("c",),
            "Color by surprisal / by neuron (toggle)",
            "navigation",
            "surprisal",
            120,
            "surprise loss information",
        ),
        Action(
            "own_range",
            ("n",),
            "Range of the color scale: the neuron's own / fixed (toggle)",
            "navigation",
            synonyms="normalize contrast",
        ),
        Action("wrap", ("W",), "Line wrap on / off", "navigation"),
        Action("word_left", ("ctrl+left", "b"), "Previous word", "navigation"),
        Action("word_right", ("ctrl+right",), "Next word", "navigation"),
        Action("line_up", ("shift+up", "K"), "One line up", "navigation"),
        Action("line_down", ("shift+down", "J"), "One line down", "navigation"),
        Action("page_up", ("pageup",), "One page up", "navigation"),
        Action("page_down", ("pagedown",), "One page down", "navigation"),
        Action("line_start", ("home",), "Start of the line", "navigation"),
        Action("line_end", ("end",), "End of the line", "navigation"),
        Action("first", ("ctrl+home",), "First character of the text", "navigation"),
        Action("last", ("ctrl+end",), "Last character of the text", "navigation"),
    )

    def __init__(
        self,
        scope: Scope,
        *,
        heading: str = "passage",
        shown: Callable[[Selection], Selection | None] = lambda selection: selection,
        hint: str = "loading…",
        on_brush: Brush = _ignore,
        id: str | None = None,
    ) -> None:
        """shown: which selection it shows, given that of the screen; None leaves what it shows.

        hint: what it says before there is a selection to show.
        """
        super().__init__(id=id)
        self.heading = heading
        self._scope = scope
        self._shown = shown
        self._hint = hint
        self._note = ""
        self._written: Written | None = None
        self._on_brush = on_brush
        self._selection: Selection | None = None
        self._layout: Layout | None = None
        self._codes: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._spacing = 1
        """The line spacing: rows from a line of text to the next, with nothing under it."""
        self._stride = 1  # rows a line of text takes
        self._top = 0  # the first line shown
        self._left = 0  # the first cell shown, of lines that are not wrapped
        self._wraps = True
        self._goal = (-1, 0)  # a character reached by moving vertically, and the column that was meant
        self._pressed: int | None = None
        """The character at which the mouse was pressed."""
        self._successors: dict[tuple[int, Palette], list[list[Segment]]] = {}

    # -- what the screen calls -----------------------------------------------------------------------------

    def show(self, selection: Selection) -> None:
        """Show another selection; only what differs from the current one is redrawn."""
        shown = self._shown(selection)
        if shown is not None:
            self._show(shown)

    def _show(self, selection: Selection) -> None:
        old, self._selection = self._selection, selection
        same_text = old is not None and old.has_text_of(selection)
        row = self._row_of_cursor(old)
        if old is None or not same_text or _stride(old) != _stride(selection):
            self._lay_out(keep_place=same_text)
            if not same_text and row is not None and self._layout is not None:
                self._move_window(self._layout.line_of(selection.cursor) - row, self._left)
        elif old.cursor != selection.cursor:
            self._follow()
        if old is None or old.trace is not selection.trace or _look(old) != _look(selection):
            self._successors.clear()
            self._codes = codes(selection)
            self.redraw()
        elif old.cursor != selection.cursor:
            self.redraw(self._rows_of(old.cursor) | self._rows_of(selection.cursor))

    def set_note(self, note: str) -> None:
        """Show a note in the title, such as `step 1,200`."""
        if note != self._note:
            self._note = note
            self.redraw([-self.body_top])

    def show_written(self, written: Written | None, note: str) -> None:
        """Mark where a generated text begins, and its end while it is being written; None: there is none.

        note: what the title says.
        """
        self._written, self._note = written, note
        self.redraw()

    def set_presenting(self, presents: bool) -> None:
        """Draw a caption and double line spacing."""
        if presents != self._presents:
            self._spacing = _PRESENTED_SPACING if presents else 1
            self._lay_out(keep_place=True)
        super().set_presenting(presents)

    # -- drawing -------------------------------------------------------------------------------------------

    def subject(self) -> str:
        return "" if self._presents else self._title_parts()[0]

    def _short_name(self) -> list[Segment]:
        if not self._presents or self._selection is None:
            return super()._short_name()
        return [Segment(f" {caption(self._selection)}", self.palette.ink("strong", bold=True))]

    def legend(self) -> list[Segment]:
        return self._title_parts()[1]

    def mark(self, row: int) -> Segment | None:
        if self._selection is None or row not in self._rows_of(self._selection.cursor):
            return None
        return Segment("▸", self.palette.ink("text"))

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        layout = self._layout
        if layout is None:
            return [Segment(f" {self._hint}", self.palette.ink("mute"))] if row == 0 else []
        line, below = divmod(row, self._stride)
        line += self._top
        if line >= len(layout) or below > self._stride - self._spacing:
            return []
        start, end, blank = self._visible(line)
        content = self._row(line, below, start, end)
        if not self._wraps:
            is_cut = below == 0, end < layout.starts[line + 1]
            content = [Segment(" " * blank, self.fill), *content]
            if all(is_cut):
                content = list(Strip(content).adjust_cell_length(self._room, self.fill))
                content.append(Segment("›", self.palette.ink("mute")))
        is_head = self._written is not None and self._written.is_going_on and line == len(layout) - 1
        if below == 0 and is_head:
            content.append(self._head)
        lead = "‹" if self._left and below == 0 else " "
        return [Segment(lead, self.palette.ink("mute")), *content]

    @property
    def _head(self) -> Segment:
        """The block that writes."""
        return Segment("█", self.palette.ink("violet"))

    @property
    def _first_style(self) -> Style:
        """The style of the first character of a generated text."""
        is_plain = self.palette.depth == "none"  # then underlined, apart from the cursor
        return self.palette.ink("violet", bold=True, underline=is_plain) + _REVERSE

    def _row(self, line: int, below: int, start: int, end: int) -> list[Segment]:
        """A line's text, the second neuron under it, or what was expected."""
        assert self._selection is not None
        assert self._layout is not None
        if below == 0:
            return self._text(start, end)
        if has_second_row(self._selection):
            if below == 1:
                return second_row(self._selection, self._layout, start, end, self.palette)
            below -= 1
        return self._expected(line, start, end)[below - 1]

    def _text(self, start: int, end: int) -> list[Segment]:
        """Some characters of a line on their colors, with the cursor if it is among them."""
        assert self._selection is not None
        assert self._layout is not None
        styles, canonical = text_styles(self.palette, kind_of(self._selection))
        bases = self._layout.bases
        cells = bases[start:end]
        codes = canonical[self._codes[cells]]
        at_cursor = cells == bases[self._selection.cursor]
        if self._written is not None and start <= self._written.first < end:
            styles = (*styles, self._first_style)
            codes[cells == bases[self._written.first]] = len(styles) - 1
        codes[at_cursor] = [CURSOR + bool(styles[code].reverse) for code in codes[at_cursor]]
        return paint(self._layout.pieces(start, end), codes.tolist(), styles)

    def _expected(self, line: int, start: int, end: int) -> list[list[Segment]]:
        """The five rows under a line: what the network expects after each of its cells."""
        key = line, self.palette
        if key not in self._successors:
            assert self._selection is not None
            assert self._layout is not None
            self._successors[key] = expected_rows(
                self._selection.trace, self._layout, start, end, self.palette
            )
        return self._successors[key]

    def _title_parts(self) -> tuple[str, list[Segment]]:
        """The longest subject that has room next to a legend, with the longest legend.

        A feature's name is worth more than the legend, which the gates panel has, too.
        """
        selection = self._selection
        if selection is None:
            return "", []
        found = described(selection)
        room = self.size.width - len(self.heading) - 8
        note = [Segment(self._note, self.palette.ink("text"))] if self._note else []
        lead = [*note, *([Segment("   ", self.fill)] if note else [])]
        lead += [Segment(found.lead, self.palette.ink("dim"))] if found.lead else []
        marks = (3,) if self.palette.depth in ("16", "none") else (17, 9, 5, 3)
        for subject in found.subjects:
            for each in marks:
                bar = scale(self.palette, kind_of(selection), each, found.ends, found.between, found.steps)
                legend = [*lead, *bar]
                if len(subject) + sum(part.cell_length for part in legend) <= room:
                    return subject, legend
            is_label = selection.label is not None and subject == selection.label.name
            if is_label and len(subject) + len(self._note) <= room:
                return subject, note
        return found.subjects[-1], []

    # -- where things are ----------------------------------------------------------------------------------

    @property
    def _room(self) -> int:
        """Cells a line of text has."""
        return self.body_width - _INDENT - (0 if self._wraps else 1)

    @property
    def _whole_lines(self) -> int:
        """How many lines are in sight with all their rows; one at least."""
        return max(1, (self.body_height + self._spacing - 1) // self._stride)

    @property
    def _wheel_lines(self) -> int:
        return max(1, _WHEEL_ROWS // self._stride)

    def _lay_out(self, *, keep_place: bool) -> None:
        """Wrap the text into lines and draw it, optionally with the same first visible character."""
        selection, old = self._selection, self._layout
        if selection is None or self.body_width == 0:
            return
        first = old.starts[min(self._top, len(old))] if old and keep_place else 0
        symbols, ids = selection.trace.drawn
        self._layout = lay_out(ids, Shapes.of(symbols), self._room if self._wraps else None)
        self._stride = _stride(selection) + self._spacing - 1
        self._top = self._layout.line_of(first)
        if old is None:  # more text after the cursor than before it
            self._top = max(0, self._layout.line_of(selection.cursor) - self._whole_lines // _OPENING)
        self._left = 0
        self._successors.clear()
        self._follow()
        self.redraw()

    def _row_of_cursor(self, selection: Selection | None) -> int | None:
        """The line on which the cursor is seen, so that another page of the text has it there too."""
        if selection is None or self._layout is None:
            return None
        row = self._layout.line_of(selection.cursor) - self._top
        return row if 0 <= row < self._whole_lines else None

    def _rows_of(self, index: int) -> set[int]:
        """The body row on which a character is shown; empty where it is out of sight."""
        if self._layout is None:
            return set()
        row = (self._layout.line_of(index) - self._top) * self._stride
        return {row} if 0 <= row < self.body_height else set()

    def _visible(self, line: int) -> tuple[int, int, int]:
        """The first and the end of the characters of a line that are in sight, and the blanks before them."""
        assert self._layout is not None
        start, end = self._layout.span(line)
        if self._wraps:
            return start, end, 0
        edges, bases = self._layout.edges, self._layout.bases
        left = edges[start] + self._left
        first = start + int(np.searchsorted(edges[start:end], left))
        while first < end and bases[first] != first:  # a mark whose base is out of sight
            first += 1
        last = start + int(np.searchsorted(edges[start + 1 : end + 1], left + self._room, "right"))
        return first, max(first, last), int(edges[first] - left) if first < end else 0

    @property
    def shown(self) -> range:
        """The characters of the page whose lines are in sight."""
        if self._layout is None:
            return range(0)
        last = min(self._top + self._whole_lines, len(self._layout)) - 1
        return range(self._layout.span(self._top)[0], self._layout.span(last)[1])

    def _follow(self) -> None:
        """Scroll by as little as brings the cursor into sight, with a margin where there is room for one."""
        selection, layout = self._selection, self._layout
        if selection is None or layout is None or self.body_height <= 0:
            return
        line = layout.line_of(selection.cursor)
        top = _calm(self._top, line, line + 1, self._whole_lines, _MARGIN_LINES)
        left = self._left
        if not self._wraps:
            column = layout.column_of(selection.cursor)
            left = max(0, _calm(left, column, column + 2, self._room, _MARGIN_COLUMNS))
        self._move_window(top, left)

    def _move_window(self, top: int, left: int) -> None:
        assert self._layout is not None
        top = max(0, min(top, len(self._layout) - self._whole_lines))
        if (top, left) != (self._top, self._left):
            self._top, self._left = top, left
            if not self._wraps:
                self._successors.clear()
            self.redraw()

    # -- moving --------------------------------------------------------------------------------------------

    def _choose(self, index: int) -> None:
        """Put the cursor on a character of the page."""
        selection = self._selection
        if selection is not None:
            index = max(0, min(index, len(selection.trace) - 1))
            if index != selection.cursor:
                self._scope.select(cursor=index)

    @property
    def _cursor(self) -> int:
        return 0 if self._selection is None else self._selection.cursor

    def _vertically(self, lines: int) -> int:
        """The character some lines away, in the column where moving vertically began."""
        if self._layout is None:
            return self._cursor
        reached, meant = self._goal
        column = meant if reached == self._cursor else self._layout.column_of(self._cursor)
        index = self._layout.index_at(self._layout.line_of(self._cursor) + lines, column)
        self._goal = (index, column)
        return index

    def action_cursor_left(self) -> None:
        self._choose(self._cursor - 1)

    def action_cursor_right(self) -> None:
        self._choose(self._cursor + 1)

    def action_word_left(self) -> None:
        if self._selection is not None:
            self._choose(previous_word(self._selection.trace.characters, self._cursor))

    def action_word_right(self) -> None:
        if self._selection is not None:
            self._choose(next_word(self._selection.trace.characters, self._cursor))

    def action_line_up(self) -> None:
        self._choose(self._vertically(-1))

    def action_line_down(self) -> None:
        self._choose(self._vertically(+1))

    def action_page_up(self) -> None:
        self._choose(self._vertically(-max(1, self._whole_lines - 1)))

    def action_page_down(self) -> None:
        self._choose(self._vertically(max(1, self._whole_lines - 1)))

    def action_line_start(self) -> None:
        if self._layout is not None:
            self._choose(self._layout.span(self._layout.line_of(self._cursor))[0])

    def action_line_end(self) -> None:
        if self._layout is not None:
            self._choose(self._layout.span(self._layout.line_of(self._cursor))[1] - 1)

    def action_first(self) -> None:
        self._scope.go_to(0)

    def action_last(self) -> None:
        self._scope.go_to(-1)

    # -- how it looks --------------------------------------------------------------------------------------

    def action_top_five(self) -> None:
        if self._selection is not None:
            self._scope.select(top_five=not self._selection.top_five)

    def action_surprisal(self) -> None:
        if self._selection is not None:
            is_shown = self._selection.coloring == "surprisal"
            self._scope.select(coloring="neuron" if is_shown else "surprisal")

    def action_own_range(self) -> None:
        if self._selection is not None:
            self._scope.select(own_range=not self._selection.own_range, coloring="neuron")

    def action_wrap(self) -> None:
        self._wraps = not self._wraps
        self._lay_out(keep_place=True)

    # -- the mouse -----------------------------------------------------------------------------------------

    def _under(self, event: events.MouseEvent) -> int | None:
        """The character under the mouse."""
        row = event.y - self.body_top
        if self._layout is None or row < 0:
            return None
        column = event.x - PADDING - _INDENT + self._left
        return self._layout.index_at(self._top + row // self._stride, column)

    def on_click(self, event: events.Click) -> None:
        index = self._under(event)
        if index is not None:
            self._choose(index)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._pressed = self._under(event)
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        index = self._under(event)
        if self._pressed is not None and index is not None and index != self._pressed:
            first, last = sorted((self._pressed, index))
            self._on_brush(first, last + 1, not (event.shift or event.ctrl or event.button == 3))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        self._pressed = None
        self.release_mouse()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll_by(-self._wheel_lines, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll_by(self._wheel_lines, event)

    def _scroll_by(self, lines: int, event: events.MouseEvent) -> None:
        """The wheel moves the lines and leaves the cursor where it is."""
        if self._layout is None:
            return
        event.stop()
        if event.shift and not self._wraps:
            self._move_window(self._top, max(0, self._left + lines * _MARGIN_COLUMNS))
        else:
            self._move_window(self._top + lines, self._left)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(keep_place=True)


def _calm(first_shown: int, start: int, end: int, room: int, margin: int) -> int:
    """Where a window of `room` begins that shows start..end with a margin and moves as little as can be."""
    margin = max(0, min(margin, (room - (end - start)) // 2))
    if start - margin < first_shown:
        return start - margin
    return min(start, max(first_shown, end + margin - room))


def _stride(selection: Selection) -> int:
    """The rows that a line of text takes, with what stands under it."""
    return 1 + has_second_row(selection) + (ROWS if selection.top_five else 0)


def caption(selection: Selection) -> str:
    """What colors the passage, for an audience, such as `1/41 · quotes · AUC 0.97`."""
    if selection.coloring != "neuron":
        return described(selection).subjects[0]
    return f"{selection.neuron} · {selection.label or selection.quantity}"


def _look(selection: Selection) -> tuple[object, ...]:
    """All on which the colors and the title depend, besides the trace."""
    chosen = selection.layer, selection.unit, selection.quantity, selection.own_range, selection.second
    return *chosen, selection.coloring, selection.label, selection.overlay
