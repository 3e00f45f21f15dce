"""Curves on a canvas: values on a log axis, steps on a linear one, names at the right ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnnscope.app import braille
from rnnscope.app.axes import StepAxis, ValueAxis
from rnnscope.app.learn.canvas import Canvas
from rnnscope.render.text import tick as label_of

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LABELS = 6
"""Columns of the labels of the values."""


@dataclass(frozen=True, eq=False)
class Curve:
    """Positive values at the positions `at`, by default 0, 1, 2, …"""

    name: str
    values: NDArray[np.float64]
    token: str
    at: NDArray[np.float64] | None = None
    is_dotted: bool = False


def draw_curves(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    curves: Sequence[Curve],
    *,
    low: float,
    high: float,
    steps: float,
    x_label: str,
    levels: Sequence[tuple[str, float]] = (),
    names_width: int = 0,
    logarithmic: bool = False,
) -> None:
    """Draw curves into the box (left, top, width, height); values outside low..high are left out.

    steps: the last position of the axis. levels: names and values of dotted lines. names_width: columns for
    the names of curves and levels. logarithmic: whether the axis of steps is, from 1 on.
    """
    left, top, width, height = box
    columns = width - _LABELS - (names_width + 1 if names_width else 0)
    rows = height - 1
    if columns < 8 or rows < 2:
        return
    values = ValueAxis(low, high, rows)
    axis = StepAxis(float(logarithmic), steps, columns * braille.DOTS_WIDE, logarithmic)
    plot = left + _LABELS
    for row, label in _value_ticks(values).items():
        canvas.put(left + _LABELS - 1 - len(label), top + row, label, "mute")
    ends: list[tuple[float, str, str]] = []
    for name, value in levels:
        if values.contains(value):
            for x in range(columns):
                canvas.put(plot + x, top + values.row(value), "┈", "rule")
            ends.append((float(values.row(value)), name, "mute"))
    lines = [_Line.of(curve, values, axis) for curve in curves]
    for y in range(rows):
        for x in range(columns):
            # Curves take turns at the cells that they share.
            here = [line for line in lines if line.codes[y, x]]
            if here:
                line = here[x % len(here)]
                canvas.put(plot + x, top + y, chr(braille.BLANK + int(line.codes[y, x])), line.token)
    ends += [(line.end, line.name, line.token) for line in lines if line.end is not None]
    _draw_names(canvas, plot + columns + 1, top, rows, names_width, ends)
    for tick in axis.ticks() if logarithmic else (0, *axis.ticks()):
        text = label_of(tick)
        x = min(int(axis.dot(tick) / braille.DOTS_WIDE), columns - len(text))
        canvas.put(plot + x, top + rows, text, "mute")
    room = 0 if names_width else len(f"{steps:.0f}") + len(x_label) + 2
    canvas.put(plot + columns + 1 - room, top + rows, x_label, "mute")


def _value_ticks(values: ValueAxis) -> dict[int, str]:
    """Rows and labels: powers of ten on an axis of many decades."""
    low, high = math.log10(values.low), math.log10(values.high)
    if high - low < 4:
        return values.ticks(aligned=False)
    stride = max(1, math.ceil(2 * (high - low) / values.rows))
    exponents = range(math.ceil(low / stride) * stride, math.floor(high) + 1, stride)
    return {values.row(10.0**each): _power(each) for each in exponents}


def _power(exponent: int) -> str:
    """Such as `10⁻⁶`; 1 and 10 are plain."""
    return str(10**exponent) if 0 <= exponent <= 1 else "10" + str(exponent).translate(_RAISED)


@dataclass(frozen=True, eq=False)
class _Line:
    """A curve in cells.

    codes: (R, C) of braille, 0 where it is not. end: the row of its right end, None if it is out of sight.
    """

    name: str
    token: str
    codes: NDArray[np.uint8]
    end: float | None

    @classmethod
    def of(cls, curve: Curve, values: ValueAxis, axis: StepAxis) -> _Line:
        at = np.arange(len(curve.values), dtype=np.float64) if curve.at is None else curve.at
        height = values.rows * braille.DOTS_HIGH
        heights = np.full(axis.dots, np.nan)
        shown = np.isfinite(curve.values)
        if shown.any():
            dots = np.arange(axis.dots, dtype=np.float64)
            places = axis.dot_of(at[shown])
            heights = np.interp(dots, places, values.dots(curve.values[shown]))
            is_outside = (heights < -0.5) | (heights > height - 0.5) | (dots > places[-1] + 0.5)
            heights[is_outside] = np.nan
        line = braille.line(heights, height)
        if curve.is_dotted:
            line[:, np.arange(axis.dots) % 4 >= 2] = False
        seen = heights[np.isfinite(heights)]
        end = float(seen[-1]) / braille.DOTS_HIGH if len(seen) else None
        return cls(curve.name, curve.token, braille.cells(line), end)


def _draw_names(
    canvas: Canvas, x: int, top: int, rows: int, width: int, ends: Sequence[tuple[float, str, str]]
) -> None:
    """Names at the rows of the right ends, pushed down where they collide, and up at the bottom."""
    if not width:
        return
    order = sorted(ends)
    free = 0
    for i, (row, name, token) in enumerate(order):
        y = min(max(free, int(row)), rows - len(order) + i)
        canvas.put(x, top + y, name[:width], token)
        free = y + 1
