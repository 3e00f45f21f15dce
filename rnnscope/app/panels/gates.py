"""The gates and states of one neuron along the passage, one column a character.

text        I am a gentleman of Ve[r]ona       the cursor, and its column through every row
predicts     m t srntleman tf ti r onab  o 0.54  the most probable next characters
forget      ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▁▇▇     1.00  values at the cursor on the right
  kept f·c  ▂▃▄                        −0.23
+ written   …                          +0.02  the cell update: bars are tanh of the cell's values,
= cell      …                          −0.20  numbers are raw, so that the sum can be checked
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len as _cells
from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events

from rnnscope.app import bars, cell_update
from rnnscope.app.columns import Window, text_row, window
from rnnscope.app.panels import gates_legend
from rnnscope.app.panels.gates_plan import Plan, Row, plan
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.scope import Scope
from rnnscope.export.layout import Shapes
from rnnscope.selection import Selection
from rnnscope.text.display import labels
from rnnscope.theme.palette import Palette, unit_steps
from rnnscope.theme.segments import coded_segments, segments
from rnnscope.tracing.trace import Trace

Float = NDArray[np.float64]

_NAME_WIDTH = 10
_VALUE_WIDTH = 6
_PREDICTED_WIDTH = 8
"""Columns of the values where the characters predicted stand among them."""
_PALE_UP_TO = 3
"""Probability steps below this have dim text."""


@dataclass(frozen=True, eq=False)
class Predicted:
    """The most probable next characters, at most five: (K, n) each, the most probable first."""

    ids: NDArray[np.intp]
    probabilities: Float

    @property
    def count(self) -> int:
        return int(self.ids.shape[1])


@dataclass(frozen=True, eq=False)
class Picture:
    """The drawn panel: its rows, what each row is, and which characters stand where."""

    rows: list[list[Segment]]
    entries: list[Row]
    """The entry that each row belongs to."""
    plan: Plan
    window: Window
    names_width: int
    title: list[Segment]
    """The text, where it stands in the title's row."""


