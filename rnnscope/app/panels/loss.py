"""The loss of a run: training loss over its raw values, held-out loss where it differs, and baselines."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from rnnscope.app.actions import Action
from rnnscope.app.axes import ValueAxis
from rnnscope.app.history import History, Series
from rnnscope.app.panels.chart import Chart, Content
from rnnscope.app.plot import SECOND_GLYPH, Level

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Unit:
    """A unit in which the loss is displayed."""

    name: str
    of_nats: Callable[[Any], Any]


UNITS = (
    Unit("nats per character", lambda nats: nats),
    Unit("bits per character", lambda nats: nats / math.log(2.0)),
    Unit("perplexity", np.exp),
)

_DROPPED_FIRST = ("1-gram", "3-gram", "2-gram", "uniform", "5-gram")


_NAMES_FROM = 30
"""Minimum number of columns of a chart for names; values alone take fewer."""
_GLYPHS = {"azure": "⠒", "amber": SECOND_GLYPH}
"""What the two curves are drawn with where there is no color, before their names."""
_NEAR = 0.1
"""An evaluation this share of the step away is named without its own step."""


@dataclass(frozen=True)
class _Name:
    """A name and value in the gutter."""

    text: str
    nats: float
    token: str
    is_baseline: bool


class LossUnits:
    """Switches the unit of a loss chart."""

    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("units", ("u",), "Loss in nats, bits or perplexity", "navigation", "units", 180),
    )

    def __init__(self, chart: Chart, loss: Loss) -> None:
        self.panel = chart
        self._loss = loss

    def action_units(self) -> None:
        self._loss.next_unit()
        self.panel.update()


class Loss(Content):
    """Loss over steps; names and last values are listed right of the curves, sorted by value."""

    heading = "loss"

    def __init__(self) -> None:
        self.unit = UNITS[0]

    def next_unit(self) -> None:
        """Switch to the next unit."""
        self.unit = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)]

    # -- title -------------------------------------------------------------------------------------------

    def subject(self, chart: Chart) -> str:
        step = chart.crosshair_step
        if step is None:
            short = self.unit.name.partition(" ")[0]
            return chart.longest_subject(self.unit.name + chart.zoomed, short + chart.zoomed, short)
        train = chart.history.train
        short = f"step {step:,}"
        text = f"{short}  train {self._precise(float(train.smooth[train.nearest(step)]))}"
        held_out = chart.history.held_out
        if len(held_out) and step >= held_out.steps[0]:
            row = held_out.nearest(step)
            measured = f"{text}  held out {self._precise(float(held_out.smooth[row]))}"
            at = int(held_out.steps[row])
            if abs(at - step) > _NEAR * step:  # the nearest evaluation is far away
                return chart.longest_subject(f"{measured} at {at:,}", text, short)
            return chart.longest_subject(measured, text, short)
        return chart.longest_subject(text, short)

    def legend(self, chart: Chart) -> list[Segment]:
        best, ink = chart.history.best, chart.palette.ink
        if best is None:
            return []
        value = Segment(self._precise(best.nats), ink("strong", bold=True))
        if chart.size.width < 50 or chart.crosshair_step is not None:
            return [Segment("best ", ink("dim")), value]
        return [Segment("best ", ink("dim")), value, Segment(f" at {best.step:,}", ink("dim"))]

    def _precise(self, nats: float) -> str:
        return f"{float(self.unit.of_nats(max(0.0, nats))):.3f}"

    # -- curves ------------------------------------------------------------------------------------------

    def series(self, history: History) -> Series:
        return history.train

    def second(self, history: History) -> Series:
        return history.held_out

    def levels(self, history: History) -> Sequence[Level]:
        return [Level(name, nats) for name, nats in history.baselines_nats.items()]

    def in_unit(self, values: Float) -> Float:
        return np.asarray(self.unit.of_nats(values), dtype=np.float64)

    # -- names right of the plot ---------------------------------------------------------------------------

    def names_width(self, chart: Chart, width: int) -> int:
        if width < _NAMES_FROM:
            return 5
        return 15 if chart.palette.depth == "none" else 14

    def names(
        self, chart: Chart, values: ValueAxis, width: int
    ) -> tuple[dict[int, list[Segment]], Sequence[Level]]:
        if chart.palette.depth == "none" and width > 4:
            width -= 1  # for the glyphs
        shown = [
            name
            for name in self._names(chart.history)
            if not name.is_baseline or values.contains(float(self.unit.of_nats(name.nats)))
        ]
        for dropped in _DROPPED_FIRST:
            if len(shown) <= max(2, values.rows - 1):
                break
            shown = [name for name in shown if name.text != dropped]
        shown = sorted(shown, key=lambda name: -name.nats)[: values.rows]
        numbers = [float(self.unit.of_nats(max(0.0, name.nats))) for name in shown]
        rows = spread([values.row(number) for number in numbers], values.rows)
        segments = {}
        for name, number, row in zip(shown, numbers, rows, strict=True):
            style = chart.palette.ink(name.token, bold=not name.is_baseline)
            text = f"{name.text[: width - 5]:<{width - 5}} " if width > 4 else ""
            lead = " " if chart.palette.depth != "none" else _GLYPHS.get(name.token, " ")
            lead += " " * (chart.palette.depth == "none" and width > 4)
            segments[row] = [Segment(lead, style), Segment(text + _format_width_4(number), style)]
        kept = {name.text for name in shown}
        return segments, [level for level in self.levels(chart.history) if level.name in kept]

    def _names(self, history: History) -> list[_Name]:
        names = [_Name(name, nats, "mute", True) for name, nats in history.baselines_nats.items()]
        if len(history.held_out):
            names.append(_Name("held out", float(history.held_out.smooth[-1]), "amber", False))
        if len(history.train):
            names.append(_Name("train", float(history.train.smooth[-1]), "azure", False))
        return names


def spread(wanted: Sequence[int], rows: int) -> list[int]:
    """One row for each label, in order and all different: pushed up where they collide, kept within the rows.

    `wanted` rises; there are at most `rows` labels.
    """
    placed = list(wanted)
    for i in range(len(placed) - 2, -1, -1):
        placed[i] = min(placed[i], placed[i + 1] - 1)
    for i in range(len(placed)):
        placed[i] = max(placed[i], i)
    return placed


def _format_width_4(value: float) -> str:
    """A value formatted to a width of four columns."""
    if value < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}"[:4] if value < 99.95 else f"{value:4.0f}"
