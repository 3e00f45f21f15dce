"""The table of neurons: what each does around the cursor, what it was found to know, and how surely.

    ▎ neurons  by what they know              held-out half
    ▎        n of Ve[r]ona,  knows                AUC or ρ
    ▎▸ 1/97  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀  column                 ρ 0.91
    ▎  1/75  ▁▁▃▃▆▆▆▆▃▃▁▁▁▁  upper case               0.92

`not` is said of a neuron that is low where the feature holds. A star is a favorite, a quote mark a note.
Where there is room, two columns more are how saturated and how selective each is on the page; see ranking.py.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events

from rnnscope.app import bars
from rnnscope.app.columns import Window, text_row, window
from rnnscope.app.messages import CursorMoved, NeuronChosen
from rnnscope.app.panels.panel import PADDING, SelectionPanel
from rnnscope.app.ranking import SORTS, Neuron, Ranking, Sort, numbers
from rnnscope.selection import Selection
from rnnscope.theme.segments import coded_segments
from rnnscope.tracing.trace import Trace

_GAP = 2
_SCORE = 6
"""Cells of a score and its sign."""
_LEAST_NAME = 9
_SPARK, _WIDE_SPARK = 12, 24
_MEASURES: tuple[tuple[str, Sort], ...] = (("sat", "saturation"), ("sel", "selectivity"))
_MEASURE = 5
"""Cells of a measure."""
_ROOMY = 56
"""Columns from which the measures are shown."""
_WHEEL_ROWS = 3


class NeuronTable(SelectionPanel):
    """Every neuron of every layer in the order of a `Ranking`; posts `NeuronChosen` and `CursorMoved`."""

    heading: ClassVar[str] = "neurons"
    roomy_above: ClassVar[int] = 1_000

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._selection: Selection | None = None
        self._ranking: Ranking | None = None
        self._first = 0
        self._window: tuple[object, Window] | None = None
        self._measured: tuple[Trace, tuple[NDArray[np.float64], ...]] | None = None
        """What the measures of all neurons are, and on which page."""

    # -- what the screen calls -------------------------------------------------------------------------------

    def show(self, selection: Selection) -> None:
        before, self._selection = self._selection, selection
        if before is not None and before.trace is selection.trace and before.cursor == selection.cursor:
            if (before.layer, before.unit, before.quantity) == (
                selection.layer,
                selection.unit,
                selection.quantity,
            ):
                return
            moved = self._bring_into_sight()
            if not moved and before.quantity == selection.quantity:
                self.redraw(self._rows_of(before) | self._rows_of(selection))
                return
        else:
            self._bring_into_sight()
        self.redraw()

    def rank(self, ranking: Ranking) -> None:
        """Show the neurons in another order, from its beginning where the chosen one is not in sight."""
        self._ranking = ranking
        self._first = max(0, min(self._first, len(ranking.order) - 1))
        self._bring_into_sight()
        self.redraw()

    def neighbor(self, by: int) -> Neuron | None:
        """The neuron that many places further on; the first where the chosen one is not listed."""
        if self._selection is None or self._ranking is None or not self._ranking.order:
            return None
        order = self._ranking.order
        place = self._ranking.place((self._selection.layer, self._selection.unit))
        return order[0 if place is None else max(0, min(place + by, len(order) - 1))]

    # -- title -----------------------------------------------------------------------------------------------

    def subject(self) -> str:
        ranking = self._ranking
        if ranking is None:
            return ""
        told = ranking.title or SORTS[ranking.sort]
        if ranking.filter:
            what = "favorites" if ranking.filter == "*" else f"“{ranking.filter}”"
            return f"{what}, {len(ranking.order)}"
        return told

    def legend(self) -> list[Segment]:
        ranking = self._ranking
        if ranking is None or self.size.width < 40:
            return []
        said = ranking.source if ranking.numbers is None else "on this page"
        return [Segment(said, self.palette.ink("dim"))]

    # -- rows ------------------------------------------------------------------------------------------------

    def mark(self, row: int) -> Segment | None:
        neuron = self._neuron_at(row)
        if neuron is None or self._selection is None or self._ranking is None:
            return None
        if neuron == (self._selection.layer, self._selection.unit):
            return Segment("▸", self.palette.ink("strong", on="select"))
        remarks = self._ranking.remarks
        sign = "★" if neuron in remarks.favorites else "”" if neuron in remarks.notes else ""
        return Segment(sign, self.palette.ink("dim")) if sign else None

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        selection, ranking = self._selection, self._ranking
        if selection is None or ranking is None:
            waiting = Segment("waiting for the first look"[:width], self.palette.ink("dim"))
            return [waiting] if row == height // 2 else []
        shown = self._shown(selection, width)
        if row == 0:
            return self._head(selection, ranking, shown, width)
        neuron = self._neuron_at(row)
        if neuron is None:
            empty = "none has that in its number, name or note"[:width]
            return [Segment(empty, self.palette.ink("dim"))] if row == 1 and not ranking.order else []
        return self._row(selection, ranking, shown, neuron, width)

    def _shown(self, selection: Selection, width: int) -> Window:
        """The characters around the cursor that the bars stand under."""
        room = width - self._id_width - 2 * _GAP - _LEAST_NAME - self._numbers(width) - 1
        cells = _WIDE_SPARK if room >= _WIDE_SPARK + _LEAST_NAME else max(5, min(_SPARK, room))
        key = (selection.trace, selection.cursor, cells)
        if self._window is None or self._window[0] != key:
            self._window = (key, window(selection.trace, selection.cursor, cells))
        return self._window[1]

    @property
    def _id_width(self) -> int:
        if self._ranking is None:
            return 0
        shape = self._ranking.architecture
        return len(f"{shape.layers}/{shape.hidden_size - 1}")

    def _name_width(self, shown: Window, width: int) -> int:
        return max(0, width - self._id_width - 2 * _GAP - len(shown.indices) - self._numbers(width))

    def _numbers(self, width: int) -> int:
        """Cells of the score and of the measures that are shown."""
        return _SCORE + (_MEASURE * len(_MEASURES) if width >= _ROOMY else 0)

    def _measures(self, selection: Selection, neuron: Neuron, width: int) -> str:
        """How saturated and how selective a neuron is on the page, where there is room."""
        if width < _ROOMY:
            return ""
        if self._measured is None or self._measured[0] is not selection.trace:
            found = (numbers(selection.trace, sort) for _, sort in _MEASURES)
            self._measured = selection.trace, tuple(each for each in found if each is not None)
        at = (neuron[0] - 1) * selection.trace.architecture.hidden_size + neuron[1]
        return "".join(f"{each[at]:>{_MEASURE}.2f}" for each in self._measured[1])

    def _head(self, selection: Selection, ranking: Ranking, shown: Window, width: int) -> list[Segment]:
        dim = self.palette.ink("dim")
        names = self._name_width(shown, width)
        lead = "knows" if ranking.known or ranking.remarks.notes else ""
        last = "AUC or ρ" if ranking.numbers is None else ranking.sort
        heads = "".join(f"{head:>{_MEASURE}}" for head, _ in _MEASURES) if width >= _ROOMY else ""
        told = last if len(last) <= names + _SCORE - len("knows ") else ""
        return [
            Segment(" " * (self._id_width + _GAP), self.fill),
            *text_row(self.palette, shown, selection.cursor),
            Segment(heads + " " * _GAP + lead, dim),
            Segment(f"{told:>{max(0, names + _SCORE - len(lead))}}", dim),
        ]

    def _row(
        self, selection: Selection, ranking: Ranking, shown: Window, neuron: Neuron, width: int
    ) -> list[Segment]:
        is_chosen = neuron == (selection.layer, selection.unit)
        fill = "select" if is_chosen else "panel"

        def ink(token: str, *, bold: bool = False) -> Style:
            return self.palette.ink(token, bold=bold, on=fill)

        name = Segment(
            f"{f'{neuron[0]}/{neuron[1]}':>{self._id_width}}",
            ink("strong" if is_chosen else "text", bold=is_chosen),
        )
        gap = Segment(" " * _GAP, ink("text"))
        known, note = ranking.known.get(neuron), ranking.remarks.notes.get(neuron, "")
        names = self._name_width(shown, width)
        is_negative = known is not None and known.is_negative and not note
        lead = ("not " if names > len("not ") else "¬"[:names]) if is_negative else ""
        said = note or (known.feature if known is not None else "")
        number = ranking.number(neuron)
        sign = known.metric if known is not None and number is None and known.metric == "ρ" else ""
        room = max(0, names - len(lead) - len(sign))
        said = said if len(said) <= room else said[: max(0, room - 1)] + "…"
        score = f"{number:.2f}" if number is not None else f"{known.score:.2f}" if known is not None else ""
        return [
            name,
            gap,
            *self._spark(selection, shown, neuron, fill),
            Segment(self._measures(selection, neuron, width), ink("dim")),
            gap,
            Segment(lead, ink("mute")),
            Segment(f"{said:<{names - len(lead)}}", ink("strong" if is_chosen else "text", bold=is_chosen)),
            Segment(f"{f'{sign} {score}':>{_SCORE}}", ink("strong" if is_chosen else "dim", bold=is_chosen)),
            Segment(" " if is_chosen else "", ink("text")),
        ]

    def _spark(self, selection: Selection, shown: Window, neuron: Neuron, fill: str) -> list[Segment]:
        """The neuron's values under the characters, the cursor's column through them."""
        quantity = selection.quantity if selection.is_gate else "hidden"
        raw = selection.trace[f"{neuron[0]}/{quantity}"][shown.characters, neuron[1]]
        values = raw[shown.indices - shown.first]
        points, keys = bars.gate_rows(values) if selection.is_gate else bars.signed_rows(values, 1)
        keys = bars.with_hair(keys, shown.cursor) if points.ndim == 2 else keys
        return coded_segments(points[0], keys[0], bars.styles(self.palette, fill))

    # -- where things are ------------------------------------------------------------------------------------

    @property
    def _listed(self) -> int:
        """How many neurons are in sight."""
        return max(1, self.body_height - 1)

    def _neuron_at(self, row: int) -> Neuron | None:
        if self._ranking is None or row < 1:
            return None
        place = self._first + row - 1
        return self._ranking.order[place] if place < len(self._ranking.order) else None

    def _rows_of(self, selection: Selection) -> set[int]:
        place = self._ranking.place((selection.layer, selection.unit)) if self._ranking is not None else None
        return set() if place is None else {place - self._first + 1}

    def _bring_into_sight(self) -> bool:
        if self._selection is None or self._ranking is None:
            return False
        place = self._ranking.place((self._selection.layer, self._selection.unit))
        if place is None:
            return False
        first = min(place, max(self._first, place - self._listed + 1))
        return self._begin_at(first)

    def _begin_at(self, first: int) -> bool:
        """Scroll; whether that changed anything."""
        total = len(self._ranking.order) if self._ranking is not None else 0
        first = max(0, min(first, total - self._listed))
        if first == self._first:
            return False
        self._first = first
        self.redraw()
        return True

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._begin_at(self._first)
        self._bring_into_sight()

    # -- the mouse -------------------------------------------------------------------------------------------

    def on_click(self, event: events.Click) -> None:
        if self._selection is None:
            return
        row, column = event.y - self.body_top, event.x - PADDING - self._id_width - _GAP
        shown = self._shown(self._selection, self.body_width)
        index = shown.at(column)
        neuron = self._neuron_at(row)
        if neuron is not None and neuron != (self._selection.layer, self._selection.unit):
            self.post_message(NeuronChosen(*neuron))
        elif index is not None and row >= 0:
            self.post_message(CursorMoved(index))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._begin_at(self._first - _WHEEL_ROWS)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._begin_at(self._first + _WHEEL_ROWS)
        event.stop()
