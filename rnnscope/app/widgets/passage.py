"""The passage: the text, every character on the colour of what one neuron did there.

    ▎ passage  neuron 1/97, cell: column        −1 ▄▄▄▄▄▄▄▄▄ +1
    ▎
    ▎▸ I am a gentleman of Verona, sir,↵

The cursor's cell is the only white one. With the top five shown, each line has five rows under it that say
what the network expected next; see expected.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from rnnscope.app.messages import CursorMoved
from rnnscope.app.palette import STEPS, Palette, signed_steps, unit_steps
from rnnscope.app.view import View
from rnnscope.app.widgets.expected import ROWS, expected_rows
from rnnscope.app.widgets.layout_text import (
    Layout,
    Shapes,
    first_equal,
    lay_out,
    next_word,
    paint,
    previous_word,
)
from rnnscope.app.widgets.legend import Kind, scale
from rnnscope.app.widgets.panel import PADDING, Panel

SURPRISE_RANGE_BITS = 8.0
"""The surprise that has the strongest colour; what is higher looks the same."""
_INDENT = 1
"""Columns between the gutter and the text."""
_MARGIN_LINES = 2
_MARGIN_COLUMNS = 8
_CURSOR = 2 * STEPS
_QUIET = 0.15
"""A line break on a value under this is dim."""
_WHEEL_ROWS = 3


def _binding(key: str, action: str, tooltip: str) -> Binding:
    name = "passage." + key.replace("+", "-")
    return Binding(key, action, tooltip, id=name, tooltip=tooltip, show=False)


class Passage(Panel):
    """The passage, its colours and the cursor; posts `CursorMoved` when another character is chosen."""

    heading: ClassVar[str] = "passage"

    BINDINGS: ClassVar[list[BindingType]] = [
        _binding("left", "step(-1)", "One character back"),
        _binding("right", "step(1)", "One character on"),
        _binding("ctrl+left", "word(-1)", "To the beginning of the word"),
        _binding("ctrl+right", "word(1)", "To the next word"),
        _binding("home", "line_edge(-1)", "To the beginning of the line"),
        _binding("end", "line_edge(1)", "To the end of the line"),
        _binding("pageup", "page(-1)", "One page back"),
        _binding("pagedown", "page(1)", "One page on"),
        _binding("ctrl+home", "text_edge(-1)", "To the beginning of the passage"),
        _binding("ctrl+end", "text_edge(1)", "To the end of the passage"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._view: View | None = None
        self._layout: Layout | None = None
        self._codes: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._stride = 1  # rows a line of text takes
        self._top = 0  # the first row shown, of all rows of the text
        self._left = 0  # the first cell shown, of lines that are not wrapped
        self._wraps = True
        self._aim = 0  # where the cursor is, or will be once the screen has answered
        self._goal = (-1, 0)  # a character reached by moving vertically, and the column that was meant
        self._successors: dict[int, list[list[Segment]]] = {}

    # -- what the screen calls -----------------------------------------------------------------------------

    def show(self, view: View) -> None:
        """Show another view; only what differs from the present one is drawn anew."""
        old, self._view = self._view, view
        self._aim = view.cursor
        same_text = old is not None and _same_text(old, view)
        if old is None or not same_text or old.top_five != view.top_five:
            self._lay_out(keep_place=same_text)
        elif old.cursor != view.cursor:
            self._follow()
        if old is None or old.trace is not view.trace or _look(old) != _look(view):
            self._successors.clear()
            self._codes = _codes(view)
            self.redraw()
        elif old.cursor != view.cursor:
            self.redraw(self._rows_of(old.cursor) | self._rows_of(view.cursor))

    def toggle_wrap(self) -> None:
        """Wrap lines at the panel's width, or leave them whole and scroll sideways."""
        self._wraps = not self._wraps
        self._lay_out(keep_place=True)

    def line_up(self) -> int:
        """The character above the cursor."""
        return self._vertically(-1)

    def line_down(self) -> int:
        """The character below the cursor."""
        return self._vertically(1)

    # -- drawing -------------------------------------------------------------------------------------------

    def subject(self) -> str:
        return self._title_parts()[0]

    def legend(self) -> list[Segment]:
        return self._title_parts()[1]

    def mark(self, row: int) -> Segment | None:
        if self._view is None or row not in self._rows_of(self._view.cursor):
            return None
        return Segment("▸", self.palette.ink("text"))

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        layout = self._layout
        if layout is None:
            return [Segment(" not read yet", self.palette.ink("mute"))] if row == 0 else []
        line, below = divmod(self._top + row, self._stride)
        if line >= len(layout):
            return []
        start, end, blank = self._visible(line)
        content = self._text(start, end) if below == 0 else self._expected(line, start, end)[below - 1]
        if not self._wraps:
            is_cut = below == 0, end < layout.starts[line + 1]
            content = [Segment(" " * blank, self.fill), *content]
            if all(is_cut):
                content = list(Strip(content).adjust_cell_length(self._room, self.fill))
                content.append(Segment("›", self.palette.ink("mute")))
        lead = "‹" if self._left and below == 0 else " "
        return [Segment(lead, self.palette.ink("mute")), *content]

    def _text(self, start: int, end: int) -> list[Segment]:
        """Some characters of a line on their colours, with the cursor if it is among them."""
        assert self._view is not None
        assert self._layout is not None
        styles, canonical = _text_styles(self.palette, _kind(self._view))
        bases = self._layout.bases
        cells = bases[start:end]
        codes = canonical[self._codes[cells]]
        codes[cells == bases[self._view.cursor]] = _CURSOR
        return paint(self._layout.pieces(start, end), codes.tolist(), styles)

    def _expected(self, line: int, start: int, end: int) -> list[list[Segment]]:
        """The five rows under a line: what the network expects after each of its cells."""
        if line not in self._successors:
            assert self._view is not None
            assert self._layout is not None
            self._successors[line] = expected_rows(self._view.trace, self._layout, start, end, self.palette)
        return self._successors[line]

    def _title_parts(self) -> tuple[str, list[Segment]]:
        """The longest subject and legend that fit beside each other; the feature's name goes first."""
        view = self._view
        if view is None:
            return "", []
        subjects, ends, between, steps = _named(view)
        words = self.palette.depth in ("16", "none")
        lengths = (3, 3) if words else (17, 9)
        choices = [(subject, marks) for subject in subjects for marks in lengths]
        choices += [(subject, 5) for subject in subjects]
        for subject, marks in choices:
            legend = scale(self.palette, _kind(view), marks, ends, between, steps)
            taken = len(subject) + sum(part.cell_length for part in legend)
            if len(self.heading) + taken + 9 <= self.size.width:
                return subject, legend
        return subjects[-1], []

    # -- where things are ----------------------------------------------------------------------------------

    @property
    def _room(self) -> int:
        """Cells a line of text has."""
        return self.body_width - _INDENT - (0 if self._wraps else 1)

    def _lay_out(self, *, keep_place: bool) -> None:
        """Break the text into lines anew, and draw it; the first character shown stays if that is wanted."""
        view, old = self._view, self._layout
        if view is None:
            return
        first = old.starts[min(self._top // self._stride, len(old))] if old and keep_place else 0
        self._layout = lay_out(
            view.trace.ids, Shapes.of(view.trace.symbols), self._room if self._wraps else None
        )
        self._stride = 1 + ROWS if view.top_five else 1
        self._top = self._layout.line_of(first) * self._stride
        self._left = 0
        self._successors.clear()
        self._follow()
        self.redraw()

    def _rows_of(self, index: int) -> set[int]:
        """The body row on which a character is shown; empty where it is out of sight."""
        if self._layout is None:
            return set()
        row = self._layout.line_of(index) * self._stride - self._top
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

    def _follow(self) -> None:
        """Scroll by as little as brings the cursor into sight, with a margin where there is room for one."""
        view, layout, height = self._view, self._layout, self.body_height
        if view is None or layout is None or height <= 0:
            return
        first = layout.line_of(view.cursor) * self._stride
        top = _calm(self._top, first, first + self._stride, height, _MARGIN_LINES * self._stride)
        left = self._left
        if not self._wraps:
            column = layout.column_of(view.cursor)
            left = max(0, _calm(left, column, column + 2, self._room, _MARGIN_COLUMNS))
        self._move_window(top, left)

    def _move_window(self, top: int, left: int) -> None:
        assert self._layout is not None
        top = max(0, min(top, len(self._layout) * self._stride - self.body_height))
        if (top, left) != (self._top, self._left):
            self._top, self._left = top, left
            if not self._wraps:
                self._successors.clear()
            self.redraw()

    # -- moving --------------------------------------------------------------------------------------------

    def _choose(self, index: int) -> None:
        """Tell the screen that a character was chosen; it answers with another view."""
        if self._view is None:
            return
        index = max(0, min(index, len(self._view.trace) - 1))
        if index != self._aim:
            self._aim = index
            self.post_message(CursorMoved(index))

    def _vertically(self, lines: int) -> int:
        """The character some lines away, in the column where moving vertically began."""
        if self._layout is None:
            return self._aim
        reached, meant = self._goal
        column = meant if reached == self._aim else self._layout.column_of(self._aim)
        index = self._layout.index_at(self._layout.line_of(self._aim) + lines, column)
        self._goal = (index, column)
        return index

    def action_step(self, by: int) -> None:
        self._choose(self._aim + by)

    def action_word(self, by: int) -> None:
        if self._view is not None:
            move = next_word if by > 0 else previous_word
            self._choose(move(self._view.trace.characters, self._aim))

    def action_line_edge(self, by: int) -> None:
        if self._layout is not None:
            start, end = self._layout.span(self._layout.line_of(self._aim))
            self._choose(end - 1 if by > 0 else start)

    def action_page(self, by: int) -> None:
        lines = max(1, self.body_height // self._stride - 1)
        self._choose(self._vertically(by * lines))

    def action_text_edge(self, by: int) -> None:
        if self._view is not None:
            self._choose(len(self._view.trace) - 1 if by > 0 else 0)

    def on_click(self, event: events.Click) -> None:
        row = event.y - self.body_top
        if self._layout is not None and row >= 0:
            column = event.x - PADDING - _INDENT + self._left
            self._choose(self._layout.index_at((self._top + row) // self._stride, column))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll_by(-_WHEEL_ROWS, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll_by(_WHEEL_ROWS, event)

    def _scroll_by(self, rows: int, event: events.MouseEvent) -> None:
        """The wheel moves the lines and leaves the cursor where it is."""
        if self._layout is None:
            return
        event.stop()
        if event.shift and not self._wraps:
            self._move_window(self._top, max(0, self._left + rows * _MARGIN_COLUMNS))
        else:
            self._move_window(self._top + rows, self._left)

    def on_resize(self, event: events.Resize) -> None:
        self._lay_out(keep_place=True)


def _calm(first_shown: int, start: int, end: int, room: int, margin: int) -> int:
    """Where a window of `room` begins that shows start..end with a margin and moves as little as can be."""
    margin = max(0, min(margin, (room - (end - start)) // 2))
    if start - margin < first_shown:
        return start - margin
    return min(start, max(first_shown, end + margin - room))


def _same_text(one: View, other: View) -> bool:
    a, b = one.trace, other.trace
    return a is b or (a.symbols == b.symbols and np.array_equal(a.ids, b.ids))


def _look(view: View) -> tuple[object, ...]:
    """All on which the colours and the title depend, besides the trace."""
    return view.layer, view.unit, view.quantity, view.own_range, view.colouring, view.knows


def _kind(view: View) -> Kind:
    if view.colouring == "surprise":
        return "probability"
    return "gate" if view.is_gate else "diverging"


def _codes(view: View) -> NDArray[np.intp]:
    """(T,) which of the text styles each character has."""
    if view.colouring == "surprise":
        values = np.concatenate(([0.0], view.trace.surprise_bits / SURPRISE_RANGE_BITS))
    else:
        values = view.coloured
    steps = signed_steps(values) if _kind(view) == "diverging" else unit_steps(values)
    is_break = Shapes.of(view.trace.symbols).ends_line[view.trace.ids]
    return np.where(is_break & (np.abs(values) < _QUIET), steps + STEPS, steps)


@lru_cache(maxsize=16)
def _text_styles(palette: Palette, kind: Kind) -> tuple[tuple[Style, ...], NDArray[np.intp]]:
    """The steps' styles, the same with dim text, the cursor's; and for each the first that looks the same."""
    cells: tuple[Style, ...] = getattr(palette, kind)
    dim = Style(color=palette.ink("dim").color)
    styles = (*cells, *(style + dim for style in cells), palette.cursor)
    return styles, first_equal(styles)


def _named(view: View) -> tuple[list[str], tuple[str, str], tuple[str, ...], tuple[int, int]]:
    """Subjects, the longest first; the legend's ends, what lies between them, and its steps."""
    whole = (0, STEPS - 1)
    if view.colouring == "surprise":
        return (
            ["surprise of each character", "surprise"],
            ("0", f"{SURPRISE_RANGE_BITS:.0f} bits"),
            ("4",),
            whole,
        )
    long = f"neuron {view.neuron}, {view.quantity}"
    subjects = [f"{long}: {view.knows}"] if view.knows else [long]
    subjects += [f"neuron {view.neuron} · {view.quantity}", f"{view.neuron} · {view.quantity}", view.neuron]
    if not view.own_range:
        return (
            (subjects, ("0", "1"), ("½",), whole)
            if view.is_gate
            else (subjects, ("−1", "+1"), ("−½", "0", "+½"), whole)
        )
    low, high = float(view.values.min()), float(view.values.max())
    if view.is_gate:
        return subjects, (f"own range {low:.2f}", f"{high:.2f}"), (), whole
    first, last = signed_steps([float(view.coloured.min()), float(view.coloured.max())]).tolist()
    return subjects, (f"own range {_signed(low)}", _signed(high)), (), (first, last)


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
