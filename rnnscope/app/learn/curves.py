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
) -> None:
    """Draw curves into the box (left, top, width, height); values outside low..high are left out.

    steps: the last position of the axis. levels: names and values of dotted lines. names_width: columns for
    the names of curves and levels.
    """
    left, top, width, height = box
    columns = width - _LABELS - (names_width + 1 if names_width else 0)
    rows = height - 1
    if columns < 8 or rows < 2:
        return
    values = ValueAxis(low, high, rows)
    axis = StepAxis(0.0, steps, columns * braille.DOTS_WIDE, logarithmic=False)
    plot = left + _LABELS
    for row, label in _value_ticks(values).items():
        canvas.put(left + _LABELS - 1 - len(label), top + row, label, "mute")
    ends: list[tuple[float, str, str]] = []
    for name, value in levels:
        if values.contains(value):
            for x in range(columns):
                canvas.put(plot + x, top + values.row(value), "┈", "rule")
            ends.append((float(values.row(value)), name, "mute"))
    for curve in curves:
        end = _draw(canvas, (plot, top), curve, values, axis)
        if end is not None:
            ends.append((end, curve.name, curve.token))
    _draw_names(canvas, plot + columns + 1, top, rows, names_width, ends)
    for tick in (0, *axis.ticks()):
        text = str(tick)
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


def _draw(
    canvas: Canvas, corner: tuple[int, int], curve: Curve, values: ValueAxis, axis: StepAxis
) -> float | None:
    """Draw one curve; returns the row of its right end, None where nothing of it is in sight."""
    at = np.arange(len(curve.values), dtype=np.float64) if curve.at is None else curve.at
    shown = np.isfinite(curve.values)
    if not shown.any():
        return None
    dots = np.arange(axis.dots, dtype=np.float64)
    places = axis.dot_of(at[shown])
    heights = np.interp(dots, places, values.dots(curve.values[shown]))
    height = values.rows * braille.DOTS_HIGH
    outside = (heights < -0.5) | (heights > height - 0.5) | (dots > places[-1] + 0.5)
    heights[outside] = np.nan
    if not np.isfinite(heights).any():
        return None
    if len(places) == 1:
        heights[1:] = np.nan
    line = braille.line(heights, height)
    if curve.is_dotted:
        line[:, np.arange(axis.dots) % 4 >= 2] = False
    codes = braille.cells(line)
    for y, x in np.argwhere(codes > 0).tolist():
        canvas.put(corner[0] + x, corner[1] + y, chr(braille.BLANK + int(codes[y, x])), curve.token)
    last = float(heights[np.isfinite(heights)][-1])
    return last / braille.DOTS_HIGH


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