class Gates(Panel):
    """What the gates of the chosen neuron do along the passage, and how its state comes about."""

    heading = "gates"
    roomy_above: ClassVar[int] = 1_000
    """The plan has the blank row."""

    def __init__(self, scope: Scope, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scope = scope
        self._selection: Selection | None = None
        self._picture: Picture | None = None
        self._painted_for: tuple[object, ...] = ()

    def show(self, selection: Selection) -> None:
        """Draw this selection."""
        self._selection = selection
        self.redraw()

    # -- title -------------------------------------------------------------------------------------------

    def subject(self) -> str:
        if self._selection is None:
            return ""
        wide = self.size.width >= 100
        return f"neuron {self._selection.neuron}" + (", one column a character" if wide else "")

    def legend(self) -> list[Segment]:
        picture = self._paint(self.body_width)
        if picture is None:
            return []
        room = self.size.width - 2 * PADDING - len(f"{self.heading}  {self.subject()}  ")
        return gates_legend.legend(self.palette, picture.plan, room)

    def _title(self, width: int) -> list[Segment]:
        picture = self._paint(self.body_width)
        if picture is None or self._letter or not picture.plan.text_in_title:
            return super()._title(width)
        token = "azure" if self.has_focus else "strong"
        name = Segment(f"{self.heading:<{picture.names_width}}", self.palette.ink(token, bold=True))
        return [Segment(" ", self.fill), name, *picture.title]

    # -- rows --------------------------------------------------------------------------------------------

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        picture = self._paint(width)
        if picture is None:
            waiting = Segment("loading… (reading the first page)"[:width], self.palette.ink("dim"))
            return [waiting] if row == height // 2 else []
        return picture.rows[row] if row < len(picture.rows) else []

    def _paint(self, width: int) -> Picture | None:
        key = (self._selection, width, self.size.height, self.palette)
        if self._selection is not None and key != self._painted_for:
            self._picture = self._draw_picture(self._selection, width, self.size.height)
            self._painted_for = key
        return self._picture

    def _draw_picture(self, selection: Selection, width: int, height: int) -> Picture:
        rows = plan(selection.trace.architecture.cell, height)
        names_width = max([_NAME_WIDTH, *(_name_width(row) for row in rows.rows)])
        values_width = _PREDICTED_WIDTH if rows.has("predicts") else _VALUE_WIDTH
        columns = max(1, width - names_width - values_width)
        shown = window(selection.trace, selection.cursor, columns)
        text = text_row(self.palette, shown, selection.cursor)
        predicted = _predicted(selection.trace, shown) if rows.has("predicts") else None
        drawn, entries = [], []
        for row in rows.rows:
            if row.kind == "text":
                lines = [text]
            elif row.kind == "predicts" and predicted is not None and int(row.name) > predicted.count:
                lines = [[Segment(" " * len(shown.indices), self.fill)]]  # the vocabulary has fewer symbols
            elif row.kind == "predicts" and predicted is not None:
                lines = [self._predicts(selection, shown, predicted, int(row.name) - 1)]
            elif row.kind == "margin":
                lines = [[]]
            else:
                lines = self._bars(selection, shown, row)
            padding = Segment(" " * (columns - len(shown.indices)), self.fill)
            for line, middle in enumerate(lines):
                is_named = line == _named_line(row)
                left = self._name_cells(selection, row, names_width) if is_named else []
                right = self._value(selection, shown, row, predicted, values_width) if is_named else []
                indent = [] if left else [Segment(" " * names_width, self.fill)]
                drawn.append([*left, *indent, *middle, padding, *right])
                entries.append(row)
        return Picture(drawn, entries, rows, shown, names_width, text)

    def _name_cells(self, selection: Selection, row: Row, width: int) -> list[Segment]:
        ink = self.palette.ink
        if row.kind == "predicts":
            first = row.name == "1"
            name, style = ("predicts", ink("text")) if first else (f"  {row.name}", ink("mute"))
            return [Segment(f"{name:<{width}}", style)]
        if row.kind == "text":
            return [Segment(f"{row.name:<{width}}", ink("mute"))]
        name, chosen = _name(row), row.name == selection.quantity
        style = ink("strong", bold=True) if chosen else ink("text")
        return [Segment(name, style), Segment(f"{row.formula:>{width - len(name) - 1}} ", ink("mute"))]

    def _bars(self, selection: Selection, shown: Window, row: Row) -> list[list[Segment]]:
        """The lines of a row's bars, or of a blank row, with the cursor's column through them."""
        if row.kind == "blank":
            points, keys = bars.blank(len(shown.indices))
        else:
            raw = cell_update.numbers(selection, row.name, shown.characters)
            values = cell_update.squashed(selection, row.name, raw)[shown.indices - shown.first]
            draw = bars.gate_rows if row.kind == "gate" else bars.signed_rows
            points, keys = draw(values, row.height)
        keys = bars.with_crosshair(keys, shown.cursor)
        if self.palette.depth in ("16", "none"):  # no fill can show the column
            column = points[:, shown.cursor]
            points[:, shown.cursor] = np.where(column == ord(" "), ord("│"), column)
        table = bars.styles(self.palette)
        return [coded_segments(point, key, table) for point, key in zip(points, keys, strict=True)]

    def _value(
        self, selection: Selection, shown: Window, row: Row, predicted: Predicted | None, width: int
    ) -> list[Segment]:
        """What stands on the right: the value at the cursor, or the character predicted after it."""
        if row.kind == "predicts" and predicted is not None:
            if int(row.name) > predicted.count:
                return []
            return self._predicted_value(selection, shown, predicted, int(row.name) - 1, width)
        if row.kind not in ("gate", "signed"):
            return []
        here = slice(selection.cursor, selection.cursor + 1)
        value = _value_text(float(cell_update.numbers(selection, row.name, here)[0]), row.kind == "gate")
        return [Segment(f"{value:>{width}}", self.palette.ink("strong", bold=True))]

    def _predicts(
        self, selection: Selection, shown: Window, predicted: Predicted, rank: int
    ) -> list[Segment]:
        table, trace = _predicts_styles(self.palette), selection.trace
        seated = Shapes.of(trace.symbols).seated
        ids = predicted.ids[:, rank].tolist()
        steps = unit_steps(predicted.probabilities[:, rank] ** 0.8).tolist()
        cells = []
        for i, (symbol, step, width) in enumerate(zip(ids, steps, shown.widths.tolist(), strict=True)):
            index = shown.first + i + 1
            is_hit = index < len(trace) and int(trace.ids[index]) == symbol
            cells.append((_fitted(seated[symbol], width), table[is_hit][step]))
        return segments(cells)

    def _predicted_value(
        self, selection: Selection, shown: Window, predicted: Predicted, rank: int, width: int
    ) -> list[Segment]:
        at = selection.cursor - shown.first
        label = _labels(selection.trace.symbols)[int(predicted.ids[at, rank])]
        probability = float(predicted.probabilities[at, rank])
        name = _fitted(label, width - 5).strip() if label.strip() else label
        style = self.palette.ink("text" if rank == 0 else "dim")
        text = f"{name} {probability:.2f}"
        return [Segment(" " * max(0, width - _cells(text)) + text, style)]

    # -- the mouse ---------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        picture = self._picture
        if picture is None or self._selection is None:
            return
        row, column = event.y - self.body_top, event.x - PADDING - picture.names_width
        in_text = event.y == 0 and picture.plan.text_in_title
        index = picture.window.at(column)
        if index is not None and (in_text or 0 <= row < len(picture.rows)):
            self._scope.select(cursor=index)
        elif column < 0 and 0 <= row < len(picture.rows):
            name = picture.entries[row].name
            if name in self._selection.trace.quantities:
                self._scope.select_quantity(name)


def _named_line(row: Row) -> int:
    """The line of a row that has its name and value: the last of a gate's, the one above a midline."""
    return row.height - 1 if row.kind != "signed" else max(0, row.height // 2 - 1)


def _name(row: Row) -> str:
    name = row.label or row.name
    return f"{row.sign} {name}" if row.sign else name


def _name_width(row: Row) -> int:
    """Columns of a name, of its formula, and of a gap after each."""
    return len(_name(row)) + 1 + (len(row.formula) + 1 if row.formula else 0)


def _value_text(number: float, gate: bool) -> str:
    """A value in at most five columns."""
    if gate:
        return f"{number:.2f}"
    decimals = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:+.{decimals}f}".replace("-", "−")


def _predicted(trace: Trace, shown: Window) -> Predicted:
    rows = trace.log_probabilities[shown.characters]
    count = min(5, rows.shape[1])
    ids = np.argpartition(rows, rows.shape[1] - count, axis=1)[:, -count:]
    order = np.argsort(-np.take_along_axis(rows, ids, axis=1), axis=1, kind="stable")
    ids = np.take_along_axis(ids, order, axis=1)
    probabilities = np.exp(np.take_along_axis(rows, ids, axis=1).astype(np.float64))
    return Predicted(ids, probabilities)


def _fitted(glyph: str, width: int) -> str:
    """The glyph in exactly `width` cells; what is too wide is an ellipsis."""
    return set_cell_size(glyph if _cells(glyph) <= width else "…", width)


_labels = lru_cache(maxsize=8)(labels)
"""The names of a vocabulary's symbols."""


@lru_cache(maxsize=16)
def _predicts_styles(palette: Palette) -> tuple[tuple[Style, ...], tuple[Style, ...]]:
    """33 styles of characters predicted, and of those that came."""
    dim = Style(color=palette.ink("dim").color)
    pale = tuple(style + dim if i < _PALE_UP_TO else style for i, style in enumerate(palette.probability))
    return pale, tuple(style + Style(bold=True) for style in palette.probability)
