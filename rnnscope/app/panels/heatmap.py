"""All neurons of a layer along the passage: rows are neurons, columns characters, two neurons per cell.

           I am a gentleman of Ve[r]ona      ▀ foreground: upper neuron, background: lower neuron
    105    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀      labels are the index of the upper neuron
     97    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀      the selected neuron is bold, and always visible

The row orders are those of ordering.py. During training the order is kept, and computed again for another
layer or passage, on request, and when the number of steps has doubled. When zoomed out, a cell is the mean of
several characters and neurons. The map can show a few factors instead of neurons: then a row is a factor, and
its bars are the factor's strength.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events

from rnnscope.analysis.factors import Factorization
from rnnscope.app import bars, half_blocks
from rnnscope.app.actions import Action
from rnnscope.app.columns import Distance, Window, distance, ruler, text_row, window
from rnnscope.app.ordering import KINDS, Kind, Order
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.ranking import Ranking
from rnnscope.app.scope import Scope
from rnnscope.selection import Selection
from rnnscope.theme.palette import ZERO, signed_steps, unit_steps
from rnnscope.theme.segments import coded_segments

FARTHEST = 64
"""The most characters that a column stands for."""
_NAMED = 4
"""How many neurons of a factor are named."""
_ROOMY = 90
"""Columns from which every factor's are."""


@dataclass(frozen=True, eq=False)
class Picture:
    """The drawn panel, and what stands where."""

    rows: list[list[Segment]]
    window: Window | Distance
    ids_width: int
    names_factors: bool = False
    """Whether the strongest neurons of every factor are named next to it."""


