"""The table of neurons: the values of each around the cursor, the feature it detects, and its score.

    ▎ neurons  best of each feature           held-out half
    ▎        of Ve[r]ona  feature · quantity       AUC or ρ
    ▎▸ 1/41  ▀▀▀▀▀▀▀▀▀▀▀  quotes · cell −              0.97
    ▎  1/97  ▀▀▀▀▀▀▀▀▀▀▀  column · cell +            ρ 0.91

The values are of the quantity that detects the feature, or of the one that the user has chosen. − marks a
quantity that is low where the feature holds, ★ a starred neuron, ” a neuron with a note. Wide tables have two
more columns, the saturation and selectivity of each neuron on the page; see ranking.py. A narrow table leaves
out the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from textual import events

from rnnscope.analysis.names import NamesResult
from rnnscope.app import bars
from rnnscope.app.actions import Action
from rnnscope.app.columns import Window, text_row, window
from rnnscope.app.notes import Notes, NotesFile
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.question import Question
from rnnscope.app.ranking import SORTS, Ranking, Sort, numbers
from rnnscope.app.scope import Neuron, Scope
from rnnscope.network.architecture import Architecture
from rnnscope.selection import DEFAULT_QUANTITY, Label, Selection
from rnnscope.theme.segments import coded_segments
from rnnscope.tracing.trace import Trace, is_gate

_GAP = 2
_SCORE = 6
"""Cells of a score and its sign."""
_NAME, _LEAST_NAME = 24, 16
"""Cells of a label such as `square brackets · cell −`, and of the shortest column of labels beside values."""
_LEAST_SPARK, _SPARK, _WIDE_SPARK = 5, 12, 24
_LEAST_FEATURE = 5
"""The fewest cells to which a feature's name is shortened."""
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
            "Filter neurons by id, feature or note; a feature ranks them by their scores for it",
            "navigation",
            "filter",
            90,
            "limit starred search feature",
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
        self._key = id or "neurons"
        self._file = notes
        self._on_rank = on_rank
        self._selection: Selection | None = None
        self._ranking: Ranking | None = None
        self._first = 0
        self._window: tuple[object, Window] | None = None
        self._measured: tuple[Trace, tuple[NDArray[np.float64], ...]] | None = None
        """The measures of all neurons, and the page that they are of."""

    # -- called by the screen --------------------------------------------------------------------------------

    def use_notes(self, notes: NotesFile) -> None:
        """Use another file of stars and notes, from the next `open` on."""
        self._file = notes

    def open(self, architecture: Architecture) -> None:
        """List the neurons of a network, with the saved notes."""
        notes = self._file.load().of_network(architecture)
        self._rank(Ranking(architecture, sort="activity", notes=notes))

    def show(self, selection: Selection) -> None:
        before, self._selection = self._selection, selection
        if before is not None and before.trace is selection.trace and before.cursor == selection.cursor:
            is_same_neuron = (before.layer, before.unit) == (selection.layer, selection.unit)
            is_same_quantity = _kept_quantity(before) == _kept_quantity(selection)
            if is_same_neuron and is_same_quantity:
                return
            moved = self._bring_into_sight()
            if not moved and is_same_quantity:
                self.redraw(self._rows_of(before) | self._rows_of(selection))
                return
        else:
            self._bring_into_sight()
        self.redraw()

    def sort_by_page(self) -> None:
        """Sort again if the order depends on the page."""
        if self._ranking is not None and self._ranking.sort in ("activity", "saturation", "selectivity"):
            self._sort_by(self._ranking.sort)

    def set_names(self, names: NamesResult) -> None:
        """Show what each neuron detects; sort by it unless another order was chosen."""
        ranking = self._ranking
        if ranking is not None:
            sort: Sort = "feature" if ranking.sort == "activity" and ranking.names is None else ranking.sort
            by_page = ranking.numbers if sort == ranking.sort else None
            self._rank(replace(ranking, names=names, sort=sort, numbers=by_page))

    def rank_by(self, title: str, results: Mapping[Neuron, Label]) -> None:
        """Show the neurons in the order of a search's results."""
        if self._ranking is not None:
            self._rank(
                replace(self._ranking, sort="feature", numbers=None, results=results, title=title, filter="")
            )

    @property
    def ranking(self) -> Ranking | None:
        """The current order."""
        return self._ranking

    def label_of(self, neuron: Neuron, quantity: str | None = None) -> Label | None:
        """What the table says that a neuron detects, or else what its name says; in this quantity, or any."""
        ranking = self._ranking
        if ranking is None:
            return None
        label = ranking.labels.get(neuron) or replace(ranking, filter="", results={}).labels.get(neuron)
        return label if label is not None and quantity in (None, label.quantity) else None

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
            self._rank(replace(ranking, filter="", is_sorted=False))
        else:
            self._sort_by("feature" if ranking.names is not None else "activity")
        return True

    def _sort_by(self, sort: Sort) -> None:
        """Sort the neurons, by their values on the current page if the order depends on it."""
        if self._ranking is not None:
            values = numbers(self._selection.trace, sort) if self._selection is not None else None
            self._rank(
                replace(self._ranking, sort=sort, is_sorted=True, numbers=values, results={}, title="")
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
            has_names = ranking.names is not None
            sorts: list[Sort] = [sort for sort in SORTS if sort not in ("feature", "score") or has_names]
            at = sorts.index(ranking.sort) if ranking.sort in sorts else -1
            is_first = ranking.title or (ranking.filtered_features and not ranking.is_sorted)
            self._sort_by(ranking.sort if is_first else sorts[(at + 1) % len(sorts)])
            self._scope.show_panel(self._key)

    def action_filter(self) -> None:
        ranking = self._ranking
        if ranking is None:
            return
        self._scope.show_panel(self._key)

        def change(answer: str, cursor: int) -> None:
            if self._ranking is not None:
                self._rank(replace(self._ranking, filter=answer.strip(), is_sorted=False))

        def accept(answer: str) -> str | None:
            change(answer, 0)
            self._select_first()
            return None

        hint = "id, feature or note   * starred   empty: all   Enter   Esc"
        before = ranking.filter
        self._scope.prompt(
            Question("filter", before, hint, accept, cancel=lambda: change(before, 0), changed=change)
        )

    def _select_first(self) -> None:
        """Select the first neuron of a filter that ranks them, or that leaves out the selected one."""
        ranking, selection = self._ranking, self._selection
        if ranking is None or selection is None or not ranking.filter or not ranking.order:
            return
        if ranking.filtered_features:
            self._scope.select_neuron(*ranking.order[0], keeps_quantity=False)
        elif ranking.place((selection.layer, selection.unit)) is None:
            self._scope.select_neuron(*ranking.order[0])

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
        scored = "held-out half" if ranking.labels else ""
        source = "on this page" if ranking.numbers is not None and not ranking.title else scored
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

    def _shown(self, selection: Selection, width: int) -> Window | None:
        """The characters around the cursor, above the bars; None without bars."""
        cells = self._spark_width(width)
        if not cells:
            return None
        key = (selection.trace, selection.cursor, cells)
        if self._window is None or self._window[0] != key:
            self._window = (key, window(selection.trace, selection.cursor, cells))
        return self._window[1]

    def _spark_width(self, width: int) -> int:
        """Cells of the bars: none where the labels need the room."""
        room = width - self._id_width - 2 * _GAP - self._numbers(width)
        if room - _LEAST_NAME < _LEAST_SPARK:
            return 0
        widest = _WIDE_SPARK if room >= _WIDE_SPARK + _NAME else _SPARK
        return max(_LEAST_SPARK, min(widest, room - _NAME))

    @property
    def _id_width(self) -> int:
        if self._ranking is None:
            return 0
        shape = self._ranking.architecture
        return len(f"{shape.layers}/{shape.hidden_size - 1}")

    def _name_width(self, shown: Window | None, width: int) -> int:
        spark = len(shown.indices) + _GAP if shown is not None else 0
        return max(0, width - self._id_width - _GAP - spark - self._numbers(width))

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

    def _head(
        self, selection: Selection, ranking: Ranking, shown: Window | None, width: int
    ) -> list[Segment]:
        dim = self.palette.ink("dim")
        names = self._name_width(shown, width)
        lead = "feature · quantity" if ranking.labels or ranking.notes.notes else ""
        lead = lead if len(lead) <= names else "feature"[:names]
        last: str = "AUC or ρ" if ranking.numbers is None else ranking.sort
        heads = "".join(f"{head:>{_MEASURE}}" for head, _ in _MEASURES) if width >= _ROOMY else ""
        last = last if len(last) < names + _SCORE - len(lead) else ""
        text = [] if shown is None else text_row(self.palette, shown, selection.cursor)
        return [
            Segment(" " * (self._id_width + _GAP), self.fill),
            *text,
            Segment(heads + (" " * _GAP if text else "") + lead, dim),
            Segment(f"{last:>{max(0, names + _SCORE - len(lead))}}", dim),
        ]

    def _row(
        self, selection: Selection, ranking: Ranking, shown: Window | None, neuron: Neuron, width: int
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
        number = ranking.number(neuron)
        sign = label.metric if label is not None and number is None and label.metric == "ρ" else ""
        names = self._name_width(shown, width)
        room = max(0, names - len(sign))
        text = _cut(note, room) if note or label is None else _fitted(label, room)
        score = f"{number:.2f}" if number is not None else f"{label.score:.2f}" if label is not None else ""
        spark = [] if shown is None else self._spark(selection, shown, neuron, label, fill)
        return [
            name,
            gap,
            *spark,
            Segment(self._measures(selection, neuron, width), ink("dim")),
            *([gap] if spark else []),
            Segment(f"{text:<{names}}", ink("strong" if is_chosen else "text", bold=is_chosen)),
            Segment(f"{f'{sign} {score}':>{_SCORE}}", ink("strong" if is_chosen else "dim", bold=is_chosen)),
            Segment(" " if is_chosen else "", ink("text")),
        ]

    def _spark(
        self, selection: Selection, shown: Window, neuron: Neuron, label: Label | None, fill: str
    ) -> list[Segment]:
        """The neuron's values under the characters, with the crosshair at the cursor."""
        quantity = _kept_quantity(selection) or (label.quantity if label is not None else DEFAULT_QUANTITY)
        quantity = quantity if quantity in selection.trace.quantities else "hidden"
        raw = selection.trace.shown(neuron[0], quantity, neuron[1])[shown.characters]
        values = raw[shown.indices - shown.first]
        points, keys = bars.gate_rows(values) if is_gate(quantity) else bars.signed_rows(values, 1)
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
        index = None if shown is None else shown.at(column)
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


def _kept_quantity(selection: Selection) -> str:
    """The quantity that the user has chosen for all neurons; empty without one."""
    return selection.quantity if selection.keeps_quantity else ""


def _fitted(label: Label, room: int) -> str:
    """A label in `room` cells: with a shorter feature, or without the quantity."""
    ending = f" · {label.signed_quantity}"
    if len(label.name) <= room:
        return label.name
    if room >= len(ending) + _LEAST_FEATURE:
        return _cut(label.feature, room - len(ending)) + ending
    return (
        _cut(label.feature, max(0, room - 2)) + ending[-2:]
        if room > _LEAST_FEATURE
        else _cut(label.feature, room)
    )


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"[:room]
