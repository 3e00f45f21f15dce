"""All neurons of a layer along the passage: rows are neurons, columns characters, two neurons a cell.

           I am a gentleman of Ve[r]ona      ▀ has the upper neuron's colour, its ground the lower one's
    105    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀      the upper neuron of each row has its number
     97    ▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀      the selected one is bold, and always in sight

Rows are ordered from slow to fast by the hidden values, and keep their places while a network learns: the
order is made anew for another layer or passage, on request, and when the number of steps has doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events

from rnnscope.app.columns import Window, text_row, window
from rnnscope.app.messages import CursorMoved, NeuronChosen
from rnnscope.app.palette import STEPS, ZERO, Palette, Theme, signed_steps, unit_steps
from rnnscope.app.runs import coded_segments
from rnnscope.app.slowness import slowest_first
from rnnscope.app.view import View
from rnnscope.app.widgets.panel import PADDING, ViewPanel
from rnnscope.tracing.trace import Trace


@dataclass(frozen=True, eq=False)
class Order:
    """Units from slow to fast, and what they were ordered for."""

    units: NDArray[np.intp]
    layer: int
    trace: Trace

    def holds_for(self, trace: Trace, layer: int) -> bool:
        """Whether these are the same neurons on the same text, less than twice as many steps later."""
        return (
            layer == self.layer
            and trace.architecture == self.trace.architecture
            and self.trace.step <= trace.step < 2 * max(self.trace.step, 1)
            and np.array_equal(trace.ids, self.trace.ids)
        )


@dataclass(frozen=True, eq=False)
class Picture:
    """The drawn panel, and what stands where."""

    rows: list[list[Segment]]
    window: Window
    ids_width: int


class HeatMap(ViewPanel):
    """Every neuron of the chosen layer: hidden values, or the chosen quantity where that is a gate."""

    heading: ClassVar[str] = "neurons"
    roomy_above: ClassVar[int] = 1_000

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._view: View | None = None
        self._order: Order | None = None
        self._first = 0
        """The place in the order of the topmost neuron; a multiple of the neurons a row has."""
        self._picture: Picture | None = None
        self._painted_for: tuple[object, ...] = ()
        self._pointed: tuple[int, int] | None = None
        """The unit and character under the mouse."""

    # -- what the screen calls ---------------------------------------------------------------------------

    def show(self, view: View) -> None:
        """Draw this view, scrolled so that its neuron is in sight."""
        before, order_before = self._view, self._order
        self._view = view
        reordered = self._order_for(view) is not order_before
        if before is None or reordered or (before.layer, before.unit) != (view.layer, view.unit):
            self._bring_into_sight()
        self.redraw()

    def sort(self) -> None:
        """Order the neurons anew by the values at hand."""
        self._order = None
        if self._view is not None:
            self._order_for(self._view)
            self._bring_into_sight()
            self.redraw()

    def neighbour(self, by: int) -> int | None:
        """The unit that many places further down the order than the selected one; None without a view."""
        if self._view is None:
            return None
        units = self._order_for(self._view).units
        place = int(np.flatnonzero(units == self._view.unit)[0])
        return int(units[max(0, min(place + by, len(units) - 1))])

    # -- title -------------------------------------------------------------------------------------------

    @property
    def quantity(self) -> str:
        """What is shown of every neuron."""
        return self._view.quantity if self._view is not None and self._view.is_gate else "hidden"

    def subject(self) -> str:
        if self._view is None:
            return ""
        if self._pointed is not None:
            unit, index = self._pointed
            value = float(self._view.trace.shown(self._view.layer, self.quantity)[index, unit])
            told = f"{value:.2f}" if self._view.is_gate else f"{value:+.2f}".replace("-", "−")
            return f"{self.quantity} of {self._view.layer}/{unit} here: {told}"
        total = self._view.trace.architecture.hidden_size
        shown = min(self._per_row * max(0, self.body_height - 1), total - self._first)
        return f"{self.quantity}, slowest first, {shown} of {total}"

    # -- drawing -----------------------------------------------------------------------------------------

    @property
    def _per_row(self) -> int:
        """Neurons a row of cells: two half blocks, or one sign where there is no colour."""
        return 1 if self.palette.depth == "none" else 2

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        if self._view is None:
            waiting = Segment("waiting for the first look inside"[:width], self.palette.ink("dim"))
            return [waiting] if row == height // 2 else []
        key = (self._view, width, height, self.palette, self._first)
        if self._picture is None or key != self._painted_for:
            self._picture = self._draw_picture(self._view, width, height)
            self._painted_for = key
        return self._picture.rows[row] if row < len(self._picture.rows) else []

    def _draw_picture(self, view: View, width: int, height: int) -> Picture:
        palette, per_row = self.palette, self._per_row
        ids_width = max(4, len(str(view.trace.architecture.hidden_size - 1)) + 1)
        shown = window(view.trace, view.cursor, max(1, width - ids_width))
        units = self._order_for(view).units[self._first : self._first + per_row * max(0, height - 1)]
        values = view.trace.shown(view.layer, self.quantity)[shown.indices][:, units].T
        steps = unit_steps(values) if view.is_gate else signed_steps(values)
        if len(steps) % per_row:  # the last row has nothing below
            steps = np.concatenate([steps, np.full((1, steps.shape[1]), 0 if view.is_gate else ZERO)])
        rows = [[Segment(" " * ids_width, self.fill), *text_row(palette, shown, view.cursor)]]
        for row in range(len(steps) // per_row):
            names = units[row * per_row : (row + 1) * per_row].tolist()
            selected = view.unit in names
            name = view.unit if selected else names[0]
            style = palette.ink("strong" if selected else "mute", bold=selected)
            cells = steps[row * per_row : (row + 1) * per_row]
            rows.append([Segment(f"{name:>{ids_width - 1}} ", style), *_cells(palette, cells, view.is_gate)])
        return Picture(rows, shown, ids_width)

    # -- order and scrolling -----------------------------------------------------------------------------

    def _order_for(self, view: View) -> Order:
        if self._order is None or not self._order.holds_for(view.trace, view.layer):
            hidden = view.trace.shown(view.layer, "hidden")
            self._order = Order(slowest_first(hidden), view.layer, view.trace)
        return self._order

    def _bring_into_sight(self) -> None:
        if self._view is None or self.body_height < 2:
            return
        place = int(np.flatnonzero(self._order_for(self._view).units == self._view.unit)[0])
        seen = self._per_row * (self.body_height - 1)
        if place < self._first:
            self._begin_at(place)
        elif place >= self._first + seen:
            self._begin_at(place - seen + self._per_row)

    def _begin_at(self, first: int) -> None:
        if self._view is None:
            return
        total, per_row = self._view.trace.architecture.hidden_size, self._per_row
        seen = per_row * max(1, self.body_height - 1)
        last = -(-max(0, total - seen) // per_row) * per_row
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
        """The unit and the character at the mouse, where there is one."""
        if self._view is None or self._picture is None:
            return None, None
        row = event.y - self.body_top
        column = event.x - PADDING - self._picture.ids_width
        place = self._first + (row - 1) * self._per_row
        units = self._order_for(self._view).units
        unit = int(units[place]) if 1 <= row < len(self._picture.rows) and place < len(units) else None
        if unit is not None and self._view.unit in units[place : place + self._per_row]:
            unit = self._view.unit
        return unit, self._picture.window.at(column) if 0 <= row < len(self._picture.rows) else None

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
        self._begin_at(self._first - 2 * self._per_row)
        event.stop()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._begin_at(self._first + 2 * self._per_row)
        event.stop()

    def _choose(self, unit: int | None, index: int | None) -> None:
        if unit is not None and self._view is not None and unit != self._view.unit:
            self.post_message(NeuronChosen(self._view.layer, unit))
        if index is not None and self._view is not None and index != self._view.cursor:
            self.post_message(CursorMoved(index))

    def _point_at(self, pointed: tuple[int, int] | None) -> None:
        if pointed != self._pointed:
            self._pointed = pointed
            self.redraw([-self.body_top])


def _cells(palette: Palette, steps: NDArray[np.intp], gates: bool) -> list[Segment]:
    """One row of cells from the (neurons a row, C) steps of its neurons."""
    if palette.depth == "none":
        points = _signs(gates)[steps[0]]
        return coded_segments(points, np.zeros(len(points), dtype=np.intp), (palette.ink("text"),))
    keys = steps[0] * STEPS + steps[1]
    points = np.full(len(keys), ord("▀"), dtype=np.uint32)
    return coded_segments(points, keys, _pairs(palette, gates))


@lru_cache(maxsize=16)
def _pairs(palette: Palette, gates: bool) -> tuple[Style, ...]:
    """33 × 33 styles: the upper step's colour on the lower step's."""
    if palette.depth == "16":
        colors = _sixteen(palette.theme, gates)
    else:
        colors = palette.gate_colors if gates else palette.diverging_colors
    return tuple(Style(color=upper, bgcolor=lower) for upper in colors for lower in colors)


def _sixteen(theme: Theme, gates: bool) -> tuple[Color, ...]:
    """The ground below a quarter, then a colour near it, then one far from it."""
    nothing = "black" if theme == "dark" else "bright_white"
    positive = ("green", "bright_green") if gates else ("blue", "bright_cyan")
    negative = ("yellow", "bright_yellow")
    if theme == "light":
        positive, negative = positive[::-1], negative[::-1]
    scale = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        low, high = positive if strength >= 0 else negative
        scale.append(nothing if abs(strength) < 0.25 else low if abs(strength) < 0.6 else high)
    return tuple(Color.parse(name) for name in scale)


@lru_cache(maxsize=2)
def _signs(gates: bool) -> NDArray[np.uint32]:
    """A character for each step: `·`, then `+ #`, and `- =` for what is negative."""
    signs = []
    for step in range(STEPS):
        strength = step / (STEPS - 1) if gates else (step - ZERO) / ZERO
        weak, strong = ("+", "#") if strength >= 0 else ("-", "=")
        signs.append("·" if abs(strength) < 0.25 else weak if abs(strength) < 0.6 else strong)
    return np.array([ord(sign) for sign in signs], dtype=np.uint32)
