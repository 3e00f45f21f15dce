"""The table of neurons: the values of each around the cursor, the feature it detects best, and its score.

    ▎ neurons  by best feature                held-out half
    ▎        n of Ve[r]ona,  best feature         AUC or ρ
    ▎▸ 1/97  ▀▀▀▀▀▀▀▀▀▀▀▀▀▀  column                 ρ 0.91
    ▎  1/75  ▁▁▃▃▆▆▆▆▃▃▁▁▁▁  ¬upper case              0.92

¬ marks a neuron that is low where the feature holds, ★ a starred neuron, ” a neuron with a note. Wide tables
have two more columns, the saturation and selectivity of each neuron on the page; see ranking.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events

from rnnscope.app import bars
from rnnscope.app.actions import Action
from rnnscope.app.columns import Window, text_row, window
from rnnscope.app.notes import Notes, NotesFile
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.question import Question
from rnnscope.app.ranking import SORTS, Label, Ranking, Sort, numbers
from rnnscope.app.scope import Neuron, Scope
from rnnscope.network.architecture import Architecture
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
"""Minimum number of columns for the measures."""
_WHEEL_ROWS = 3


class NeuronTable(Panel):
    """Every neuron of every layer, in an order, with its stars and notes."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("sort", ("O",), "Next sort order of the neurons", "navigation", "sort", 80, "order rank"),
        Action(
            "filter",
            ("backslash",),
            "Filter neurons by id, label or note",
            "navigation",
            "filter",
            90,
            "limit starred search",
        ),
        Action("star", ("asterisk",), "Star the neuron (toggle)", "navigation", synonyms="favorite mark"),
        Action("note", ("quotation_mark",), "Write a note on the neuron", "navigation", synonyms="comment"),
    )
    heading = "neurons"
    roomy_above: ClassVar[int] = 1_000

    def __init__(
        self,
        scope: Scope,
        notes: NotesFile,
        *,
        on_rank: Callable[[Ranking], object] = lambda ranking: None,
        id: str | None = None,
    ) -> None:
        """notes: the file of stars and notes. on_rank: called with every new order of the neurons."""
        super().__init__(id=id)
        self._scope = scope
        self._file = notes
        self._on_rank = on_rank
        self._selection: Selection | None = None
        self._ranking: Ranking | None = None
        self._labels: Mapping[Neuron, Label] = {}
        self._first = 0
        self._window: tuple[object, Window] | None = None
        self._measured: tuple[Trace, tuple[NDArray[np.float64], ...]] | None = None
        """The measures of all neurons, and the page that they are of."""

    # -- called by the screen --------------------------------------------------------------------------------

    def open(self, architecture: Architecture) -> None:
        """List the neurons of a network, with the saved notes."""
        notes = self._file.load().of_network(architecture)
        self._rank(Ranking(architecture, sort="activity", notes=notes))

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

    def sort_by_page(self) -> None:
        """Sort again if the order depends on the page."""
        if self._ranking is not None and self._ranking.sort not in ("feature", "index"):
            self._sort_by(self._ranking.sort)

    def set_labels(self, labels: Mapping[Neuron, Label]) -> None:
        """Show the feature that each neuron detects best; sort by it unless another order was chosen."""
        self._labels = labels
        ranking = self._ranking
        if ranking is not None and ranking.sort in ("activity", "feature") and not ranking.title:
            self._sort_by("feature")

    def rank_by(self, title: str, results: Sequence[tuple[Neuron, Label]]) -> None:
        """Show the neurons in the order of a search's results."""
        if self._ranking is not None:
            self._rank(
                replace(
                    self._ranking,
                    sort="feature",
                    numbers=None,
                    labels=dict(results),
                    first=tuple(neuron for neuron, _ in results),
                    title=title,
                    source="held-out half",
                    filter="",
                )
            )

    @property
    def ranking(self) -> Ranking | None:
        """The current order."""
        return self._ranking

    @property
    def labeled_first(self) -> Neuron | None:
        """The first neuron of the table, once there are labels."""
        ranking = self._ranking
        return ranking.order[0] if ranking is not None and self._labels and ranking.order else None

    def label_of(self, selection: Selection) -> str:
        """The label of the selected neuron; empty if it has none."""
        neuron = (selection.layer, selection.unit)
        shown = self._ranking.labels.get(neuron) if self._ranking is not None else None
        label = shown or self._labels.get(neuron)
        return "" if label is None else label.name

    def step(self, by: int) -> None:
        """Select the neuron `by` places further down."""
        neuron = self.neighbor(by)
        if neuron is not None:
            self._scope.select_neuron(*neuron)

    def unfilter(self) -> bool:
        """Remove the filter or the search's order. Returns True if there was one."""
        ranking = self._ranking
        if ranking is None or not (ranking.filter or ranking.title):
            return False
        if ranking.filter:
            self._rank(replace(ranking, filter=""))
        else:
            self._sort_by("feature" if self._labels else "activity")
        return True

    def _sort_by(self, sort: Sort) -> None:
        """Sort the neurons, by their values on the current page if the order depends on it."""
        if self._ranking is not None:
            values = numbers(self._selection.trace, sort) if self._selection is not None else None
            source = "held-out half" if self._labels else ""
            self._rank(
                replace(
                    self._ranking,
                    sort=sort,
                    numbers=values,
                    labels=self._labels,
                    first=(),
                    title="",
                    source=source,
                )
            )

    def _rank(self, ranking: Ranking) -> None:
        """Show the neurons in another order, with the selected one visible."""
        self._ranking = ranking
        self._first = max(0, min(self._first, len(ranking.order) - 1))
        self._bring_into_sight()
        self.redraw()
        self._on_rank(ranking)

    def neighbor(self, by: int) -> Neuron | None:
        """The neuron `by` places further down; the first if the selected one is not listed."""
        if self._selection is None or self._ranking is None or not self._ranking.order:
            return None
        order = self._ranking.order
        place = self._ranking.place((self._selection.layer, self._selection.unit))
        return order[0 if place is None else max(0, min(place + by, len(order) - 1))]

    # -- actions ---------------------------------------------------------------------------------------------

    def action_sort(self) -> None:
        """Switch to the next available sort order."""
        ranking = self._ranking
        if ranking is not None:
            sorts: list[Sort] = [sort for sort in SORTS if sort != "feature" or self._labels]
            at = sorts.index(ranking.sort) if ranking.sort in sorts else -1
            self._sort_by(ranking.sort if ranking.title else sorts[(at + 1) % len(sorts)])

    def action_filter(self) -> None:
        ranking = self._ranking
        if ranking is None:
            return

        def accept(answer: str) -> str | None:
            if self._ranking is not None:
                self._rank(replace(self._ranking, filter=answer.strip()))
            return None

        hint = "in id, label or note   * starred   empty: all   Enter   Esc"
        self._scope.prompt(Question("filter", ranking.filter, hint, accept))

    def action_star(self) -> None:
        if self._selection is not None and self._ranking is not None:
            neuron = (self._selection.layer, self._selection.unit)
            is_starred = neuron not in self._ranking.notes.starred
            self._annotate(lambda notes: notes.with_star(neuron, is_starred=is_starred))

    def action_note(self) -> None:
        selection, ranking = self._selection, self._ranking
        if selection is None or ranking is None:
            return
        neuron = (selection.layer, selection.unit)

        def accept(answer: str) -> str | None:
            self._annotate(lambda notes: notes.with_note(neuron, answer.strip()))
            return None

        before = ranking.notes.notes.get(neuron, "")
        hint = "saved next to the model   Enter   Esc"
        self._scope.prompt(Question(f"note on {selection.neuron}", before, hint, accept))

    def _annotate(self, change: Callable[[Notes], Notes]) -> None:
        """Change the notes in the table and in their file."""
        if self._ranking is not None:
            notes = self._file.edit(self._ranking.notes, change)
            self._rank(replace(self._ranking, notes=notes.of_network(self._ranking.architecture)))

    @property
    def starred(self) -> frozenset[Neuron]:
        """The neurons that are starred."""
        return frozenset() if self._ranking is None else self._ranking.notes.starred

    # -- title -----------------------------------------------------------------------------------------------

    def subject(self) -> str:
        ranking = self._ranking
        if ranking is None:
            return ""
        if ranking.filter:
            what = "starred" if ranking.filter == "*" else f"“{ranking.filter}”"
            return f"{what}, {len(ranking.order)}"
        return ranking.title or SORTS[ranking.sort]

    def legend(self) -> list[Segment]:
        ranking = self._ranking
        if ranking is None or self.size.width < 40:
            return []
        source = ranking.source if ranking.numbers is None else "on this page"
        return [Segment(source, self.palette.ink("dim"))]

    # -- rows ------------------------------------------------------------------------------------------------

    def mark(self, row: int) -> Segment | None:
        neuron = self._neuron_at(row)
        if neuron is None or self._selection is None or self._ranking is None:
            return None
        if neuron == (self._selection.layer, self._selection.unit):
            return Segment("▸", self.palette.ink("strong", on="select"))
        notes = self._ranking.notes
        sign = "★" if neuron in notes.starred else "”" if neuron in notes.notes else ""
        return Segment(sign, self.palette.ink("dim")) if sign else None

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        selection, ranking = self._selection, self._ranking
        if selection is None or ranking is None:
            waiting = Segment("loading… (reading the first page)"[:width], self.palette.ink("dim"))
            return [waiting] if row == height // 2 else []
        shown = self._shown(selection, width)
        if row == 0:
            return self._head(selection, ranking, shown, width)
        neuron = self._neuron_at(row)
        if neuron is None:
            empty = "no neuron matches the filter"[:width]
            return [Segment(empty, self.palette.ink("dim"))] if row == 1 and not ranking.order else []
        return self._row(selection, ranking, shown, neuron, width)

    def _shown(self, selection: Selection, width: int) -> Window:
        """The characters around the cursor, above the bars."""
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
        """Cells of the score and of the visible measures."""
        return _SCORE + (_MEASURE * len(_MEASURES) if width >= _ROOMY else 0)

    def _measures(self, selection: Selection, neuron: Neuron, width: int) -> str:
        """The saturation and selectivity of a neuron on the page; empty in a narrow table."""
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
        lead = "best feature" if ranking.labels or ranking.notes.notes else ""
        lead = lead if len(lead) <= names else "label"[:names]
        last: str = "AUC or ρ" if ranking.numbers is None else ranking.sort
        heads = "".join(f"{head:>{_MEASURE}}" for head, _ in _MEASURES) if width >= _ROOMY else ""
        last = last if len(last) < names + _SCORE - len(lead) else ""
        return [
            Segment(" " * (self._id_width + _GAP), self.fill),
            *text_row(self.palette, shown, selection.cursor),
            Segment(heads + " " * _GAP + lead, dim),
            Segment(f"{last:>{max(0, names + _SCORE - len(lead))}}", dim),
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
        label, note = ranking.labels.get(neuron), ranking.notes.notes.get(neuron, "")
        names = self._name_width(shown, width)
        is_negative = label is not None and label.is_negative and not note
        lead = "¬"[:names] if is_negative else ""
        text = note or (label.feature if label is not None else "")
        number = ranking.number(neuron)
        sign = label.metric if label is not None and number is None and label.metric == "ρ" else ""
        room = max(0, names - len(lead) - len(sign))
        text = text if len(text) <= room else text[: max(0, room - 1)] + "…"
        score = f"{number:.2f}" if number is not None else f"{label.score:.2f}" if label is not None else ""
        return [
            name,
            gap,
            *self._spark(selection, shown, neuron, fill),
            Segment(self._measures(selection, neuron, width), ink("dim")),
            gap,
            Segment(lead, ink("mute")),
            Segment(f"{text:<{names - len(lead)}}", ink("strong" if is_chosen else "text", bold=is_chosen)),
            Segment(f"{f'{sign} {score}':>{_SCORE}}", ink("strong" if is_chosen else "dim", bold=is_chosen)),
            Segment(" " if is_chosen else "", ink("text")),
        ]

    def _spark(self, selection: Selection, shown: Window, neuron: Neuron, fill: str) -> list[Segment]:
        """The neuron's values under the characters, with the crosshair at the cursor."""
        quantity = selection.quantity if selection.is_gate else "hidden"
        raw = selection.trace[f"{neuron[0]}/{quantity}"][shown.characters, neuron[1]]
        values = raw[shown.indices - shown.first]
        points, keys = bars.gate_rows(values) if selection.is_gate else bars.signed_rows(values, 1)
        keys = bars.with_crosshair(keys, shown.cursor) if points.ndim == 2 else keys
        return coded_segments(points[0], keys[0], bars.styles(self.palette, fill))

    # -- positions -------------------------------------------------------------------------------------------

    @property
    def _listed(self) -> int:
        """The number of visible neurons."""
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
        """Scroll to a first row. Returns True if it changed."""
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
            self._scope.select_neuron(*neuron)
        elif index is not None and row >= 0:
            self._scope.select(cursor=index)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._begin_at(self._first - _WHEEL_ROWS)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._begin_at(self._first + _WHEEL_ROWS)
        event.stop()