class HeatMap(Panel):
    """Every neuron of the chosen layer: hidden values, or the chosen quantity where that is a gate."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "order",
            ("y",),
            "Heat map: next row order (slowest, clustered, index, table)",
            "navigation",
            "order",
            synonyms="sort cluster similar",
        ),
        Action(
            "map_zoom_in",
            ("plus", "equals_sign"),
            "Heat map: zoom in",
            "navigation",
            "scale",
            synonyms="nearer",
        ),
        Action("map_zoom_out", ("minus",), "Heat map: zoom out", "navigation", "scale", synonyms="farther"),
    )
    roomy_above: ClassVar[int] = 1_000

    def __init__(
        self,
        scope: Scope,
        *,
        heading: str = "neurons",
        orders: Sequence[Kind] = ("slowest", "similar", "index"),
        on_factor: Callable[[int], object] = lambda factor: None,
        id: str,
    ) -> None:
        """orders: the orders that the rows can have. on_factor: called with a factor that is clicked."""
        super().__init__(id=id)
        self.heading = heading
        self._scope = scope
        self._key: str = id
        self._orders = tuple(orders)
        self._on_factor = on_factor
        self._selection: Selection | None = None
        self._kind: Kind = "slowest"
        self._order: Order | None = None
        self._table: dict[int, NDArray[np.intp]] = {}
        """The units of each layer in the table's order."""
        self._scale = 1
        """Characters a column."""
        self._factors: Factorization | None = None
        self._factor = 0
        """The chosen factor."""
        self._first = 0
        """The place in the order of the topmost neuron; a multiple of the neurons a row has."""
        self._picture: Picture | None = None
        self._painted_for: tuple[object, ...] = ()
        self._pointed: tuple[int, int] | None = None
        """The unit and character under the mouse."""

    # -- what the screen calls ---------------------------------------------------------------------------

    def show(self, selection: Selection) -> None:
        """Draw this selection, scrolled so that its neuron is in sight."""
        before, order_before = self._selection, self._order
        self._selection = selection
        reordered = self._order_for(selection) is not order_before
        if before is None or reordered or (before.layer, before.unit) != (selection.layer, selection.unit):
            self._bring_into_sight()
        self.redraw()

    @property
    def kind(self) -> Kind:
        """The order of the rows."""
        return self._kind

    def order_by(self, kind: Kind) -> None:
        """Show the rows in another order, computed from the current trace."""
        self._kind, self._order = kind, None
        self._arrange()

    def rank(self, ranking: Ranking) -> None:
        """Give the order `table` that of the table; neurons that its filter leaves out come last."""
        units = np.arange(ranking.architecture.hidden_size)
        for layer in range(1, ranking.architecture.layers + 1):
            ranked = np.array([unit for at, unit in ranking.order if at == layer], np.intp)
            self._table[layer] = np.concatenate([ranked, np.setdiff1d(units, ranked)])
        if self._kind == "table":
            self._order = None
            self._arrange()

    def show_factors(self, factors: Factorization | None, chosen: int = 0) -> None:
        """Factors of the selection's layer along its passage in place of the neurons; None: neurons again."""
        if (self._factors is None) != (factors is None):
            self._first = 0
        self._factors, self._factor = factors, chosen
        self._painted_for = ()
        self._bring_into_sight()
        self.redraw()

    def neighbor(self, by: int) -> int | None:
        """The unit that many places further down the order than the selected one; None at first."""
        if self._selection is None:
            return None
        units = self._order_for(self._selection).units
        place = int(np.flatnonzero(units == self._selection.unit)[0])
        return int(units[max(0, min(place + by, len(units) - 1))])

    def step(self, by: int) -> None:
        """Select the neuron `by` rows further down."""
        unit = self.neighbor(by)
        if unit is not None and self._selection is not None:
            self._scope.select_neuron(self._selection.layer, unit)

    def action_order(self) -> None:
        """The rows in the next order; where the heat map is not in sight, it is shown."""
        if self.display:
            self.order_by(self._orders[(self._orders.index(self._kind) + 1) % len(self._orders)])
        else:
            self._scope.show_panel(self._key, focus=True)

    def action_map_zoom_in(self) -> None:
        self._scope.show_panel(self._key)
        self._zoom(-1)

    def action_map_zoom_out(self) -> None:
        self._scope.show_panel(self._key)
        self._zoom(+1)

    def _zoom(self, by: int) -> None:
        """Twice or half as many characters per column."""
        scale = self._scale * 2 if by > 0 else self._scale // 2
        self._scale = max(1, min(scale, FARTHEST))
        self._begin_at(self._first)
        self._bring_into_sight()
        self.redraw()

    # -- title -------------------------------------------------------------------------------------------

    @property
    def quantity(self) -> str:
        """The quantity that is shown of every neuron."""
        return (
            self._selection.quantity if self._selection is not None and self._selection.is_gate else "hidden"
        )

    def subject(self) -> str:
        selection = self._selection
        if selection is None:
            return ""
        if self._factors is not None:
            names = ", ".join(map(str, self._factors.strongest(self._factor, _NAMED).tolist()))
            return f"factor {self._factor + 1} of {self._total} of layer {selection.layer}: {names}"
        if self._pointed is not None:
            unit, index = self._pointed
            value = float(selection.trace.shown(selection.layer, self.quantity)[index, unit])
            text = f"{value:.2f}" if selection.is_gate else f"{value:+.2f}".replace("-", "−")
            return f"{self.quantity} of {selection.layer}/{unit} here: {text}"
        shown = min(self._per_row * max(0, self.body_height - 1), self._total - self._first)
        far = f"{self._scale} characters per column, " if self._scale > 1 else ""
        return f"{self.quantity}, {KINDS[self._kind]}, {far}{shown} of {self._total}"

    # -- drawing -----------------------------------------------------------------------------------------

    @property
    def _total(self) -> int:
        """How many neurons, or factors, there are."""
        if self._factors is not None:
            return len(self._factors.units)
        return 0 if self._selection is None else self._selection.trace.architecture.hidden_size

    @property
    def _fold(self) -> int:
        """Neurons that one value stands for: no more than it takes to have all in sight."""
        fold, rows = 1, half_blocks.per_cell(self.palette) * max(1, self.body_height - 1)
        while fold < self._scale and fold * rows < self._total:
            fold *= 2
        return fold

    @property
    def _per_row(self) -> int:
        """Neurons a row of cells: two half blocks, or one sign where there is no color; a single factor."""
        return 1 if self._factors is not None else half_blocks.per_cell(self.palette) * self._fold

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        if self._selection is None:
            waiting = Segment("loading… (reading the first page)"[:width], self.palette.ink("dim"))
            return [waiting] if row == height // 2 else []
        key = (self._selection, width, height, self.palette, self._first, self._scale, self._factor)
        if self._picture is None or key != self._painted_for:
            self._picture = self._draw_picture(self._selection, width, height)
            self._painted_for = key
        return self._picture.rows[row] if row < len(self._picture.rows) else []

    def _draw_picture(self, selection: Selection, width: int, height: int) -> Picture:
        ids_width = max(4, len(str(selection.trace.architecture.hidden_size - 1)) + 1)
        if names_factors := self._factors is not None and width >= _ROOMY:
            ids_width = _NAMED * ids_width + 5
        room = max(1, width - ids_width)
        gutter = Segment(" " * ids_width, self.fill)
        if self._scale == 1:
            near = window(selection.trace, selection.cursor, room)
            picture = Picture(
                [[gutter, *text_row(self.palette, near, selection.cursor)]], near, ids_width, names_factors
            )
        else:
            far = distance(len(selection.trace), selection.cursor, room, self._scale)
            picture = Picture([[gutter, *ruler(self.palette, far)]], far, ids_width, names_factors)
        rows = self._factor_rows if self._factors is not None else self._neuron_rows
        picture.rows.extend(rows(selection, picture, max(0, height - 1)))
        return picture

    def _neuron_rows(self, selection: Selection, picture: Picture, height: int) -> list[list[Segment]]:
        units = self._order_for(selection).units[self._first : self._first + self._per_row * height]
        values = _columns(selection.trace.shown(selection.layer, self.quantity), picture.window)[:, units].T
        fold, per_cell = self._fold, half_blocks.per_cell(self.palette)
        if fold > 1:
            values = _means(values, fold)
        steps = unit_steps(values) if selection.is_gate else signed_steps(values)
        if len(steps) % per_cell:  # the last row has nothing below
            steps = np.concatenate([steps, np.full((1, steps.shape[1]), 0 if selection.is_gate else ZERO)])
        rows = []
        for row in range(len(steps) // per_cell):
            names = units[row * self._per_row : (row + 1) * self._per_row].tolist()
            selected = selection.unit in names
            drawn = half_blocks.cells(
                self.palette, steps[row * per_cell : (row + 1) * per_cell], gates=selection.is_gate
            )
            rows.append([self._numbered(selection.unit if selected else names[0], selected, picture), *drawn])
        return rows

    def _factor_rows(self, selection: Selection, picture: Picture, height: int) -> list[list[Segment]]:
        assert self._factors is not None
        along = self._factors.along[:, self._first : self._first + height]
        styles = bars.styles(self.palette)
        rows = []
        for row, values in enumerate(_most(along, picture.window).T):
            points, keys = bars.gate_rows(values)
            number = self._first + row
            name = self._numbered(number + 1, number == self._factor, picture)
            if picture.names_factors:
                units = " ".join(map(str, self._factors.strongest(number, _NAMED).tolist()))
                name = Segment(f"{number + 1:>3}  {units:<{picture.ids_width - 5}}", name.style)
            rows.append([name, *coded_segments(points[0], keys[0], styles)])
        return rows

    def _numbered(self, number: int, selected: bool, picture: Picture) -> Segment:
        style = self.palette.ink("strong" if selected else "mute", bold=selected)
        return Segment(f"{number:>{picture.ids_width - 1}} ", style)

    # -- order and scrolling -----------------------------------------------------------------------------

    def _order_for(self, selection: Selection) -> Order:
        if self._order is None or not self._order.holds_for(self._kind, selection.trace, selection.layer):
            order = Order.of(self._kind, selection.trace, selection.layer)
            if self._kind == "table" and selection.layer in self._table:
                order = Order(self._table[selection.layer], "table", selection.layer, selection.trace)
            self._order = order
        return self._order

    def _arrange(self) -> None:
        if self._selection is not None:
            self._painted_for = ()
            self._order_for(self._selection)
            self._bring_into_sight()
            self.redraw()

    def _bring_into_sight(self) -> None:
        if self._selection is None or self.body_height < 2:
            return
        if self._factors is not None:
            place = self._factor
        else:
            place = int(np.flatnonzero(self._order_for(self._selection).units == self._selection.unit)[0])
        seen = self._per_row * (self.body_height - 1)
        if place < self._first:
            self._begin_at(place)
        elif place >= self._first + seen:
            self._begin_at(place - seen + self._per_row)

    def _begin_at(self, first: int) -> None:
        if self._selection is None:
            return
        per_row = self._per_row
        seen = per_row * max(1, self.body_height - 1)
        last = -(-max(0, self._total - seen) // per_row) * per_row
        first = max(0, min(first // per_row * per_row, last))
        if first != self._first:
            self._first = first
            self.redraw()

    def on_resize(self, event: events.Resize) -> None:
        super().on_resize(event)
        self._begin_at(self._first)
        self._bring_into_sight()

    # -- the mouse ---------------------------------------------------------------------------------------

    def _under(self, event: events.MouseEvent) -> tuple[int | None, int | None]:
        """The unit or factor and the character at the mouse; None outside the map."""
        if self._selection is None or self._picture is None:
            return None, None
        row = event.y - self.body_top
        column = event.x - PADDING - self._picture.ids_width
        if not 0 <= row < len(self._picture.rows):
            return None, None
        index = self._picture.window.at(column)
        place = self._first + (row - 1) * self._per_row
        if row == 0 or place >= self._total:
            return None, index
        if self._factors is not None:
            return place, index
        units = self._order_for(self._selection).units[place : place + self._per_row]
        return int(self._selection.unit if self._selection.unit in units else units[0]), index

    def on_mouse_move(self, event: events.MouseMove) -> None:
        unit, index = self._under(event)
        self._point_at((unit, index) if unit is not None and index is not None else None)
        if event.button == 1:
            self._choose(unit, index)

    def on_leave(self, event: events.Leave) -> None:
        self._point_at(None)

    def on_click(self, event: events.Click) -> None:
        self._choose(*self._under(event))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._turn_wheel(-1, event)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._turn_wheel(+1, event)

    def _turn_wheel(self, by: int, event: events.MouseEvent) -> None:
        event.stop()
        if event.ctrl:
            self._zoom(by)
        else:
            self._begin_at(self._first + 2 * by * self._per_row)

    def _choose(self, row: int | None, index: int | None) -> None:
        if self._selection is None:
            return
        if row is not None and self._factors is not None:
            self._on_factor(row)
        elif row is not None and row != self._selection.unit:
            self._scope.select_neuron(self._selection.layer, row)
        if index is not None and index != self._selection.cursor:
            self._scope.select(cursor=index)

    def _point_at(self, pointed: tuple[int, int] | None) -> None:
        if pointed != self._pointed:
            self._pointed = pointed
            self.redraw(range(-self.body_top, 0))


def _columns(values: NDArray[np.float32], shown: Window | Distance) -> NDArray[np.float32]:
    """(C, n) of the values (T, n) what each column shows: a character's, or the mean of several."""
    if isinstance(shown, Window):
        return values[shown.indices]
    return _means(values[shown.first : shown.first + shown.columns * shown.scale], shown.scale)


def _means(values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """The means of every `count` rows; those of the last may be fewer."""
    starts = np.arange(0, len(values), count)
    sizes = np.diff(starts, append=len(values)).astype(np.float32)
    return (np.add.reduceat(values, starts) / sizes[:, None]).astype(np.float32)


def _most(values: NDArray[np.float32], shown: Window | Distance) -> NDArray[np.float32]:
    """As `_columns`, the greatest of several: a factor that is rare is seen from afar too."""
    if isinstance(shown, Window):
        return values[shown.indices]
    part = values[shown.first : shown.first + shown.columns * shown.scale]
    most: NDArray[np.float32] = np.maximum.reduceat(part, np.arange(0, len(part), shown.scale))
    return most
