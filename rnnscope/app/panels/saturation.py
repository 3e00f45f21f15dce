"""Gate saturation: how often each gate is open or shut, one dot per neuron (arXiv 1506.02078, figure 3).

       input       forget
   1   ▏╲          ▏╲          one plot per gate; x is the share of positions at which it is open (above 0.9),
shut   ⡀ ╲         ▏ ╲         y at which it is shut (below 0.1); no dot lies beyond the line x + y = 1
   0   ⠤⡀▁╲        ⠤⡀▁╲        the chosen neuron is ●; a click chooses the nearest
       0  open  1  0  open  1
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual import events

from rnnscope.analysis.saturation import GateSaturation, Saturation, SaturationResult
from rnnscope.app import braille
from rnnscope.app.actions import Action
from rnnscope.app.panels.panel import PADDING, Panel
from rnnscope.app.panels.result import how_much
from rnnscope.app.scope import Scope
from rnnscope.render.text import tick
from rnnscope.selection import Selection

_GAP = 2
_WIDEST = 40
_LABELS = 5
"""Columns of the labels at the left, with a gap."""
_AXIS_ROWS_FROM = 4
"""The least rows that have room for the labels of the axes."""


class SaturationPlot(Panel):
    """The gates of the chosen layer; a click chooses the nearest neuron."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action(
            "saturation",
            ("A",),
            "Gate saturation: fraction of time open / closed, one dot per neuron",
            "analysis",
            synonyms="gates open shut closed scatter",
        ),
    )
    heading = "saturation"

    def __init__(self, scope: Scope, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._scope = scope
        self._selection: Selection | None = None
        self._result: SaturationResult | None = None

    @property
    def result(self) -> SaturationResult | None:
        """What is shown."""
        return self._result

    def action_saturation(self) -> None:
        self._scope.show_panel("saturation", focus=True)
        self._ask()

    def _ask(self) -> None:
        self._scope.ask("saturation", Saturation(characters=self._scope.characters), self._show_result)

    def _show_result(self, result: SaturationResult) -> None:
        self._result = result
        self.redraw()

    def on_show(self) -> None:
        self._ask()

    def ask_again(self) -> None:
        """Run the query again, after a change of the text or of the search scope."""
        self._result = None
        self.redraw()
        if self.display:
            self._ask()

    def show(self, selection: Selection) -> None:
        before, self._selection = self._selection, selection
        if before is None or (before.layer, before.unit) != (selection.layer, selection.unit):
            self.redraw()

    def subject(self) -> str:
        if self._selection is None:
            return ""
        return f"layer {self._selection.layer}, {self._selection.neuron} is ●"

    def legend(self) -> list[Segment]:
        if self._result is None:
            return []
        read = how_much(self._result.positions, self._scope.length)
        return [Segment(read, self.palette.ink("dim"))]

    def body(self, row: int, width: int, height: int) -> list[Segment]:
        gates = self._gates()
        if self._result is None or self._selection is None:
            return [Segment("counting…", self.palette.ink("dim"))] if row == 0 else []
        if not gates:
            return [Segment("this network has no gates", self.palette.ink("dim"))] if row == 0 else []
        cells, rows, ink = self._cells_wide(width), self._plot_rows(height), self.palette.ink
        segments = [self._axis_label(row - 1, rows)] if self._lead(height) else []
        for gate in gates:
            if row == 0:
                segments.append(Segment(f"{self._gate_name(gate, cells):<{cells}}", ink("text")))
            elif row <= rows:
                segments += self._dots(gate, row - 1, cells, rows)
            else:
                segments.append(Segment(_open_axis(cells), ink("mute")))
            segments.append(Segment(" " * _GAP, ink("text")))
        return segments[:-1]

    def _gate_name(self, gate: GateSaturation, cells: int) -> str:
        """A gate, with the shares of the chosen neuron where there is room."""
        assert self._selection is not None
        right, left = gate.right[self._selection.unit], gate.left[self._selection.unit]
        name = f"{gate.gate}  ● open {right:.2f} shut {left:.2f}"
        return name if len(name) <= cells else gate.gate

    def _axis_label(self, row: int, rows: int) -> Segment:
        """The vertical axis, at the left of a row of the plots."""
        labels = {0: tick(1), rows - 1: tick(0), rows // 2: "shut"}
        return Segment(f"{labels.get(row, ''):>{_LABELS - 1}} ", self.palette.ink("mute"))

    def _lead(self, height: int) -> int:
        """Columns of the labels at the left."""
        return _LABELS if height >= _AXIS_ROWS_FROM else 0

    def _plot_rows(self, height: int) -> int:
        """Rows of the plots, between the names and the horizontal axis."""
        return max(1, height - (2 if height >= _AXIS_ROWS_FROM else 1))

    def _gates(self) -> list[GateSaturation]:
        if self._result is None or self._selection is None:
            return []
        return [gate for gate in self._result.gates if gate.layer == self._selection.layer]

    def _cells_wide(self, width: int) -> int:
        count = max(1, len(self._gates()))
        room = width - self._lead(self.body_height)
        return max(4, min(_WIDEST, (room - _GAP * (count - 1)) // count))

    def _dots(self, gate: GateSaturation, row: int, width: int, height: int) -> list[Segment]:
        """One row of cells: dots of all neurons over the line x + y = 1, and the chosen one."""
        assert self._selection is not None
        x, y = _places(gate, width, height)
        dots = np.zeros((braille.DOTS_HIGH * height, braille.DOTS_WIDE * width), np.bool_)
        dots[y, x] = True
        codes = braille.cells(dots)[row].tolist()
        chosen = x[self._selection.unit] // braille.DOTS_WIDE, y[self._selection.unit] // braille.DOTS_HIGH
        edge = round((width - 1) * (row + 0.5) / max(1, height))
        ink = self.palette.ink
        cells = []
        for column, code in enumerate(codes):
            if (column, row) == chosen:
                cells.append(Segment("●", ink("strong", bold=True)))
            elif code:
                cells.append(Segment(chr(braille.BLANK + code), ink("mint")))
            elif column == edge:
                cells.append(Segment("╲", ink("rule")))
            elif column == 0 or row == height - 1:
                cells.append(Segment("▏" if column == 0 else "▁", ink("faint")))
            else:
                cells.append(Segment(" ", ink("text")))
        return cells

    def on_click(self, event: events.Click) -> None:
        """The neuron nearest to the cell that was clicked."""
        width, height = self._cells_wide(self.body_width), self._plot_rows(self.body_height)
        number, column = divmod(event.x - PADDING - self._lead(self.body_height), width + _GAP)
        row = event.y - self.body_top - 1
        gates = self._gates()
        if (
            self._selection is None
            or not 0 <= number < len(gates)
            or column >= width
            or not 0 <= row < height
        ):
            return
        x, y = _places(gates[number], width, height)
        across = (x - braille.DOTS_WIDE * (column + 0.5)) ** 2
        unit = int(np.argmin(across + (y - braille.DOTS_HIGH * (row + 0.5)) ** 2))
        self._scope.select_neuron(self._selection.layer, unit)


def _open_axis(cells: int) -> str:
    """The horizontal axis under a plot."""
    return f"{tick(0)}{'open':^{cells - 2}}{tick(1)}" if cells >= len("0 open 1") else f"{'open':^{cells}}"


def _places(gate: GateSaturation, width: int, height: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The dot of each neuron: columns from the left, rows from above."""
    x = np.rint(gate.right * (braille.DOTS_WIDE * width - 1)).astype(np.intp)
    y = np.rint((1.0 - gate.left) * (braille.DOTS_HIGH * height - 1)).astype(np.intp)
    return x, y
